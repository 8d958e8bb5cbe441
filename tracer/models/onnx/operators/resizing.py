"""Nearest neighbours of resized axes, in exact arithmetic [1]_.

References
----------
.. [1] ONNX operators, Resize, https://onnx.ai/onnx/operators/onnx__Resize.html.
"""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

import numpy as np

from tracer.models.lowering.matrix import need_room
from tracer.models.lowering.tensor import Constant
from tracer.models.onnx.operators.tensors import REMEDY, Node, integers

HALF = Fraction(1, 2)
# The coordinate in the input, of n entries, of output k of m, for a scale s.
COORDINATES: dict[str, Callable[[int, Fraction, int, int], Fraction]] = {
    "asymmetric": lambda k, s, n, m: k / s,
    "half_pixel": lambda k, s, n, m: (k + HALF) / s - HALF,
    "pytorch_half_pixel": lambda k, s, n, m: (k + HALF) / s - HALF if m > 1 else Fraction(0),
    "align_corners": lambda k, s, n, m: Fraction(k * (n - 1), m - 1) if m > 1 else Fraction(0),
}
ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda x: ceil(x - HALF),
    "round_prefer_ceil": lambda x: floor(x + HALF),
}
# The longest axis that is resized, as its places are computed one by one.
LONGEST_AXIS = 10**5
# Before this version the second input is the scales, and there are no attributes of coordinates and rounding.
MODES = 11


def resized(node: Node, x: Constant, *inputs: Constant | None) -> Constant:
    """The entries of x that are the nearest neighbours of the entries of resized axes."""
    scales, sizes = _targets(node, x, *inputs)
    old = node.opset < MODES
    coordinate = node.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    rounding = node.get("nearest_mode", "floor" if old else "round_prefer_floor")
    if node.get("mode", "nearest") != "nearest" or coordinate not in COORDINATES or node.get("axes"):
        raise ValueError(f"only nearest neighbours along all axes are read, of known coordinates. {REMEDY}")
    need_room(*sizes)
    for axis, (scale, m) in enumerate(zip(scales, sizes, strict=True)):
        n = x.shape[axis]
        if m == n:
            continue
        need_room(m, most=LONGEST_AXIS)
        places = [ROUNDINGS[rounding](COORDINATES[coordinate](k, scale, n, m)) for k in range(m)]
        x = np.take(x, np.clip(places, 0, n - 1), axis=axis)
    return x


def _targets(node: Node, x: Constant, *inputs: Constant | None) -> tuple[list[Fraction], list[int]]:
    """The scale and the size of each axis."""
    *_, given = (None, *(value for value in inputs[: 1 if node.opset < MODES else 2] if value is not None))
    sizes = inputs[2] if len(inputs) > 2 else None
    if sizes is not None and sizes.size:
        wanted = integers(node, "sizes", sizes) or []
        return [Fraction(m, n) for m, n in zip(wanted, x.shape, strict=True)], wanted
    scales = [Fraction(float(s)) for s in (node.get("scales", []) if given is None else given.ravel())]
    if len(scales) != x.ndim or min(scales) <= 0:
        raise ValueError(f"scales must be positive, one for each axis; got {[float(s) for s in scales]}")
    return scales, [floor(n * s) for n, s in zip(x.shape, scales, strict=True)]
