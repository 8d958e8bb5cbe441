"""What was aimed at, and was it reached?

    python benchmarks/goals.py

The bounds that the library was given to meet, on two cores, one row each. Seconds are from the weights in
hand to certified curves at 1e-10, in turn with what they are bounded by: contourpy's line contours of the
bare logits, or AUTO-07p's executable. What other benchmarks measure (equal error, accuracy, inputs,
overhead, memory) is read from their JSON files, so run those first; `python benchmarks/run.py` does.
Networks that others trained are measured where ../shared beside this checkout holds them.
Writes results/goals.json.
"""

import json
import runpy
import tempfile
from functools import partial
from pathlib import Path

import vs_auto
from contours import contour
from measurement import RESULTS, in_turn, timed, write
from standing_problems import SHARED, problem

import tracer

NOT_AT_HAND = {"measured": "not at hand", "met": None}
# Times the contour of so many points a side.
AGAINST_CONTOURS = {
    "T1": (3.0, 200),
    "own_moons_sigmoid3/": (1.0, 400),
    "own_moons_tanh16/": (1.0, 400),
}
# The contour of 1600² counts 40 curves where there are 19.
NOISY, NOISY_SECONDS, NOISY_SIDE = "own_noisy_moons_tanh64/", 0.8, 1600
SECONDS = {
    "mnist_64_32_sigmoid/3_5_8": 0.4,
    "acasxu_1_1/headon_34": 1.5,
    "mnist_logsig_100_100_30_20/4_9_0": 8.0,
    "mnist_logsig_100_100_30_20/7_1_2": 8.0,
}
CONFORMANCE_SECONDS, ONE_PROBLEM_SECONDS = 40.0, 60.0


def goal(what, bound, measured, met, **more):
    """One row: the bound and what was measured, as text, and whether it is met, None where not known."""
    return {"goal": what, "bound": bound, "measured": measured, "met": met, **more}


def seconds(run):
    """As text."""
    return f"{run.seconds:.3g} s"


def proven(run):
    """Whether the boundary is."""
    return run.result.certificate.complete


def traced_and(posed, **ways):
    """A problem traced, in turn with other ways."""
    return in_turn({"traced": lambda: tracer.trace(*posed)} | ways)


def against_contours(name):
    """Tracing, and so many times a contour."""
    times, side = AGAINST_CONTOURS[name]
    what, bound = name.strip("/"), f"{times:g} × the contour of {side}²"
    posed = problem(name)
    if posed is None:
        return goal(what, bound, **NOT_AT_HAND)
    done = traced_and(posed, contour=lambda: contour(*posed, side))
    most = times * done["contour"].seconds
    return goal(
        what,
        f"{bound}: {most:.3g} s",
        seconds(done["traced"]),
        proven(done["traced"]) and done["traced"].seconds <= most,
        runs=len(done["traced"].times),
    )


def against_auto():
    """Tracing T1, and AUTO-07p's executable at the steps that come nearest to our error, if not near."""
    what = f"T1, faster than AUTO-07p's executable at steps of {vs_auto.STEPS[-1]:g}"
    if not vs_auto.at_hand():
        return goal(what, "not installed", **NOT_AT_HAND)
    with tempfile.TemporaryDirectory() as folder:
        auto = vs_auto.way(vs_auto.build(Path(folder)), vs_auto.STEPS[-1])
        done = traced_and(problem("T1"), auto=auto)
    met = done["traced"].seconds < done["auto"].seconds
    return goal(what, seconds(done["auto"]), seconds(done["traced"]), met, runs=len(done["traced"].times))


def noisy_moons():
    """The 19 curves, and the contour that counts 40."""
    bound = f"{NOISY_SECONDS:g} s, or the contour of {NOISY_SIDE}²"
    what, posed = NOISY.strip("/"), problem(NOISY)
    if posed is None:
        return goal(what, bound, **NOT_AT_HAND)
    done = traced_and(posed, contour=lambda: contour(*posed, NOISY_SIDE))
    traced, drawn = done["traced"], done["contour"]
    met = proven(traced) and traced.seconds <= max(NOISY_SECONDS, drawn.seconds)
    measured = f"{seconds(traced)}, {len(traced.result)} curves"
    bound = f"{bound}: {drawn.seconds:.3g} s, {len(drawn.result)} curves"
    return goal(what, bound, measured, met, runs=len(traced.times))


def within(name, most):
    """Tracing, within so many seconds."""
    posed = problem(name)
    if posed is None:
        return goal(name, f"{most:g} s", **NOT_AT_HAND)
    run = traced_and(posed)["traced"]
    met = proven(run) and run.seconds <= most
    status = run.result.certificate.status.name
    return goal(name, f"{most:g} s", f"{seconds(run)}, {status}", met, runs=len(run.times))


def conformance():
    """All published problems, and all curves of known topology, once: proven, and the seconds in all."""
    bound = f"all nonsingular ones proven, {CONFORMANCE_SECONDS:g} s in all"
    if not (SHARED / "conformance.py").is_file():
        return goal("conformance.py", bound, **NOT_AT_HAND)
    posed = runpy.run_path(str(SHARED / "conformance.py"))["problems"]
    total, open_ = 0.0, []
    for name, make, _, bounds, _, singular in posed(str(SHARED / "networks"), str(SHARED / "curves.json")):
        trace = partial(tracer.trace, make(), bounds, time_limit=ONE_PROBLEM_SECONDS)
        boundary, spent = timed(trace)
        total += spent
        if not (singular or boundary.certificate.complete):
            open_.append(name)
    measured = f"{total:.3g} s, {len(open_)} not proven"
    met = not open_ and total <= CONFORMANCE_SECONDS
    return goal("conformance.py", bound, measured, met, runs=1, **{"not proven": open_})


# Read from what the other benchmarks wrote ----------------------------------------------------------


def report(name):
    """What another benchmark wrote."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def equal_error():
    """The grid's cost over ours at an equal error of 1e-8."""
    ratio = report("vs_grid_roots")["ratio on moons"]
    fewer, faster = ratio["evaluations"], ratio["seconds"]
    measured = f"{faster:,.0f} × faster, {fewer:,.0f} × fewer evaluations"
    measured += " (grid by its growth)" * ratio["extrapolated"]
    bound = "≥ 100 × faster, ≥ 1,000 × fewer evaluations"
    what = "equal error 1e-8, against grid root-finding on moons"
    return goal(what, bound, measured, faster >= 100 and fewer >= 1000)


def accuracy():
    """The cost of 1e-12 over that of 1e-6."""
    ratios = {name: row["1e-12 over 1e-6"] for name, row in report("accuracy")["problems"].items()}
    measured = ", ".join(f"{name} {ratio:.2f} ×" for name, ratio in ratios.items())
    return goal("tolerance 1e-6 → 1e-12", "≤ 2 × the time", measured, max(ratios.values()) <= 2)


def inputs():
    """Tracing on a plane of many inputs over tracing with two."""
    last = report("inputs")["rows"][-1]
    ratio = last["ratio after the fold"]
    what = f"2 → {last['inputs']:,} inputs, after the fold"
    return goal(what, "≤ 1.2 × the time", f"{ratio:.2f} ×", ratio <= 1.2)


def overhead():
    """Total over the same evaluations replayed."""
    multiples = {name: row["in all"]["multiple"] for name, row in report("limit")["problems"].items()}
    measured = ", ".join(f"{name} {multiple:.1f} ×" for name, multiple in multiples.items())
    return goal("total over its evaluations replayed", "≤ 3 ×", measured, max(multiples.values()) <= 3)


def memory():
    """Bytes of a queued cell and of a chunk; and what T1 takes."""
    found = report("memory")
    rows = [row for p in found["problems"].values() for row in p["pavings"] if row["queued"]]
    cell, chunk = (max(row[key] for row in rows) for key in ("bytes per cell kept", "chunk MiB"))
    measured = f"{cell:.0f} bytes, {chunk:.1f} MiB"
    yield goal("memory", "≤ 1 kB per cell, chunk ≤ 64 MB", measured, cell <= 1000 and chunk <= 64e6 / 2**20)
    # The first trace would also import whatever `import tracer` left; the second cannot.
    for name, what in (("first trace", "with what it imports"), ("second trace", "everything imported")):
        peak = max(found["T1"][name].values())
        yield goal(f"memory of T1, {what}", "≤ 5 MB over import", f"{peak:.1f} MiB", peak <= 5e6 / 2**20)


def goals():
    """All rows, one by one."""
    yield against_contours("T1")
    yield against_auto()
    yield from (against_contours(name) for name in AGAINST_CONTOURS if name != "T1")
    yield noisy_moons()
    yield from (within(*pair) for pair in SECONDS.items())
    yield conformance()
    yield from (read() for read in (equal_error, accuracy, inputs, overhead))
    yield from memory()


def main():
    """Measure, print and write."""
    rows = []
    for row in goals():
        rows.append(row)
        print(row, flush=True)
    write("goals", {"rows": rows}, "contourpy")


if __name__ == "__main__":
    main()
