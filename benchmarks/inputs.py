"""What does a network of 1280 × 720 × 3 inputs cost, on a plane through three of them?

    python benchmarks/inputs.py

The network is made on the spot: 2,764,800 inputs, 16 neurons of tanh, two classes; so are the three samples.
Restricting it to their plane is one product of its first weights with three vectors, with the bound of its
rounding. After it, tracing is compared with tracing a network that was born with two inputs: the same
weights, without the radii that folding leaves. Needs 2 GB of memory.
Writes results/inputs.json beside this file, and prints the row of the README's table.
"""

import json
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import scipy

import tracer

INPUTS = 1280 * 720 * 3
NEURONS = 16
GAIN = 16.0  # so that the neurons bend within the box
BOUNDS = ((-2.0, 3.0), (-2.0, 3.0))
RUNS = 5
RESULT = Path(__file__).parent / "results" / "inputs.json"


def made():
    """The field, and three samples."""
    rng = np.random.default_rng(3)
    weight = rng.standard_normal((NEURONS, INPUTS))
    weight *= GAIN / np.sqrt(INPUTS)
    samples = rng.random((3, INPUTS))
    # The neurons are centred on the samples, as those of a trained network are on its data.
    bias = 2 * rng.standard_normal(NEURONS) - weight @ samples.mean(axis=0)
    last = tracer.Layer(rng.standard_normal((2, NEURONS)), [0.0, 0.0])
    return tracer.Network([tracer.Layer(weight, bias, "tanh"), last]).margin(0, 1), samples


def born_with_two_inputs(field):
    """The network whose weights are exactly the folded ones."""
    first, last = field.layers
    bare = [tracer.Layer(layer.weight, layer.bias, layer.activation) for layer in (first, last)]
    return tracer.Network(bare)


def seconds(work):
    """The median time of some runs, and the last result."""
    times, result = [], None
    for _ in range(RUNS):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return statistics.median(times), result


def traced(fields):
    """Seconds of tracing each field, in turns, and their boundaries."""
    times, boundaries = [[] for _ in fields], [None for _ in fields]
    for _ in range(1 + RUNS):
        for k, field in enumerate(fields):
            began = time.perf_counter()
            boundaries[k] = tracer.trace(field, BOUNDS)
            times[k].append(time.perf_counter() - began)
    # The first run loads what is imported on first use.
    return [
        {
            "seconds": statistics.median(those[1:]),
            "curves": len(boundary),
            "closed": sum(curve.closed for curve in boundary),
            "complete": boundary.certificate.complete,
        }
        for those, boundary in zip(times, boundaries, strict=True)
    ]


def main():
    """Measure, print and write."""
    field, samples = made()
    plane = tracer.Plane.through(*samples)
    first = field.layers[0].weight
    vectors = np.stack([plane.u, plane.v, plane.origin], axis=-1)
    product, _ = seconds(lambda: first @ vectors)
    fold, restricted = seconds(lambda: field.restrict(plane))
    one, _ = seconds(lambda: field.value(samples[0]))
    rows = traced([restricted, born_with_two_inputs(restricted)])
    report = {
        "versions": {m.__name__: m.__version__ for m in (tracer, np, scipy)}
        | {"python": platform.python_version()},
        "machine": f"{platform.machine()}, {platform.system()}",
        "runs": RUNS,
        "inputs": INPUTS,
        "neurons": NEURONS,
        "seconds of one product with three vectors": product,
        "seconds of restricting": fold,
        "seconds of one evaluation": one,
        "traced on the plane": rows[0],
        "traced with two inputs": rows[1],
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    cells = [f"{row['curves']} ({row['closed']}), {row['seconds']:.2g} s" for row in rows]
    print(f"| {INPUTS:,} | {product:.2g} s | {fold:.2g} s | {' | '.join(cells)} |")
    print(f"wrote {RESULT}")


if __name__ == "__main__":
    main()
