"""Activations, and shares, that exporters write as several nodes, recognised by these nodes.

    silu(x) = x · sigmoid(x)
    gelu(x) = x · (1 + erf(x / √2)) / 2, with the factor 1/2 at any node      [1]_
    softplus(x) = x where x > 20, else softplus(x)
    shares of x = x / Σ |x| of the entries of a row

A rounded √2 in a file stands for √2 itself, and softplus with a threshold for softplus itself: at the
threshold softplus(x) exceeds x by 2e-9, and by less above it.

References
----------
.. [1] D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415 (2016).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tracer.models.lowering.tensor import Tensor
from tracer.models.onnx.operators.linear_models import shares

SQRT_TWO = 2**0.5
SOFTPLUS_THRESHOLD = 20
# The relative error allowed in a stored √2, as float16 has three digits, and in a stored 1/β.
ERROR_OF_ROOT, ERROR_OF_BETA = 1e-3, 1e-6
# The operators that end patterns, and an upper bound of the number of nodes of a pattern.
LAST, LONGEST = ("Div", "Mul", "Where"), 7
# The axes of a row of entries.
ALONG_ROWS = (-1, 1)


class Pattern(NamedTuple):
    """``operation(tensor)``, of a name; without an operation, the tensor itself."""

    name: str
    tensor: str
    operation: Callable[[Tensor], Tensor] | None

    @classmethod
    def activation(cls, name: str, tensor: str, factor: float = 1.0) -> "Pattern":
        """``factor · activation(tensor)``."""

        def operation(x: Tensor) -> Tensor:
            y = x.activated(name)
            return y if factor == 1 else y.times(factor)

        return cls(name, tensor, operation)


def read_by(node: Any, producers: Mapping[str, Any]) -> set[str]:
    """The tensors that a node reads, and those that a pattern reads which the node may end."""
    found = set(node.input)
    for _ in range(LONGEST if node.op_type in LAST else 0):
        found |= {name for tensor in found if tensor in producers for name in producers[tensor].input}
    return found


class Patterns:
    """Patterns in a graph, given the node that produces each tensor and the scalar constants."""

    def __init__(self, producers: Mapping[str, Any], number: Callable[[str], float | None]) -> None:
        self._producers, self._number = producers, number

    def ending_in(self, node: Any) -> Pattern | None:
        """The pattern whose last node is `node`; None if the node ends no pattern."""
        if node.op_type == "Where":
            return self._softplus(*node.input)
        if node.op_type == "Div":
            return self._shares(*node.input)
        if node.op_type != "Mul" or len(node.input) != 2:
            return None
        for a, b in (tuple(node.input), tuple(node.input)[::-1]):
            found = self._silu(a, b) or self._gelu(a, b)
            if found is not None:
                return found
        return None

    def _silu(self, x: str, gate: str) -> Pattern | None:
        node = self._producers.get(gate)
        matches = node is not None and node.op_type == "Sigmoid" and list(node.input) == [x]
        return Pattern.activation("silu", x) if matches else None

    def _gelu(self, a: str, b: str) -> Pattern | None:
        """The gelu in a · b, where b is a multiple of ``1 + erf(x / √2)``, and a is a multiple of x."""
        gate, half = self._factored(b)
        x = self._argument_of_erf(gate)
        if x is None:
            return None
        if x == a:
            return Pattern.activation("gelu", x, 2 * half)
        core, other_half = self._factored(a)
        return Pattern.activation("gelu", x, 2 * half * other_half) if x == core else None

    def _shares(self, x: str, total: str) -> Pattern | None:
        """``total`` is the sum of |x| along rows."""
        node = self._producers.get(total)
        if node is None or node.op_type != "ReduceSum":
            return None
        sizes = self._producers.get(node.input[0])
        given = [tuple(a.ints) for a in node.attribute if a.name == "axes"]
        axes = given[0] if given else tuple(self._number(name) for name in node.input[1:])
        matches = sizes is not None and sizes.op_type == "Abs" and list(sizes.input) == [x]
        matches &= len(axes) == 1 and axes[0] in ALONG_ROWS
        return Pattern("a division by the sum", x, shares) if matches else None

    def _softplus(self, gate: str, x: str, curve: str) -> Pattern | None:
        """``curve`` is softplus(β x) / β, and the gate compares β x with a threshold."""
        activated, outer = self._factored(curve)
        above, softplus = self._producers.get(gate), self._producers.get(activated)
        if above is None or above.op_type != "Greater" or softplus is None or softplus.op_type != "Softplus":
            return None
        scaled, threshold = above.input
        high = (self._number(threshold) or 0) >= SOFTPLUS_THRESHOLD
        core, beta = self._factored(scaled)
        # Either β = 1 and the curve has no factor, or the factor of the curve is 1/β.
        divided = outer == 1 if x == scaled else x == core and abs(outer * beta - 1) < ERROR_OF_BETA
        same = scaled == softplus.input[0] and divided
        return Pattern("softplus", curve, None) if high and same else None

    def _argument_of_erf(self, gate: str) -> str | None:
        """The x of a tensor ``1 + erf(x / √2)``; None for any other tensor."""
        node = self._producers.get(gate)
        if node is None or node.op_type != "Add":
            return None
        for a, b in (tuple(node.input), tuple(node.input)[::-1]):
            erf = self._producers.get(a)
            if self._number(b) == 1 and erf is not None and erf.op_type == "Erf":
                x, factor = self._factored(erf.input[0])
                return x if abs(factor * SQRT_TWO - 1) < ERROR_OF_ROOT else None
        return None

    def _factored(self, tensor: str) -> tuple[str, float]:
        """A tensor as a constant multiple of another: the other tensor, and the factor."""
        node = self._producers.get(tensor)
        if node is None or node.op_type not in ("Mul", "Div"):
            return tensor, 1.0
        a, b = node.input
        p, q = self._number(a), self._number(b)
        if q is not None and p is None:
            return (a, q) if node.op_type == "Mul" else (a, 1 / q if q else 1.0)
        return (b, p) if p is not None and q is None and node.op_type == "Mul" else (tensor, 1.0)
