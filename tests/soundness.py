"""Random networks against certain arithmetic: is anything that the library proves wrong?

Each check takes what the library claims about one random network and yields a sentence for every claim
that is false; `exact` decides. As a script, all checks on many networks:

    python tests/soundness.py --networks 2000 --cells 1000000 [--seed S] [--seconds LIMIT]

`--activations relu tanh` draws from these alone; `--graphs` takes random ONNX graphs instead, with
convolutions, pools, skips and branches. Every network is made from the seed, its number and the activations,
so `--seed S --first N --networks 1` repeats one.
"""

import argparse
import secrets
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tracer
from cases.random_networks import ACTIVATIONS, as_network, network_of
from claims.arithmetic import arithmetics
from claims.atlas import atlas_checks
from claims.budgets import nan_proves_nothing, tiny_budgets
from claims.crossings import lines
from claims.curves import error_bounds, straight_sides, topology
from claims.enclosures import enclosures
from claims.nearest import nearest
from claims.partition import cut_off, partitions, random_classes
from claims.roots import roots_at_ends
from claims.tiny_regions import false_claims, integer_layers, tiny_layers
from sound_formulas import formulas
from tracer.atlas.atlas import build_atlas
from tracer.atlas.cells.questions import OneField

# Random formulas with awkward constants that are looked at with each network.
FORMULAS = 10
# The share of networks whose layers have blocks of activations, and sparse weights.
BLOCKS = 0.4


@dataclass
class Tally:
    """What was looked at, and what was wrong."""

    counts: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __getitem__(self, key: str) -> Any:
        return self.counts[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.counts[key] = value


def check_field(rng, problem, tally, max_cells, cells):
    """Checks on one field: false claims, one sentence each; returns its boundary, None if none is proven."""
    tally[f"networks, {problem.kind}"] += 1
    tally[f"cells, {problem.kind}"] += cells
    corners = rng.uniform(problem.bounds[:, 0], problem.bounds[:, 1], (6, 2))
    yield from (f"the checker at {corners[k].tolist()}" for k in problem.exact.disagreements(corners))
    yield from enclosures(rng.spawn(1)[0], problem, cells)
    atlas = build_atlas(OneField(problem.field), problem.box, max_cells=max_cells)
    tally[atlas.status.name] += 1
    tally["charts"] += len(atlas.paving.charts)
    tally["charts, oblique"] += int((atlas.paving.directions != 0).all(axis=2).sum())
    tally["crossings"] += len(atlas.sheet.crossings)
    yield from atlas_checks(rng, problem, atlas)
    proven = None
    if not atlas.paving.exhausted:
        boundary = tracer.trace(problem.field, problem.bounds, max_cells=max_cells)
        yield from error_bounds(rng, problem, boundary, tally)
        yield from straight_sides(rng, problem, boundary, tally)
        yield from nearest(rng.spawn(1)[0], problem, boundary, tally)
        proven = boundary if boundary.certificate.complete else None
    yield from lines(rng, problem, tally)
    if proven is not None:
        tally["curves"] += len(proven)
        yield from topology(problem, proven, atlas, tally)
    return proven


def check_network(rng, problem, tally, max_cells, cells, time_limit=2.0):
    """Checks on one network, and on what is drawn beside it: false claims, one sentence each."""
    proven = yield from check_field(rng, problem, tally, max_cells, cells)
    own = rng.spawn(1)[0]
    layers = random_classes(own, problem.exact.layers, problem.bounds)
    for some in (layers, cut_off(own, layers, problem.bounds)):
        yield from partitions(own, some, as_network(some), problem.bounds, tally, max_cells)
    yield from false_claims(*tiny_layers(own, smooth=own.uniform() < 0.3), tally, max_cells)
    yield from false_claims(*integer_layers(own), tally, max_cells)
    if proven is not None:
        yield from nan_proves_nothing(rng, problem, proven, tally, time_limit)
    yield from tiny_budgets(rng, problem, proven, tally, max_cells, time_limit)
    yield from roots_at_ends(rng, tally)
    if proven is not None:
        yield from arithmetics(rng, problem, proven, tally, max_cells)
    for _ in range(FORMULAS):
        yield from formulas(rng, tally)


def run(options, tally):
    """All checks on networks `first`, `first` + 1, …"""
    began, cells = time.perf_counter(), -(-options.cells // max(1, options.networks))
    for n in range(options.networks):
        if time.perf_counter() - began > options.seconds:
            break
        number, start = options.first + n, time.perf_counter()
        tally.wrong += claims_of(number, options, cells, tally)
        tally.notes = [note if note[0] == "[" else f"[{number}] {note}" for note in tally.notes]
        if n % 50 == 49:
            print(f"{n + 1} networks, {time.perf_counter() - began:.0f} s", flush=True)
        taken = time.perf_counter() - start
        if taken > tally["slowest: seconds"]:
            tally["slowest: seconds"], tally["slowest: network"] = taken, number


def claims_of(number, options, cells, tally):
    """The false claims about one network, shown as they are found."""
    try:
        if options.graphs:
            # Only these need the package onnx.
            from cases.graph_problems import graph_problem

            problem, rng = graph_problem(options.seed, number)
            claims = check_field(rng, problem, tally, options.max_cells, cells)
        else:
            problem, rng = network_of(options.seed, number, options.activations, blocks=BLOCKS)
            claims = check_network(rng, problem, tally, options.max_cells, cells)
        wrong = [f"network {number}, {problem.field}: {claim}" for claim in claims]
        tally["decided in ball arithmetic"] += problem.exact.balls
    except Exception:
        wrong = [f"network {number} raised\n{traceback.format_exc()}"]
    for claim in wrong:
        print("VIOLATION", claim, flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=2000)
    parser.add_argument("--cells", type=int, default=10**6, help="random cells, over all networks")
    parser.add_argument("--activations", nargs="+", default=ACTIVATIONS, choices=ACTIVATIONS)
    parser.add_argument("--graphs", action="store_true", help="convolutions, pools, skips and branches")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=np.inf)
    parser.add_argument("--max-cells", type=int, default=20_000)
    options, tally = parser.parse_args(), Tally()
    print(f"seed {options.seed}", flush=True)
    warnings.simplefilter("error")
    run(options, tally)
    for key, value in sorted(tally.counts.items()):
        print(f"{key:60} {value:.4g}" if isinstance(value, float) else f"{key:60} {value}")
    for note in tally.notes:
        print("inspect", note)
    print(f"{len(tally.wrong)} violations")
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
