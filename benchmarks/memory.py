"""How much memory does a queued cell take, a chunk of work, and a small problem as a whole?

    python benchmarks/memory.py

The box is paved with growing budgets of cells, and what Python's allocators hold is read from tracemalloc:
between chunks what is kept of cells, queued ones and decided ones; while bounds are computed, the most that
one call takes on top of it. And of T1, in a process of its own: how much its first trace takes beyond
`import tracer`, and how much a second one does.
Writes results/memory.json.
"""

import gc
import json
import math
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

from measurement import write
from standing_problems import T1_BOUNDS, problem, t1

import tracer
from tracer.atlas.cells.paving import pave
from tracer.atlas.cells.questions import OneField
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations

PROBLEMS = ("noisy-moons", "mnist_logsig_100_100_30_20/4_9_0")
BUDGETS = (2_000, 10_000, 50_000, 250_000, 1_000_000)
MIB = 2.0**20
# How this file is told to be the process that traces T1 alone.
ALONE = "T1"


class Watched(Evaluations):
    """Evaluations that watch what bounds take: the most of one call, and what is held between calls."""

    chunk = 0
    cells = 0

    def enclose(self, lower: Any, upper: Any) -> Any:
        """Bounds on cells, watched."""
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        found = self.field.enclose(lower, upper)
        taken = tracemalloc.get_traced_memory()[1] - before
        if taken > self.chunk:
            self.chunk, self.cells = taken, len(lower)
        return found


def paved(field, bounds, budget):
    """One paving: what it holds at its end, and the largest call."""
    watched, box = Watched(field), Box.from_bounds(bounds)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    paving = pave(OneField(watched), box, max_cells=budget)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    kept = sum(map(len, (paving.unprocessed, paving.empty, paving.charts, paving.unresolvable)))
    return {
        "cells": paving.cells,
        "queued": len(paving.unprocessed),
        "decided": kept - len(paving.unprocessed),
        "bytes per cell kept": held / kept,
        "chunk MiB": watched.chunk / MIB,
        "chunk cells": watched.cells,
    }


def growing(field, bounds):
    """Pavings with growing budgets, until one is enough."""
    rows = []
    for budget in BUDGETS:
        rows.append(paved(field, bounds, budget))
        if not rows[-1]["queued"]:
            break
    return rows


def peak(field, bounds):
    """The most that a whole trace allocates, in MiB."""
    gc.collect()
    tracemalloc.start()
    tracer.trace(field, bounds)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / MIB


def resident():
    """The most memory that this process has had, in MiB, as Linux knows it; nan elsewhere.

    Not `ru_maxrss`: that begins with what the parent had.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), math.nan)


def traced_t1():
    """How much a trace of T1 allocates, and how much the process grows by it, in MiB."""
    before, was = tracemalloc.get_traced_memory()[0], resident()
    tracemalloc.reset_peak()
    tracer.trace(t1(), T1_BOUNDS)
    return {
        "allocated": (tracemalloc.get_traced_memory()[1] - before) / MIB,
        "resident": resident() - was,
    }


def alone(watched):
    """Print what two traces of T1 take in a process that has done nothing else."""
    imported = resident()
    if watched:
        tracemalloc.start()
    first, second = traced_t1(), traced_t1()
    print(json.dumps({"imported": imported, "first trace": first, "second trace": second}))


def whole():
    """T1 in processes of its own: tracemalloc takes memory itself, so the process is looked at without it."""
    watched, bare = (
        json.loads(
            subprocess.run(
                [sys.executable, __file__, ALONE, *how], capture_output=True, text=True, check=True
            ).stdout
        )
        for how in (["watched"], [])
    )
    return {"MiB after import": bare["imported"]} | {
        name: {"allocated": watched[name]["allocated"], "resident": bare[name]["resident"]}
        for name in ("first trace", "second trace")
    }


def main():
    """Measure, print and write."""
    posed = {name: problem(name) for name in PROBLEMS}
    report = {
        name: {"pavings": growing(*p), "peak of a trace MiB": peak(*p)}
        for name, p in posed.items()
        if p is not None
    }
    report = {"problems": report, "T1": whole()}
    print(report)
    write("memory", report)


if __name__ == "__main__":
    if sys.argv[1:2] == [ALONE]:
        alone(bool(sys.argv[2:]))
    else:
        main()
