"""The calls of a Keras model in order: planned by their shapes, then lowered to a network.

A plan lists what every call of a layer computes. Once it is complete, all parameters, shapes and arrays of
the model have been checked, and the sizes of its matrices are known; only then are the matrices made. A layer
that is a model is planned call by call; a layer that is called several times is planned for each call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from tracer.fields.checks import shown
from tracer.fields.files.budget import STEP
from tracer.fields.networks.network import Network
from tracer.models.keras import activations, moves, products, windows
from tracer.models.keras.configuration import INPUT, MOST_LAYERS, Model, Output, Spec, batch_shape
from tracer.models.keras.layer import REMEDY, Layer, Origin, Part, unchanged
from tracer.models.keras.weights import Arrays
from tracer.models.lowering import chain
from tracer.models.lowering.matrix import LARGEST, need_room
from tracer.models.lowering.tensor import Shape, Tensor, stacked

OF_LOGITS = "pass output=, the name of the layer before it, or a model without what follows"
# The most calls of layers: models inside models multiply them.
MOST_CALLS = MOST_LAYERS
Shapes = Sequence[int] | Mapping[str, Sequence[int]]
OF_ONE: dict[str, Callable[..., Part]] = {
    **products.TABLE,
    **windows.TABLE,
    **moves.TABLE,
    **activations.TABLE,
}
# The exceptions that a row of a table raises for configurations, shapes and arrays that do not fit.
FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, OSError, RuntimeError)


@dataclass(frozen=True)
class Value:
    """A tensor of a plan: its number, its shape for one point, and whether it is the output of a softmax."""

    number: int
    shape: Shape
    is_softmax: bool = False


@dataclass(frozen=True)
class Step:
    """A call of a layer on the tensors of these numbers."""

    place: str
    build: Callable[..., Tensor]
    arguments: tuple[int, ...]


@dataclass
class Plan:
    """The inputs of a network, the calls that lead to its output, and the output's number."""

    inputs: list[Shape] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    output: int = 0

    def network(self) -> Network:
        """The network.

        Raises
        ------
        ValueError
            If the model is no chain of layers; the message names the layer.
        """
        inputs = [Tensor.input(shape) for shape in self.inputs]
        values = list(inputs)
        for step in self.steps:
            try:
                values.append(step.build(*(values[k] for k in step.arguments)))
            except FAULTS as error:
                raise ValueError(f"{step.place}: {error}") from None
        return chain.network(values[self.output].affine, [x.affine for x in inputs])


def planned(
    model: Model, arrays: Arrays, origin: Origin, output: str | int | None = None, shape: Shapes | None = None
) -> Plan:
    """The plan of a model from its inputs to one of its outputs, for points of a shape."""
    wanted = _chosen(model, output)
    needed = {call.layer for call in model.order([wanted])}
    names = [name for name, *_ in model.inputs if name in needed]
    if shape is not None and not isinstance(shape, Mapping) and len(names) > 1:
        raise ValueError(f"shape must be a mapping of the names of {len(names)} inputs; got {shown(shape)}")
    walk = _Walk(arrays, origin)
    values = {}
    for name in names:
        given = shape.get(name) if isinstance(shape, Mapping) else shape
        values[Output(name)] = [walk.input(input_shape(model.layers[name], given))]
    (value,) = walk.values(model, values, [wanted], ())
    walk.plan.output = value.number
    return walk.plan


def _chosen(model: Model, output: str | int | None) -> Output:
    """The requested output; any layer may be requested."""
    names = [name for name, *_ in model.outputs]
    if output is None and len(names) == 1:
        return model.outputs[0]
    if isinstance(output, str) and output in model.layers:
        return model.outputs[names.index(output)] if names.count(output) == 1 else Output(output)
    if type(output) is int and 0 <= output < len(names):
        return model.outputs[output]
    rule = f"one of {shown(names)}, or its number"
    if output is None:
        raise ValueError(f"the model must have one output; got {shown(names)}: pass output=, {rule}")
    raise ValueError(f"output must be {rule}; got {shown(output)}")


def input_shape(spec: Spec, given: Any) -> Shape:
    """The shape of an input for one point.

    Raises
    ------
    ValueError
        If a size is missing, or differs from the given one.
    """
    batch = batch_shape(spec)
    sizes = list(batch[1:]) if isinstance(batch, list) else None
    if given is not None:
        wanted = list(given) if isinstance(given, list | tuple) else [given]
        if not wanted or not all(map(_is_size, wanted)):
            raise ValueError(f"shape must be positive integers, the shape of one point; got {shown(given)}")
        if sizes is not None and (
            len(sizes) != len(wanted) or any(m not in (None, n) for m, n in zip(sizes, wanted, strict=True))
        ):
            raise ValueError(
                f"shape must fit {sizes} of input {spec.name!r}, where None is any size; got {shown(given)}"
            )
        sizes = wanted
    if not sizes or not all(map(_is_size, sizes)):
        raise ValueError(
            f"input {spec.name!r} must have a size along each axis; got {shown(sizes)}: pass shape=, the "
            "shape of one point"
        )
    need_room(*sizes)
    return tuple(sizes)


def _is_size(n: Any) -> bool:
    return type(n) is int and n > 0


class _Walk:
    """The growing plan of a model."""

    def __init__(self, arrays: Arrays, origin: Origin) -> None:
        self.plan = Plan()
        self._arrays, self._origin, self._stored, self._calls = arrays, origin, 0, 0

    def input(self, shape: Shape) -> Value:
        """The value of a new input of the plan."""
        self.plan.inputs.append(shape)
        return Value(len(self.plan.inputs) - 1, shape)

    def values(
        self,
        model: Model,
        known: Mapping[Output, list[Value]],
        outputs: Sequence[Output],
        path: tuple[Spec, ...],
    ) -> list[Value]:
        """The values of `outputs` of a model inside the models of `path`; `known` are those of its inputs."""
        found = dict(known)
        for call in model.order(outputs):
            if call in found:
                continue
            self._count(1)
            spec = model.layers[call.layer]
            arguments = [
                self._argument(found, a) if isinstance(a, Output) else a for a in model.arguments(call)
            ]
            place = f"layer {'/'.join(s.name for s in (*path, spec))!r} ({spec.kind})"
            try:
                found[call] = self._outputs((*path, spec), arguments, place)
            except Unplanned:
                raise
            except FAULTS as error:
                raise Unplanned(f"{place}: {error}") from None
        return [self._argument(found, output) for output in outputs]

    def _count(self, calls: int) -> None:
        self._calls += calls
        if self._calls > MOST_CALLS:
            raise ValueError(f"at most {MOST_CALLS} calls of layers are read")

    def _outputs(self, path: tuple[Spec, ...], arguments: Sequence[Any], place: str) -> list[Value]:
        """The values of a call of the last layer of a `path`."""
        spec = path[-1]
        if spec.model is not None:
            return self.values(spec.model, self._inner(spec.model, arguments), spec.model.outputs, path)
        if spec.wrapped is not None:
            return [self._along_first_axis((*path, spec.wrapped), arguments, place)]
        return [self._called(path, arguments, place)]

    def _along_first_axis(self, path: tuple[Spec, ...], arguments: Sequence[Any], place: str) -> Value:
        """The value of the layer inside a wrapper, called on each entry along the first axis, stacked."""
        if len(arguments) != 1 or not isinstance(arguments[0], Value) or len(arguments[0].shape) < 2:
            raise ValueError("it must be called on one tensor of at least two axes")
        (x,), found = arguments, list[Value]()
        self._count(x.shape[0])
        for k in range(x.shape[0]):
            entry = Part(x.shape[1:], lambda tensor, k=k: tensor.moved(lambda places: places[k]))
            found += self._outputs(path, [self._step(place, entry, [x])], place)
        if len(found) != x.shape[0]:
            raise ValueError("the model inside the wrapper must have one output")
        shape = (len(found), *found[0].shape)
        return self._step(place, Part(shape, lambda *tensors: stacked(tensors, np.stack)), found)

    @staticmethod
    def _argument(found: Mapping[Output, list[Value]], output: Output) -> Value:
        values = found[Output(*output[:2])]
        if output.number >= len(values):
            raise ValueError(f"layer {output.layer!r} has no output number {output.number}")
        return values[output.number]

    @staticmethod
    def _inner(model: Model, arguments: Sequence[Any]) -> dict[Output, list[Value]]:
        """The values of the inputs of a model that is called on some arguments."""
        if len(arguments) != len(model.inputs) or not all(isinstance(a, Value) for a in arguments):
            raise ValueError(f"a model of {len(model.inputs)} inputs is called on {len(arguments)} arguments")
        return {Output(name): [a] for (name, *_), a in zip(model.inputs, arguments, strict=True)}

    def _called(self, path: tuple[Spec, ...], arguments: Sequence[Any], place: str) -> Value:
        """The value of a call of a layer that is neither a model nor a wrapper."""
        tensors = [a for a in arguments if isinstance(a, Value)]
        return self._step(place, self._part(path, arguments, tensors), tensors)

    def _step(self, place: str, part: Part, tensors: Sequence[Value]) -> Value:
        """The value of a new step of the plan, which lowers a part of tensors."""
        if any(a.is_softmax for a in tensors) and part.build is not unchanged:
            raise ValueError(f"softmax must be the last layer's activation: {OF_LOGITS}")
        if part.build is unchanged:
            return tensors[0]
        need_room(*part.shape)
        stored = max(part.stored, prod(part.shape))
        need_room(STEP + stored, most=LARGEST - self._stored)
        self._stored += stored
        self.plan.steps.append(Step(place, part.build, tuple(a.number for a in tensors)))
        return Value(len(self.plan.inputs) + len(self.plan.steps) - 1, part.shape, part.is_softmax)

    def _part(self, path: tuple[Spec, ...], arguments: Sequence[Any], tensors: Sequence[Value]) -> Part:
        spec = path[-1]
        if spec.kind == INPUT:
            raise ValueError("the output depends on it, and it is no input of its model")
        several = products.OF_SEVERAL.get(spec.kind)
        row = several or OF_ONE.get(spec.kind)
        if row is None:
            raise ValueError(f"it is no layer of a chain. {REMEDY}")
        if not tensors or (several is None and len(arguments) != 1):
            raise ValueError(f"it must be called on one tensor; got {len(arguments)} arguments")
        layer = Layer(spec.kind, spec.config, self._origin, lambda names: self._arrays(path, names))
        _need_plain(layer)
        return row(layer, *(a.shape if isinstance(a, Value) else _constant(a) for a in arguments))


class Unplanned(ValueError):
    """The reason why a layer cannot be planned, with its place."""


def _constant(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"it must be called on tensors and numbers; got {shown(value)}")
    return float(value)


def _need_plain(layer: Layer) -> None:
    """Raise a ValueError if a layer's weights are quantised."""
    policy = layer.get("dtype")
    kind = policy.get("class_name") if isinstance(policy, dict) else policy
    if layer.get("quantization_config") is not None or "uantized" in str(kind):
        raise ValueError(f"its weights are quantised: pass the model before quantisation. {REMEDY}")
