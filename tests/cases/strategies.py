"""What hypothesis draws: networks and planes, with denormals and negative zeros among their numbers."""

from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tracer
from tracer.fields.networks.activations import TABLE

ELEMENTWISE = [name for name, row in TABLE.items() if not row.couples]
# At the output these leave a margin: strictly increasing, or a softmax as a whole.
DROPPED = ["linear", "sigmoid", "tanh", "softplus", "elu", "leaky_relu", "softmax", "log_softmax"]

MODERATE = st.floats(-1e3, 1e3)
ANY = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def layers(draw, inputs, outputs, activations=ELEMENTWISE, numbers=MODERATE, radii=False):
    name = draw(st.sampled_from(activations))
    draws = {
        "weight": arrays(np.float64, (outputs, inputs), elements=numbers),
        "bias": arrays(np.float64, outputs, elements=numbers),
    }
    given = {key: draw(value) for key, value in draws.items()}
    if radii and draw(st.booleans()):
        given |= {f"{key}_radius": np.abs(draw(value)) for key, value in draws.items()}
    if name == "leaky_relu":
        given["slope"] = draw(st.none() | st.floats(1e-3, 2))
    return tracer.Layer(activation=name, **given)


@st.composite
def networks(draw, inputs=2, outputs=2, last=ELEMENTWISE, numbers=MODERATE):
    """Networks of one to three layers with the given output activations."""
    sizes = [inputs, *draw(st.lists(st.integers(1, 4), max_size=2)), outputs]
    hidden = [draw(layers(n, m, numbers=numbers)) for n, m in pairwise(sizes[:-1])]
    return tracer.Network([*hidden, draw(layers(sizes[-2], sizes[-1], last, numbers))])


@st.composite
def decorated_networks(draw):
    """Networks with all that a network can carry: radii, a plane, classes, and any finite number."""
    inputs, outputs = 2, draw(st.integers(1, 3))
    hidden = draw(layers(inputs, 3, numbers=ANY, radii=True))
    last = draw(layers(3, outputs, numbers=ANY, radii=True))
    labels = st.lists(st.text() | st.integers(), min_size=outputs, max_size=outputs)
    return tracer.Network([hidden, last], draw(st.none() | planes(3)), draw(st.none() | labels))


@st.composite
def planes(draw, n):
    vectors = [draw(arrays(np.float64, n, elements=MODERATE)) for _ in range(3)]
    with rejected_if_dependent():
        return tracer.Plane(*vectors)


@contextmanager
def rejected_if_dependent():
    """Drops the example where two drawn directions are dependent, or become so when planes compose."""
    try:
        yield
    except ValueError as error:
        if "linearly independent" in str(error):
            reject()
        raise


def bits(network):
    """All that a network holds; equal exactly when two networks are the same to the last bit."""

    def array(a):
        return a.dtype.str, a.shape, a.tobytes(), a.flags.writeable

    parts = [
        (
            layer.activation,
            None if layer.slope is None else layer.slope.hex(),
            *map(array, (layer.weight, layer.bias, layer.weight_radius, layer.bias_radius)),
        )
        for layer in network.layers
    ]
    plane = network.plane
    return parts, plane and [array(a) for a in (plane.origin, plane.u, plane.v)], network.classes
