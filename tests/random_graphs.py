"""Random graphs of all ONNX operators that are read: are their chains of layers the same functions?

A graph of 1 to 8 operators with random attributes is lowered, and its chain is evaluated at random points.
onnxruntime evaluates the graph, in float64 if it has kernels for that: then both agree to 1e-12 of the
largest output. Where it has none, as for convolutions, it runs the graph in float32; if the reference
evaluator of `onnx`, in float64, agrees with it to 5e-5, the chain agrees with that one to 1e-12.

    python tests/random_graphs.py --graphs 2000 [--seed S]
"""

import argparse
import secrets
import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field
from unittest import mock

import numpy as np
from onnx.reference import ReferenceEvaluator

from cases.chains import evaluated
from cases.onnx_graphs import Graph
from tracer.models.lowering import chain
from tracer.models.onnx import graph

DEEPEST, POINTS = 8, 2
# Shares of the largest output.
DOUBLE, SINGLE = 1e-12, 5e-5
# Operators whose constants are rounded to float32 in the reference evaluator.
ROUNDED = {"Gelu"}
# Windows of padding alone, constants, and paddings that runtimes do not agree on.
REFUSED = (
    "a window is larger",
    "must not be over padding alone",
    "its output does not depend",
    "at least one entry of",
    "output_shape must not be larger",
    "auto_pad with dilations",
)


@dataclass
class Tally:
    """What was compared, and what differs."""

    counts: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    largest: float = 0.0


def expected(random, x):
    """The outputs at points x, how exact they are, and by what; None where no runtime has the operators."""
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for dtype, tolerance in ((np.float64, DOUBLE), (np.float32, SINGLE)):
        made = random.model(dtype)
        try:
            run = runtime.InferenceSession(made.SerializeToString(), options).run
            found = outputs(lambda point, run=run, dtype=dtype: run(None, {"x": point.astype(dtype)})[0], x)
        except Exception:
            continue
        # Products of many factors may overflow.
        if not np.isfinite(found).all():
            continue
        if dtype is np.float32:
            return *in_double(random, x, found), tolerance
        return found, "onnxruntime in float64", tolerance
    return None


def outputs(run, x):
    """What a runtime gives at each point, as rows of float64."""
    return np.array([run(point).ravel() for point in x], dtype=np.float64)


def in_double(random, x, single):
    """The outputs of the reference evaluator, if those of onnxruntime in float32 are the same."""
    by = "onnxruntime in float32"
    if not ROUNDED.isdisjoint(node.op_type for node in random.nodes):
        return single, by
    try:
        run = ReferenceEvaluator(random.model()).run
        # It warns of windows of padding alone.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = outputs(lambda point: run(None, {"x": point})[0], x)
    except Exception:
        return single, by
    same = found.shape == single.shape and difference(found, single) <= SINGLE
    return (found, "the reference in float64") if same else (single, by)


def difference(a, b):
    """As a share of the largest number."""
    return np.abs(a - b).max() / max(1.0, np.abs(b).max())


def compare(random, rng, tally):
    """Compare a random graph with its chain; whether that was possible."""
    # Numbers of float32, so that both precisions get the same.
    x = rng.normal(size=(POINTS, *random.shapes["x"])).astype(np.float32).astype(np.float64)
    found = expected(random, x)
    if found is None:
        tally.counts["no runtime has it"] += 1
        return False
    values, by, tolerance = found
    tolerance = DOUBLE if "float64" in by else tolerance
    try:
        with mock.patch.object(chain, "network", chain.steps):
            steps = graph.lowered(random.model(), None, None, None)
    except (graph.Unread, ValueError) as error:
        reason = next((reason for reason in REFUSED if reason in str(error)), None)
        tally.counts[f"refused: {reason}"] += 1
        if reason is None:
            tally.wrong.append(f"{error}: {random.nodes}")
        return False
    off = difference(evaluated(steps, x.reshape(POINTS, -1)), values)
    tally.counts[by] += 1
    if not off <= tolerance:
        tally.wrong.append(f"{off:.1e} from {by}: {random.nodes}")
    elif "float64" in by:
        tally.largest = max(tally.largest, off)
        tally.counts.update(f"operator {node.op_type}" for node in random.nodes)
    return True


def run(seed, graphs, tally):
    """Compare so many graphs."""
    rng, compared = np.random.default_rng(seed), 0
    while compared < graphs:
        compared += compare(Graph(rng, int(rng.integers(1, DEEPEST + 1))), rng, tally)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options, tally = parser.parse_args(), Tally()
    print(f"seed {options.seed}", flush=True)
    run(options.seed, options.graphs, tally)
    for key, value in sorted(tally.counts.items()):
        print(f"{key:60} {value}")
    print(f"largest difference in float64: {tally.largest:.1e}")
    for wrong in tally.wrong:
        print("WRONG", wrong)
    print(f"{len(tally.wrong)} wrong")
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
