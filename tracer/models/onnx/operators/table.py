"""The operators that are read, by what their inputs may be: tensors, constants, or both."""

from tracer.models.lowering.tensor import Tensor
from tracer.models.onnx.operators import activations, linear_models, moves, products, windows
from tracer.models.onnx.operators.tensors import OF_TENSORS_ONLY, REMEDY, Node, Operator, Unread, Value

# Operators on constants and tensors in any place.
OF_BOTH: dict[str, Operator] = {**products.OF_BOTH, **moves.OF_BOTH}
# Operators on a tensor, followed by constants.
OF_TENSORS: dict[str, Operator] = {
    **products.OF_TENSORS,
    **windows.OF_TENSORS,
    **activations.OF_TENSORS,
    **linear_models.OF_TENSORS,
}
# The number of inputs that must be given, for operators with optional inputs; reductions need one.
REQUIRED = {"Gemm": 2, "Conv": 2, "ConvTranspose": 2} | dict.fromkeys(
    ("Clip", "Dropout", "Pad", "Resize", "Slice", "Split", "Squeeze", "Unsqueeze", "Upsample"), 1
)
TABLES = (moves.MOVES, OF_BOTH, OF_TENSORS)


def apply(operator: str, node: Node, inputs: list[Value | None]) -> Value | list[Value | Unread]:
    """The value of a node; a list if it has several outputs.

    Raises
    ------
    ValueError
        If the operator is unknown, or its inputs are not admissible.
    """
    traced = [isinstance(x, Tensor) for x in inputs]
    table = next((t for t in TABLES if operator in t), None)
    if table is None:
        raise ValueError(f"the operator is no layer of a network. {REMEDY}")
    required = 1 if operator.startswith("Reduce") else REQUIRED.get(operator, len(inputs))
    if (missing := next((k for k, x in enumerate(inputs[:required]) if x is None), None)) is not None:
        raise ValueError(f"input {missing} must not be left out")
    if table is OF_TENSORS and not (traced and traced[0]):
        raise ValueError(OF_TENSORS_ONLY)
    if any(traced[1:]) and table is not OF_BOTH:
        raise ValueError(f"its parameters must be constants. {REMEDY}")
    return table[operator](node, *inputs)
