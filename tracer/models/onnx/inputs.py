"""The shapes of an ONNX graph's inputs, for one point.

The first dimension is the batch, which becomes one point; a file may fix its size. The caller gives the size
of a dimension that has none in the file.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tracer.fields.checks import shown

FLOAT_TYPES = (1, 10, 11)  # float32, float16, float64
Shapes = Sequence[int] | Mapping[str, Sequence[int]]


def declared_batch(graph: Any, output: str) -> int:
    """The size of the first dimension of all inputs and of the output, if the file fixes it; else 1."""
    known = {tensor.name for tensor in graph.initializer}
    inputs = [tensor for tensor in graph.input if tensor.name not in known]
    sizes = {_sizes(tensor)[0] if _sizes(tensor) else 0 for tensor in inputs}
    sizes |= {size for tensor in graph.output if tensor.name == output for size in (*_sizes(tensor), 0)[:1]}
    return max(sizes) if len(sizes) == 1 else 1


def holds_floats(tensor: Any) -> bool:
    """Whether an input or output is declared as a tensor of floats."""
    return tensor.type.tensor_type.elem_type in FLOAT_TYPES


def input_shape(tensor: Any, inputs: Sequence[Any], shape: Shapes | None, batch: int) -> tuple[int, ...]:
    """The shape of an input for one point.

    Raises
    ------
    ValueError
        If the input is no tensor of floats, a dimension after the first has no size, or `shape` does not fit.
    """
    name = tensor.name
    if not holds_floats(tensor):
        raise ValueError(f"input {name!r} must be a tensor of floats: export it so")
    sizes = _sizes(tensor)
    if batch > 1:
        sizes[0] = 1
    sizes[:1] = [n or 1 for n in sizes[:1]]
    given = _given(name, len(inputs), shape)
    if given is not None:
        sizes = _merged(name, sizes or [1] + [0] * len(given), given)
    if not sizes or min(sizes) < 1:
        raise ValueError(
            f"input {name!r} must have a size in each dimension after the first; got {sizes[1:]}, 0 where "
            f"there is none: pass shape=, the shape of one point"
        )
    return tuple(sizes)


def _given(name: str, count: int, shape: Shapes | None) -> list[int] | None:
    """The sizes that the caller gives for an input; None if the caller gives none."""
    if isinstance(shape, Mapping):
        shape = shape.get(name)
    elif shape is not None and count > 1:
        raise ValueError(f"shape must be a mapping of the names of {count} inputs; got {shown(shape)}")
    if shape is None:
        return None
    sizes: list[Any] = list(shape) if isinstance(shape, Sequence) else [shape]
    if not all(type(n) is int and n > 0 for n in sizes):
        raise ValueError(f"shape must be positive integers; got {shown(shape)}")
    return sizes


def _merged(name: str, sizes: list[int], given: list[int]) -> list[int]:
    """The sizes of an input in the file, completed by the `given` sizes of one point."""
    if len(given) == len(sizes) - 1:
        given = [sizes[0], *given]
    if len(given) != len(sizes) or any(n not in (0, m) for n, m in zip(sizes, given, strict=True)):
        raise ValueError(
            f"shape must fit {tuple(sizes[1:])} of input {name!r}, where 0 is any size; got {given}"
        )
    return given


def _sizes(tensor: Any) -> list[int]:
    """The size of each dimension; 0 where the file has none."""
    return [dim.dim_value for dim in tensor.type.tensor_type.shape.dim]
