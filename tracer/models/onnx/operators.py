"""The operators that can be read, and their admissible inputs."""

from tracer.models.onnx import affine, moves
from tracer.models.onnx.activations import ACTIVATIONS
from tracer.models.onnx.tensors import REMEDY, Node, Operator, Traced, Value

# Operators on a traced value and constants, in this order.
OF_TRACED: dict[str, Operator] = {**affine.OF_TRACED, **ACTIVATIONS}
TABLES = (moves.MOVES, moves.OF_CONSTANTS, affine.PRODUCTS, OF_TRACED)


def apply(operator: str, node: Node, inputs: list[Value | None]) -> Value:
    """The value of a node.

    Raises
    ------
    ValueError
        If the operator is unknown, or its inputs are not admissible.
    """
    traced = [isinstance(x, Traced) for x in inputs]
    table = next((t for t in TABLES if operator in t), None)
    if table is None:
        raise ValueError(f"the operator is no layer of a network. {REMEDY}")
    if table is moves.OF_CONSTANTS and any(traced):
        raise ValueError(f"it may be used on constants only. {REMEDY}")
    if table is OF_TRACED and not (traced and traced[0]):
        raise ValueError("it may only be used on what depends on the network's input")
    if any(traced[1:]) and table is not affine.PRODUCTS:
        raise ValueError(f"its parameters must be constants. {REMEDY}")
    return table[operator](node, *inputs)
