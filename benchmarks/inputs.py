"""What does a plane in many inputs cost?

    python benchmarks/inputs.py

Networks of 2 to 1280 × 720 × 3 inputs, 16 neurons of tanh and two classes are made on the spot; so are
three samples each. Restricting a network to their plane is one product of its first weights with three
vectors, with the bound of its rounding. After it, tracing is compared, in turn, with tracing a network that
was born with two inputs: the same weights, without the radii that folding leaves. Needs 2 GB of memory.
Writes results/inputs.json.
"""

import numpy as np
from contours import traced_row
from measurement import in_turn, write

import tracer

INPUTS = (2, 100, 10**4, 10**6, 1280 * 720 * 3)
NEURONS = 16
GAIN = 16.0  # so that the neurons bend within the box
BOUNDS = ((-2.0, 3.0), (-2.0, 3.0))


def made(inputs):
    """The field, and three samples."""
    rng = np.random.default_rng(3)
    weight = rng.standard_normal((NEURONS, inputs))
    weight *= GAIN / np.sqrt(inputs)
    samples = rng.random((3, inputs))
    # The neurons are centred on the samples, as those of a trained network are on its data.
    bias = 2 * rng.standard_normal(NEURONS) - weight @ samples.mean(axis=0)
    last = tracer.Layer(rng.standard_normal((2, NEURONS)), [0.0, 0.0])
    return tracer.Network([tracer.Layer(weight, bias, "tanh"), last]).margin(0, 1), samples


def born_with_two_inputs(field):
    """The network whose weights are exactly the folded ones."""
    return tracer.Network(
        [tracer.Layer(layer.weight, layer.bias, layer.activation) for layer in field.layers]
    )


def measured(inputs):
    """One number of inputs: the fold, and tracing after it."""
    field, samples = made(inputs)
    plane = tracer.Plane.through(*samples)
    vectors = np.stack([plane.u, plane.v, plane.origin], axis=-1)
    done = in_turn(
        {
            "one product with three vectors": lambda: field.layers[0].weight @ vectors,
            "restricting": lambda: field.restrict(plane),
            "one evaluation": lambda: field.value(samples[0]),
        }
    )
    folded = done["restricting"].result
    born = born_with_two_inputs(folded)
    traced = in_turn(
        {
            "on the plane": lambda: tracer.trace(folded, BOUNDS),
            "with two inputs": lambda: tracer.trace(born, BOUNDS),
        }
    )
    ratio = traced["on the plane"].seconds / traced["with two inputs"].seconds
    rows = {name: d.row() for name, d in done.items()} | {name: traced_row(d) for name, d in traced.items()}
    return {"inputs": inputs, "ratio after the fold": ratio, **rows}


def main():
    """Measure, print and write."""
    rows = []
    for inputs in INPUTS:
        rows.append(measured(inputs))
        print(rows[-1], flush=True)
    write("inputs", {"neurons": NEURONS, "rows": rows})


if __name__ == "__main__":
    main()
