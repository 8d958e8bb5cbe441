"""How far is tracing from the time of the network evaluations that it makes?

    python benchmarks/limit.py

During one trace every call that evaluates the network is recorded, with its arguments: bounds on cells,
values and gradients at points, and, of networks with kinks, evaluations within regions. Then exactly these
calls are made again, back to back, in turn with whole traces; what remains of a phase beyond its replayed
calls is our own overhead: lists of cells, pairing, the ODE solver, polynomials. Phases: paving (bounds on
cells), crossings, arcs (the ODE and the corrector) and assembly (error bounds, curves).
Writes results/limit.json.
"""

from contextlib import ExitStack
from functools import wraps
from unittest.mock import patch

import numpy as np
from measurement import in_turn, write
from standing_problems import problem

import tracer
from tracer.atlas import atlas
from tracer.boundaries import proving
from tracer.fields.networks.network import Network
from tracer.fields.piecewise_linear.linear_regions import ActivationRegions

PROBLEMS = ("T1", "paper", "moons", "noisy-moons", "mnist_64_32_sigmoid/3_5_8", "acasxu_1_1/headon_34")
# Whatever evaluates a network; of calls within each other the outermost is recorded.
EVALUATIONS = {
    Network: ("enclose", "value", "value_and_gradient"),
    ActivationRegions: ("at", "sides", "preactivations"),
}
# The functions that are a phase; whatever is evaluated outside belongs to the last.
PHASES = {"paving": (atlas, "pave"), "crossings": (atlas, "find_crossings"), "arcs": (proving, "trace_arcs")}
LAST = "assembly"


class Recorder:
    """The calls made during a trace, phase by phase."""

    def __init__(self):
        self.calls = {phase: [] for phase in (*PHASES, LAST)}
        self.phase, self.inside = LAST, False

    def evaluation(self, method):
        """`method`, recorded."""

        @wraps(method)
        def recorded(*arguments):
            if self.inside:
                return method(*arguments)
            copies = [np.array(a) if isinstance(a, np.ndarray) else a for a in arguments]
            self.calls[self.phase].append((method, copies))
            self.inside = True
            try:
                return method(*arguments)
            finally:
                self.inside = False

        return recorded

    def during(self, phase, function):
        """`function`, which is the phase."""

        @wraps(function)
        def phased(*arguments, **keywords):
            self.phase = phase
            try:
                return function(*arguments, **keywords)
            finally:
                self.phase = LAST

        return phased


def recorded(field, bounds):
    """The calls of one trace, phase by phase."""
    recorder = Recorder()
    with ExitStack() as stack:
        for kind, names in EVALUATIONS.items():
            for name in names:
                stack.enter_context(patch.object(kind, name, recorder.evaluation(getattr(kind, name))))
        for phase, (module, name) in PHASES.items():
            stack.enter_context(patch.object(module, name, recorder.during(phase, getattr(module, name))))
        tracer.trace(field, bounds)
    return recorder.calls


def replay(calls):
    """The same calls, back to back."""
    with np.errstate(all="ignore"):
        for method, arguments in calls:
            method(*arguments)


def phases_of(boundary):
    """Seconds of the phases of one trace; paving holds all of the survey but its crossings."""
    seconds = boundary.stats.seconds
    paving = seconds["survey"] - seconds["crossings"]
    return {"paving": paving, **{name: seconds[name] for name in ("crossings", "arcs", "assembly")}}


def against(total, calls, replayed):
    """A phase: its seconds, those of its calls, and the multiple."""
    return {"seconds": total, "calls": calls, "replayed": replayed, "multiple": total / replayed}


def measured(field, bounds):
    """One problem: total over replayed, by phase and in all."""
    calls = recorded(field, bounds)
    tracing = {"traced": lambda: tracer.trace(field, bounds)}
    done = in_turn(tracing | {phase: lambda c=c: replay(c) for phase, c in calls.items()})
    traced = done.pop("traced")
    phases = [phases_of(boundary) for boundary in traced.results]
    totals = {phase: float(np.median([p[phase] for p in phases])) for phase in calls}
    replayed = sum(run.seconds for run in done.values())
    return {
        "in all": against(traced.seconds, sum(map(len, calls.values())), replayed),
        "phases": {p: against(totals[p], len(c), done[p].seconds) for p, c in calls.items()},
        "runs": len(traced.times),
    }


def main():
    """Measure, print and write."""
    report = {}
    for name in PROBLEMS:
        posed = problem(name)
        if posed is not None:
            report[name] = measured(*posed)
            print(name, report[name], flush=True)
    write("limit", {"problems": report})


if __name__ == "__main__":
    main()
