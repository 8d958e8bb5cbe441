"""ONNX files: the nodes of the graph in order, folded into layers.

The graph must be a chain: affine operators are folded into a `Chain` until an activation closes the layer;
other operands (weights, shapes) are constants. A node that cannot be read is an error only if the output
depends on it.

The package `onnx` only parses the file; nothing in a file is executed. Weights in an external file are read
if it lies in the same folder, or below. The network is the real function of the stored weights: float32
runtimes differ from it by their rounding errors.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from tracer.fields.checks import cut, said, shown
from tracer.fields.networks.network import Network
from tracer.models.lowering.chain import Chain
from tracer.models.onnx import weights
from tracer.models.onnx.operators import apply
from tracer.models.onnx.patterns import Patterns
from tracer.models.onnx.tensors import REMEDY, Node, Traced, Value

# Before this version operators broadcast by attributes of their own.
OLDEST_OPSET = 7
FLOAT_TYPES = (1, 10, 11)  # float32, float16, float64
DOMAINS = ("", "ai.onnx")


# The length of an error message about a file's tensors and nodes, in characters.
LONGEST_REASON = 380


class Unread(Exception):
    """The reason why a tensor cannot be read."""


def load(path: str | os.PathLike) -> Network:
    """Read a network from an ONNX file.

    Parameters
    ----------
    path : path

    Returns
    -------
    Network
        Its inputs are the entries of the graph's input for one point, in C order. A final log-softmax is read
        as softmax, which has the same margins.

    Raises
    ------
    ImportError
        If the package `onnx` is not installed.
    ValueError
        If the file is no ONNX model, or no chain of layers; the message names the node.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(f"reading {os.fspath(path)} needs the package onnx: pip install onnx") from None
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(os.fspath(path), load_external_data=False)
        if model.functions:
            from onnx import inliner

            model = inliner.inline_local_functions(model)
        # Overflow and nan are reported where they occur.
        with np.errstate(over="ignore", invalid="ignore"):
            return _network(model, Path(path).parent)
    except DecodeError as error:
        raise ValueError(f"{shown(Path(path))} is no ONNX model, or was cut off: {said(error)}") from None
    except (Unread, ValueError) as error:
        raise ValueError(f"{shown(Path(path))}: {cut(str(error), LONGEST_REASON)}") from None


def _network(model: Any, folder: Path) -> Network:
    graph = model.graph
    opset = next((entry.version for entry in model.opset_import if entry.domain in DOMAINS), 0)
    if not graph.node:
        raise ValueError("is no ONNX model: it has no nodes")
    if opset < OLDEST_OPSET:
        raise ValueError(f"its operators must be of version {OLDEST_OPSET} or later; got {opset}")
    if len(graph.output) != 1:
        names = [output.name for output in graph.output]
        raise ValueError(
            f"the graph must have one output; got {shown(names)}: keep one, "
            "onnx.utils.extract_model(path, new_path, [input], [output])"
        )
    walk = _Walk(graph, opset, folder)
    output = walk.value(graph.output[0].name)
    if not isinstance(output, Traced):
        raise ValueError("its output does not depend on its input")
    return output.chain.network()


def _input(inputs: list[Any]) -> tuple[str, Traced]:
    """The name of the graph's input, and its value: the identity."""
    if len(inputs) != 1:
        names = [tensor.name for tensor in inputs]
        raise ValueError(f"the graph must have one input; got {shown(names)}: export it with one")
    kind = inputs[0].type.tensor_type
    if kind.elem_type not in FLOAT_TYPES:
        raise ValueError(f"input {inputs[0].name!r} must be a tensor of floats: export it so")
    # A dimension without a size is 0 here; the first is the batch, which becomes one point.
    shape = [dim.dim_value for dim in kind.shape.dim]
    shape[:1] = [n or 1 for n in shape[:1]]
    if not shape or min(shape) < 1:
        raise ValueError(
            f"input {inputs[0].name!r} must have a size in each dimension after the first: export it with "
            "them"
        )
    return inputs[0].name, Traced(Chain.start(int(np.prod(shape))), tuple(shape))


class _Walk:
    """The values of a graph's tensors, by name."""

    def __init__(self, graph: Any, opset: int, folder: Path) -> None:
        self._folder, self._opset = folder, opset
        self._values: dict[str, Value | Unread] = {}
        if graph.sparse_initializer:
            raise ValueError("sparse initializers are not read: export dense weights")
        for tensor in graph.initializer:
            self._values[tensor.name] = self._initializer(tensor)
        name, start = _input([tensor for tensor in graph.input if tensor.name not in self._values])
        self._values[name] = start
        producers = {name: node for node in graph.node for name in node.output if name}
        self._patterns = Patterns(producers, self._number)
        for node in graph.node:  # in topological order
            self._visit(node)

    def value(self, name: str) -> Value:
        """The value of a tensor.

        Raises
        ------
        Unread
            If it has no value.
        """
        value = self._values.get(name, Unread(f"nothing gives the tensor {name!r}"))
        if isinstance(value, Unread):
            raise value
        return value

    def _initializer(self, tensor: Any) -> Value | Unread:
        try:
            return weights.read(tensor, self._folder)
        except ValueError as error:
            return Unread(f"initializer {tensor.name!r}: {error}")

    def _visit(self, node: Any) -> None:
        try:
            found: Value | Unread = self._result(node)
        except Unread as error:
            found = error
        except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
            name = node.name or next(iter(node.output), "")
            found = Unread(f"node {name!r} ({node.op_type}): {error}")
        for name in node.output[:1]:
            self._values[name] = found

    def _result(self, node: Any) -> Value:
        from onnx.helper import get_attribute_value

        if node.domain not in DOMAINS:
            raise ValueError(f"operators of {node.domain!r} are not known. {REMEDY}")
        attributes = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Constant":
            return self._constant(attributes)
        pattern = self._patterns.ending_in(node)
        if pattern is None:
            inputs = [self.value(name) if name else None for name in node.input]
            return apply(node.op_type, Node(attributes, self._opset, len(node.output)), inputs)
        x = self.value(pattern.tensor)
        if pattern.activation is None:
            return x
        if not isinstance(x, Traced):
            raise ValueError(f"{pattern.activation} of a constant")
        bent = x.activated(pattern.activation)
        return bent if pattern.factor == 1 else Traced(bent.chain.times(pattern.factor), bent.shape)

    def _constant(self, attributes: dict[str, Any]) -> Value:
        ((name, value),) = attributes.items()
        if name == "value":
            return weights.read(value, self._folder)
        if name not in ("value_float", "value_floats", "value_int", "value_ints"):
            raise ValueError(f"a constant must hold numbers; got {name}")
        return np.array(value)

    def _number(self, name: str) -> float | None:
        """The value of a tensor that is one constant number."""
        value = self._values.get(name)
        return float(value.flat[0]) if isinstance(value, np.ndarray) and value.size == 1 else None
