"""The program of `works`, as it is and with the standard library rewritten, and what it prints."""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release/mapscope"
MAPSCOPE = pathlib.Path(os.environ.get("MAPSCOPE") or BUILT)

# Works of the standard library: map type, function that fills it, and in which file to replace what by what; versions differ.
STD = {
    "zip": ("map[string]int", "archive/zip.(*Reader).initFileList",
            [("archive/zip/reader.go", "files := make(map[string]int)", "files := make(map[string]int, len(r.File))")]),
    "query": ("map[string][]string", "net/url.",
              [("net/url/url.go", "m := make(Values)", 'm := make(Values, 1+strings.Count(query, "&"))')]),
    "json": ("map[string]any", "encoding/json",
             [("encoding/json/decode.go", "make(map[string]any)", "make(map[string]any, 40)"),
              ("encoding/json/v2/arshal_default.go", "reflect.MakeMap(t)", "reflect.MakeMapWithSize(t, 40)")]),
}


def command(*arguments, **options):
    result = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{arguments}: {result.stderr}")
    return result.stdout


class Programs:
    """The program built by one version of Go."""

    def __init__(self, version, made):
        self.version, self.made = version, made
        go = (ROOT / f".toolchains/go-{version}").resolve()
        settings = {"GOTOOLCHAIN": "local", "GOENV": "off", "GOPROXY": "off", "GOFLAGS": "", "CGO_ENABLED": "0"}
        self.environment = os.environ | settings | {"GOROOT": str(go), "GOCACHE": str(ROOT / "target/go-cache/build")}
        self.before, self.after = made / "before", made / "after"
        overlay = made / "overlay.json"
        overlay.write_text(json.dumps({"Replace": self.patches(go)}))
        for program, flags in [(self.before, []), (self.after, ["-overlay", overlay])]:
            command(go / "bin/go", "build", "-buildvcs=false", *flags, "-o", program, ".", cwd=HERE / "works", env=self.environment)

    def patches(self, go):
        replaced = {}
        for _, _, patches in STD.values():
            for file, old, new in patches:
                path = go / "src" / file
                if path.exists() and old in path.read_text():
                    patched = self.made / file.replace("/", "_")
                    patched.write_text(path.read_text().replace(old, new))
                    replaced[str(path)] = str(patched)
        return replaced

    def run(self, program, *arguments, hint=None):
        """What it prints, by key."""
        environment = self.environment | ({"WORKS_HINT": str(hint)} if hint else {})
        lines = command(program, *arguments, env=environment).splitlines()
        return {key: value for key, value in (line.split(" ", 1) for line in lines)}


def matches(name, function):
    """Whether a function of a report is the one meant, or of the package meant."""
    return name.endswith("." + function) if function.startswith("fill") else name.startswith(function)
