"""The nodes of an ONNX graph in order, lowered to tensors, and to a network.

Affine operators are folded into affine maps until an activation ends a layer; weights and shapes are
constants. Only nodes that the output depends on are read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import chain as chained
from pathlib import Path
from typing import Any

import numpy as np

from tracer.fields.checks import shown
from tracer.fields.files.budget import STEP, draw
from tracer.fields.networks.network import Network
from tracer.models.lowering import chain
from tracer.models.lowering.tensor import Tensor
from tracer.models.onnx import weights
from tracer.models.onnx.inputs import declared_batch, holds_floats, input_shape
from tracer.models.onnx.operators import linear_models, moves
from tracer.models.onnx.operators.table import apply
from tracer.models.onnx.operators.tensors import REMEDY, Node, Unread, Value
from tracer.models.onnx.patterns import Patterns, read_by

# Before this version operators have attributes for values that are inputs today.
OLDEST_OPSET = 6
DOMAINS = ("", "ai.onnx")
# So many numbers are drawn for each entry of a new layer: its arrays are kept while the graph is read.
KEPT = 5
Shapes = Sequence[int] | Mapping[str, Sequence[int]]


# The operators of estimators have a domain of their own.
OF_ESTIMATORS = "ai.onnx.ml"
READ_OF_ESTIMATORS = (*linear_models.OF_TENSORS, *moves.OF_ESTIMATORS)
ESTIMATOR = "Pass the estimator of scikit-learn itself, tracer.as_network(estimator), where it is at hand"


def lowered(model: Any, folder: Path, output: str | int | None, shape: Shapes | None) -> Network:
    """The network of a model whose external weights lie in `folder`."""
    try:
        return _lowered(model, folder, output, shape)
    except ValueError as error:
        # Converted estimators have operators of networks, too.
        if model.producer_name != "skl2onnx" or ESTIMATOR in str(error) or REMEDY not in str(error):
            raise
        raise ValueError(str(error).replace(REMEDY, f"{ESTIMATOR}. {REMEDY}")) from None


def _lowered(model: Any, folder: Path, output: str | int | None, shape: Shapes | None) -> Network:
    graph = model.graph
    opset = next((entry.version for entry in model.opset_import if entry.domain in DOMAINS), 0)
    if not graph.node:
        raise ValueError("is no ONNX model: it has no nodes")
    if opset < OLDEST_OPSET:
        raise ValueError(f"its operators must be of version {OLDEST_OPSET} or later; got {opset}")
    if graph.sparse_initializer:
        raise ValueError("sparse initializers are not read: export dense weights")
    name = _output(graph, output)
    batch = declared_batch(graph, name)
    if batch > 1:
        # Operators of a file that fixes its batch may not fit a batch of one: then all rows are one point.
        try:
            return _Walk(graph, name, opset, folder, shape, batch).network()
        except ValueError as error:
            fault = error
        try:
            return _Walk(graph, name, opset, folder, shape, 1).network()
        except ValueError:
            raise fault from None
    return _Walk(graph, name, opset, folder, shape, 1).network()


def _output(graph: Any, output: str | int | None) -> str:
    """The name of the requested output's tensor; by default the only output of floats.

    Converters of classifiers add an output of labels, and may pack the probabilities into maps from labels, a
    ZipMap: for such an output the tensor that it packs is read.
    """
    names = [tensor.name for tensor in graph.output]
    maps = [node for node in graph.node if node.op_type == "ZipMap" and node.input and node.output]
    packed = {node.output[0]: node.input[0] for node in maps}
    floats = [t.name for t in graph.output if t.name in packed or holds_floats(t)]
    rule = f"one of {shown(names)}, or its number"
    if isinstance(output, str) and output.isdecimal() and output not in names:  # from the command line
        output = int(output)
    if output is None and 1 in (len(names), len(floats)):
        name = (names if len(names) == 1 else floats)[0]
    elif output is None:
        raise ValueError(f"the graph must have one output; got {shown(names)}: pass output=, {rule}")
    elif type(output) is int and 0 <= output < len(names):
        name = names[output]
    elif isinstance(output, str) and output in [*names, *(k for node in graph.node for k in node.output)]:
        name = output
    else:
        raise ValueError(f"output must be {rule}; got {shown(output)}")
    return packed.get(name, name)


def _need_known(node: Any) -> None:
    """Raise a ValueError, with a cure, for a node of an unknown domain or an estimator that is no network."""
    if node.domain in DOMAINS or (node.domain == OF_ESTIMATORS and node.op_type in READ_OF_ESTIMATORS):
        return
    cure = f"{ESTIMATOR}. {REMEDY}" if node.domain == OF_ESTIMATORS else REMEDY
    raise ValueError(f"operators of {node.domain!r} are not known. {cure}")


class _Walk:
    """The values, by name, of the tensors of a graph that the output depends on."""

    def __init__(
        self, graph: Any, output: str, opset: int, folder: Path, shape: Shapes | None, batch: int
    ) -> None:
        self._folder, self._opset, self._output, self._batch = folder, opset, output, batch
        self._values: dict[str, Value | Unread] = {}
        producers = {name: node for node in graph.node for name in node.output if name}
        needed = _ancestors(output, producers)
        for tensor in graph.initializer:
            if tensor.name in needed:
                self._values[tensor.name] = self._initializer(tensor)
        inputs = [
            tensor for tensor in graph.input if tensor.name in needed and tensor.name not in self._values
        ]
        self._inputs = [Tensor.input(input_shape(tensor, inputs, shape, batch)) for tensor in inputs]
        self._values |= {tensor.name: x for tensor, x in zip(inputs, self._inputs, strict=True)}
        self._level = 0
        self._patterns = Patterns(producers, self._number)
        nodes = _in_order(graph.node, producers, needed)
        reads = [read_by(node, producers) for node in nodes]
        uses = Counter(chained.from_iterable(reads))
        for node, read in zip(nodes, reads, strict=True):
            self._visit(node)
            uses.subtract(read)
            # A tensor that no later node reads is dropped: large tensors take 40 bytes an entry.
            for name in read:
                if not uses[name] and name != output:
                    self._values.pop(name, None)

    def network(self) -> Network:
        """The network from the inputs to the output."""
        output = self._value(self._output)
        if not isinstance(output, Tensor):
            raise ValueError("its output does not depend on its input")
        if self._batch > 1 and output.shape[:1] != (1,):
            raise ValueError(f"the rows of a batch must stay apart; got shape {output.shape} for one row")
        return chain.network(output.affine, [x.affine for x in self._inputs])

    def _value(self, name: str) -> Value:
        value = self._values.get(name, Unread(f"no node or input gives the tensor {name!r}"))
        if isinstance(value, Unread):
            raise value
        return value

    def _initializer(self, tensor: Any) -> Value | Unread:
        try:
            return weights.read(tensor, self._folder)
        except ValueError as error:
            return Unread(f"initializer {tensor.name!r}: {error}")

    def _visit(self, node: Any) -> None:
        draw(STEP)
        try:
            found = self._result(node)
            for value in found if isinstance(found, list) else [found]:
                self._draw(value)
        except Unread as error:
            found = error
        except (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
            name = node.name or next(iter(node.output), "")
            found = Unread(f"node {name!r} ({node.op_type}): {error}")
        if isinstance(found, Unread):
            self._values |= dict.fromkeys(node.output, found)
        else:
            self._values |= zip(node.output, found if isinstance(found, list) else [found], strict=False)

    def _draw(self, value: Value | Unread) -> None:
        if isinstance(value, Unread):
            return
        if not isinstance(value, Tensor):
            draw(value.size)
            return
        is_further = value.affine.level > self._level
        self._level = max(self._level, value.affine.level)
        draw(value.affine.outputs * (KEPT if is_further else 1))

    def _result(self, node: Any) -> Value | list[Value | Unread]:
        from onnx.helper import get_attribute_value

        _need_known(node)
        attributes = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Constant":
            return self._constant(attributes)
        pattern = self._patterns.ending_in(node)
        if pattern is None:
            inputs = [self._value(name) if name else None for name in node.input]
            return apply(node.op_type, Node(attributes, self._opset, len(node.output), self._batch), inputs)
        x = self._value(pattern.tensor)
        if pattern.operation is None:
            return x
        if not isinstance(x, Tensor):
            raise ValueError(f"{pattern.name} of a constant")
        return pattern.operation(x)

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


def _ancestors(output: str, producers: Mapping[str, Any]) -> set[str]:
    """The names of a tensor, and of all tensors that it depends on."""
    found, open_ = set(), [output]
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            open_ += producers[name].input if name in producers else ()
    return found


def _in_order(nodes: Sequence[Any], producers: Mapping[str, Any], needed: set[str]) -> list[Any]:
    """The nodes that give a needed tensor, each after the nodes that give its inputs."""
    number = {id(node): k for k, node in enumerate(nodes)}
    before = {
        k: {number[id(producers[name])] for name in node.input if name in producers}
        for k, node in enumerate(nodes)
        if not needed.isdisjoint(node.output)
    }
    try:
        return [nodes[k] for k in TopologicalSorter(before).static_order()]
    except CycleError as error:
        names = [nodes[k].name or nodes[k].output[0] for k in error.args[1]]
        raise ValueError(f"the nodes must not form a circle; got {shown(names)}") from None
