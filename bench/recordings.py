"""Programs to record, and what recordings of them say: what the scripts bench/record-* have in common.

Everything that depends on how a recording or a report spells things is in `read_said` and `read_sizes`.
"""

import collections
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release" / "mapscope"
MAPSCOPE = pathlib.Path(os.environ.get("MAPSCOPE") or BUILT)
GO_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOPROXY": "off", "GOENV": "off", "CGO_ENABLED": "0"}
GO_CACHE = ROOT / "target/go-cache/build"
WITHOUT_LIMIT = ["--max-overhead", "100"]


def need(**tools):
    """Ends the script unless the files and commands are there; `tools` are names and where to look."""
    missing = [f"{name} ({path})" for name, path in tools.items() if not pathlib.Path(path or "").is_file()]
    if os.geteuid() != 0:
        missing.append("root")
    if missing:
        sys.exit(f"{sys.argv[0]}: missing: {', '.join(missing)}")


def go(version):
    return ROOT / f".toolchains/go-{version}/bin/go"


def go_tool(name, version):
    return (ROOT / f".toolchains/go-{version}/pkg/tool/linux_amd64/{name}").resolve()


def go_environment(cache=GO_CACHE):
    return os.environ | GO_ENVIRONMENT | {"GOCACHE": str(cache)}


def build(program, version, directory):
    """One of the programs of bench/, built by this Go."""
    binary = pathlib.Path(directory) / f"{program}-{version}"
    command = [go(version), "build", "-o", binary, "."]
    subprocess.run(command, cwd=ROOT / "bench" / program, env=go_environment(), check=True)
    return binary


@dataclasses.dataclass
class Said:
    """What a recording says of itself. The range is `None` where it gives none for numbers that are not exact."""

    grows: int
    low: float | None
    high: float | None
    precision: str
    windows: int
    uncounted_s: float
    overhead_pct: float
    lost: int

    def is_exact(self):
        return self.precision in ("exact", "site-estimated") and self.uncounted_s == 0

    def has_range(self):
        return self.low is not None

    def holds(self, truth):
        return self.has_range() and self.low <= truth <= self.high

    def range(self):
        if not self.has_range():
            return "none"
        return f"{self.low:,.0f} to {'unknown' if self.high == float('inf') else f'{self.high:,.0f}'}"


def read_comments(recording):
    command = [go("1.27.3"), "tool", "pprof", "-comments", recording]
    output = subprocess.run(command, env=go_environment(), capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def diagnose(recording, *files):
    command = [MAPSCOPE, "diagnose", "--json", "--top", "1000", recording, *files]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def read_said(recording, report=None):
    """Of growths: `grows_low` and `grows_high`, in old recordings `estimate_range_pct`; both can be `unknown`."""
    comments, growth = read_comments(recording), (report or diagnose(recording))["growth"]
    grows = growth["total"]["grows"] if growth else 0
    precision = growth["precision"] if growth else "exact"
    windows, uncounted_s = int(comments.get("windows", 0)), float(comments.get("uncounted_s", 0))
    if "grows_low" in comments:
        high = comments.get("grows_high", "unknown")
        low, high = float(comments["grows_low"]), float("inf") if high == "unknown" else float(high)
    elif comments.get("estimate_range_pct", "unknown") != "unknown":
        part = float(comments["estimate_range_pct"]) / 100
        low, high = max(0, grows * (1 - part)), grows * (1 + part)
    elif precision in ("exact", "site-estimated"):
        low, high = grows, grows if uncounted_s == 0 else float("inf")
    else:
        low = high = None
    lost = int(comments.get("lost_events", 0))
    return Said(grows, low, high, precision, windows, uncounted_s, float(comments.get("overhead_pct", "nan")), lost)


@dataclasses.dataclass
class Sizes:
    """What a report says of the maps that a function filled; no range is as in `Said`."""

    maps: int
    low: float | None
    high: float | None
    median: tuple[int, int] | None
    precision: str

    def holds(self, truth):
        return self.low is not None and self.low <= truth <= self.high

    def median_holds(self, entries):
        return self.median is not None and self.median[0] <= entries <= self.median[1]


def read_sizes(report, function):
    """Of the type with most growths at the lines of this function."""
    types = [
        one
        for site in report["sites"]
        if site["function"] == function and site["growth"]
        for one in site["growth"]["types"]
    ]
    if not types:
        return None
    one = max(types, key=lambda one: one["total"]["grows"])
    sizes, precision = one["final_sizes"], one["precision"]
    if sizes is None:
        return Sizes(0, None, None, None, precision)
    maps, median = sizes["maps"], sizes.get("p50")
    low, high = None, None
    if sizes.get("maps_range"):
        low, high = sizes["maps_range"]["low"], sizes["maps_range"]["high"]
        high = float("inf") if high is None else high
    if low is None and precision == "exact":
        low = high = maps
    return Sizes(maps, low, high, median and (median["at_least"], median["room"]), precision)


def run_recorded(command, output, *options):
    """Records a program from its first instruction to its end. Returns what it prints, and the recording."""
    record = [MAPSCOPE, "record", *options, "-o", output, "--", *command]
    done = subprocess.run(record, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0 or not output.exists():
        sys.exit(f"{record}: {done.stderr}")
    return done.stdout, output


def wait_for_probes(recorder):
    """Reads what a recorder says until its probes are in place."""
    for line in recorder.stderr:
        if "growth probes" in line:
            return
    sys.exit(f"{recorder.args}: ended before its probes were in place")


def process_cpu_s(pid):
    """CPU time of a process, to the nanosecond. Source: clock_getcpuclockid(3), CPUCLOCK_SCHED."""
    return time.clock_gettime((~pid << 3) | 2)


def counts(values):
    """`exact 18, estimated 2`."""
    return ", ".join(f"{value} {n}" for value, n in collections.Counter(values).most_common())


def spread(values, form="{:,.0f}"):
    """Median, smallest and largest."""
    if not values:
        return "not measured"
    median, low, high = (form.format(f(values)) for f in (statistics.median, min, max))
    return median if low == high else f"{median} ({low} to {high})"


def table(*columns):
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
