"""What benchmarks share: ways run in turn, medians, and a JSON that says where and with what.

Ways are run in turn in one process, so that whatever else the machine does hits them alike; of each the
median counts. One run of each comes first and is not counted: it loads what is imported on first use. What
takes seconds is run less often, what takes milliseconds more often, and every row says how often.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import tracer

RESULTS = Path(__file__).resolve().parent / "results"
# At least; TRACER_RUNS=1 shows quickly whether a benchmark works.
RUNS = int(os.environ.get("TRACER_RUNS", "7"))
# TRACER_CLOCK=cpu counts seconds of the processor, which other work on the machine hardly changes; give the
# matrix products one thread then (OPENBLAS_NUM_THREADS=1), since the seconds of all threads are added.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
CLOCK = os.environ.get("TRACER_CLOCK", "wall")
# What is quick is run for so long, at most MORE times as often.
FILL_SECONDS, MORE = 1.0, 5
# What takes longer than so many seconds is run so often: of the slowest the first run is the only one.
FEWER = ((1.5, 3), (8.0, 1))


class Timed(NamedTuple):
    """All runs of one way: their results and seconds."""

    results: list[Any]
    times: list[float]

    @property
    def result(self) -> Any:
        """The last."""
        return self.results[-1]

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(self.times)

    def row(self) -> dict[str, Any]:
        """What goes into the JSON."""
        return {"seconds": self.seconds, "runs": len(self.times)}


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """A result, and the seconds it took."""
    now = CLOCKS[CLOCK]
    began = now()
    result = function(*arguments)
    return result, now() - began


def runs_for(seconds: float) -> int:
    """How often to run what takes so many seconds."""
    often = min(MORE * RUNS, max(RUNS, int(FILL_SECONDS * RUNS / 7 / seconds)))
    return min([often, *(most for limit, most in FEWER if seconds > limit)])


def in_turn(ways: Mapping[Any, Callable[[], Any]]) -> dict[Any, Timed]:
    """Every way, run in turn with the others."""
    done = {name: first_runs(way) for name, way in ways.items()}
    wanted = {name: runs_for(first.seconds) for name, first in done.items()}
    for k in range(1, max(wanted.values())):
        for name, way in ways.items():
            if k < wanted[name]:
                result, seconds = timed(way)
                done[name].results.append(result)
                done[name].times.append(seconds)
    return done


def first_runs(way: Callable[[], Any]) -> Timed:
    """A run that is not counted, unless it is so slow that it is the only one, and the first that is."""
    result, seconds = timed(way)
    if seconds <= FEWER[-1][0]:
        result, seconds = timed(way)
    return Timed([result], [seconds])


def header(*packages: str) -> dict[str, Any]:
    """The versions of what was measured, and the machine."""
    named = {name: version(name) for name in ("numpy", "scipy", *packages)}
    return {
        "versions": {"tracer": tracer.__version__, **named, "python": platform.python_version()},
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores",
        "clock": CLOCK,
        "load": other_work(),
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS"),
    }


def other_work() -> float | None:
    """How many other processes wanted a processor in the last five minutes; None where that is not known."""
    return max(os.getloadavg()[1] - 1, 0.0) if hasattr(os, "getloadavg") else None


def write(name: str, report: Mapping[str, Any], *packages: str) -> None:
    """Write results/NAME.json: the versions of `packages`, the machine, and the report."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(header(*packages) | report, indent=1) + "\n")
    print(f"wrote {path.name}", flush=True)
