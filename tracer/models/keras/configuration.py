"""The configuration of a Keras model: its layers, and the tensors that they are called on [1]_.

A configuration lists the layers of a model, and for each call of a layer the tensors that the call takes, as
(layer, number of its call, number of the output). Keras 2 writes such triples as lists, Keras 3 as arguments
of the call; a Sequential model only lists its layers. A layer may be a model itself.

Keras counts the construction of a model as its first call, so that the numbers of its calls are one too high:
in Keras 3 for functional models, where the model around them names its outputs; in Keras 2 for all models,
Sequential models with an input included, in every triple.

References
----------
.. [1] Keras, `models/functional.py` and `legacy/saving`, https://github.com/keras-team/keras.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, NamedTuple

from tracer.fields.checks import shown
from tracer.models.keras.layer import REMEDY

MODELS = ("Functional", "Model", "Sequential")
INPUT = "InputLayer"
# Layers that call another layer on each entry along the first axis of a point.
WRAPPERS = ("TimeDistributed",)
# Libraries that contain Keras' own layers; older files name no library.
LIBRARIES = ("keras", "keras_core", "tf_keras", "tensorflow")
# The most layers of one model.
MOST_LAYERS = 10**4
OF_OWN_CALL = f"only Sequential and functional models are read, and layers of Keras' own. {REMEDY}"


class Output(NamedTuple):
    """An output of a call of a layer."""

    layer: str
    call: int = 0
    number: int = 0


@dataclass(frozen=True, eq=False)
class Spec:
    """A layer of a model.

    Attributes
    ----------
    name, kind : str
        The name of the layer, and of its class.
    config : mapping
    calls : tuple
        For each call its arguments: outputs of other layers, and constants.
    model : Model or None
        The model, for a layer that is a model.
    wrapped : Spec or None
        The layer that a wrapper calls, for a wrapper.
    rank, alike : int
        The number of the layer, from 0, among the `alike` layers of its class in the model.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    calls: tuple[tuple[Any, ...], ...]
    model: "Model | None"
    wrapped: "Spec | None"
    rank: int
    alike: int


@dataclass(frozen=True, eq=False)
class Model:
    """The layers of a model by name, its inputs, and its outputs."""

    layers: Mapping[str, Spec]
    inputs: tuple[Output, ...]
    outputs: tuple[Output, ...]

    def order(self, outputs: Iterable[Output]) -> list[Output]:
        """The calls that some outputs depend on, each after the calls that it depends on."""
        before: dict[Output, set[Output]] = {}
        open_ = [Output(*output[:2]) for output in outputs]
        while open_:
            call = open_.pop()
            if call not in before:
                needed = {Output(*a[:2]) for a in self.arguments(call) if isinstance(a, Output)}
                before[call] = needed
                open_ += needed
        try:
            return list(TopologicalSorter(before).static_order())
        except CycleError as error:
            raise ValueError(f"layers must not form a circle; got {shown(error.args[1])}") from None

    def arguments(self, call: Output) -> tuple[Any, ...]:
        """The arguments of a call; a ValueError if the model has no such call."""
        layer = self.layers.get(call.layer)
        if layer is None:
            raise ValueError(f"layer {shown(call.layer)} is called, and the model has no such layer")
        if layer.kind == INPUT:
            return ()
        if not 0 <= call.call < len(layer.calls):
            raise ValueError(f"layer {shown(call.layer)} has no call number {call.call}")
        return layer.calls[call.call]


def model(given: Any) -> Model:
    """The model of a configuration, ``{"class_name": …, "config": …}``.

    Raises
    ------
    ValueError
        If it is no configuration of a model of Keras' own classes.
    """
    kind, config = _kind(given), given["config"]
    if kind not in MODELS:
        raise ValueError(f"the model is of class {shown(kind)}: {OF_OWN_CALL}")
    # Before 2.2.3 the configuration of a Sequential model was the list of its layers.
    layers = config if isinstance(config, list) else _entry(config, "layers", list)
    specs = _specs(layers)
    if kind == "Sequential":
        return _sequence(specs, config if isinstance(config, dict) else {})
    inputs, outputs = (
        tuple(a for a in _flat(_entry(config, name, list | dict)) if isinstance(a, Output))
        for name in ("input_layers", "output_layers")
    )
    if not inputs or not outputs:
        raise ValueError("a model must have inputs and outputs")
    if any(isinstance(node, dict) for layer in layers for node in _nodes(layer)):
        shifts = {name: 1 for name, spec in specs.items() if spec.kind == "Functional"}
    else:
        shifts = _shifts(specs, outputs)
        for name, spec in specs.items():
            calls = tuple(tuple(_shifted(a, shifts) for a in call) for call in spec.calls)
            specs[name] = replace(spec, calls=calls)
    return Model(specs, inputs, tuple(_shifted(output, shifts) for output in outputs))


def _entry(config: Any, name: str, kind: Any) -> Any:
    if not isinstance(config, dict) or not isinstance(config.get(name), kind):
        raise ValueError(f"the configuration must have {name}; got {shown(config)}")
    return config[name]


def _kind(given: Any) -> str:
    """The class of a layer or a model, if it is one of Keras' own."""
    kind, config = _entry(given, "class_name", str), _entry(given, "config", dict | list)
    module, registered = given.get("module"), given.get("registered_name")
    library = module.split(".")[0] if isinstance(module, str) else LIBRARIES[0]
    if library not in LIBRARIES or (isinstance(registered, str) and ">" in registered) or ">" in kind:
        name = config.get("name") if isinstance(config, dict) else None
        raise ValueError(f"{shown(name)} is of class {shown(kind)}, which is not Keras' own: {OF_OWN_CALL}")
    return kind


def _specs(layers: Sequence[Any]) -> dict[str, Spec]:
    if len(layers) > MOST_LAYERS:
        raise ValueError(f"at most {MOST_LAYERS} layers are read; got {len(layers)}")
    kinds = [_kind(layer) for layer in layers]
    alike, seen = Counter(map(container_name, kinds)), Counter[str]()
    found: dict[str, Spec] = {}
    for layer, kind in zip(layers, kinds, strict=True):
        config, base = layer["config"], container_name(kind)
        name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
        if not isinstance(name, str) or name in found:
            raise ValueError(f"names of layers must be texts, and differ; got {shown(name)}")
        try:
            calls = tuple(map(_arguments, _nodes(layer)))
        except ValueError as error:
            raise ValueError(f"layer {shown(name)} ({kind}): {error}") from None
        inner = model(layer) if kind in MODELS else None
        given = config if isinstance(config, dict) else {}
        wrapped = _wrapped(given) if kind in WRAPPERS else None
        found[name] = Spec(name, kind, given, calls, inner, wrapped, seen[base], alike[base])
        seen[base] += 1
    return found


def _wrapped(config: Mapping[str, Any]) -> Spec:
    """The layer in the configuration of a wrapper."""
    (spec,) = _specs([_entry(config, "layer", dict)]).values()
    return spec


def places(path: Sequence[Spec]) -> Iterator[tuple[Spec, bool]]:
    """The layers of a `path`, each inside the layer before it, and whether that layer is its wrapper."""
    return ((spec, k > 0 and path[k - 1].wrapped is spec) for k, spec in enumerate(path))


def container_name(kind: str) -> str:
    """The name by which Keras stores the layers of a class: ``SeparableConv2D`` as ``separable_conv2d``."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _sequence(specs: Mapping[str, Spec], config: Mapping[str, Any]) -> Model:
    """A Sequential model: each layer is called on the one before it."""
    if not specs:
        raise ValueError("a model must have layers")
    first = next(iter(specs.values()))
    if first.kind != INPUT:
        shape = {"batch_shape": batch_shape(first) or config.get("build_input_shape")}
        specs = {INPUT: Spec(INPUT, INPUT, shape, (), None, None, 0, 1), **specs}
    names = list(specs)
    layers = {names[0]: specs[names[0]]}
    for before, name in pairwise(names):
        layers[name] = replace(specs[name], calls=((Output(before),),))
    return Model(layers, (Output(names[0]),), (Output(names[-1]),))


def batch_shape(spec: Spec) -> Any:
    """The shape of the input, with the batch, in the configuration of a layer; None if it has none."""
    if spec.model is not None:
        return batch_shape(spec.model.layers[spec.model.inputs[0].layer])
    return next(
        (spec.config[key] for key in ("batch_shape", "batch_input_shape") if key in spec.config), None
    )


# Calls ----------------------------------------------------------------------------------------------


def _nodes(layer: Any) -> list[Any]:
    """The calls of a layer, as the configuration writes them."""
    nodes = layer.get("inbound_nodes") or []
    if not isinstance(nodes, list):
        raise ValueError(f"its calls must be a list; got {shown(nodes)}")
    return nodes


def _arguments(node: Any) -> tuple[Any, ...]:
    """The arguments of a call, one after another."""
    if not isinstance(node, dict):
        return tuple(_flat(node))
    options = node.get("kwargs") or {}
    _check_options(options)
    return tuple(_flat(node.get("args")))


def _check_options(options: Any) -> None:
    """Raise a ValueError if a call has options that have an effect."""
    if not isinstance(options, dict):
        raise ValueError(f"the options of its call must be named; got {shown(options)}")
    if options.get("training"):
        raise ValueError("it is called with training=True, which is random: build the model without")
    given = {name: value for name, value in options.items() if value is not None and name != "training"}
    if given:
        raise ValueError(f"it is called with options, {shown(given)}. {REMEDY}")


def _flat(given: Any) -> Iterator[Any]:
    """The outputs of layers, and the constants, in nested lists and dictionaries."""
    if isinstance(given, dict):
        history = given["config"].get("keras_history") if isinstance(given.get("config"), dict) else None
        if history is not None:
            yield _output(history)
        else:
            for value in given.values():
                yield from _flat(value)
    elif isinstance(given, list) and given and isinstance(given[0], str):
        yield _output(given[:3])
        if len(given) > 3:
            _check_options(given[3])
    elif isinstance(given, list):
        for value in given:
            yield from _flat(value)
    elif given is not None:
        yield given


def _output(given: Any) -> Output:
    """An output of a layer, from its name and two numbers."""
    match given:
        case [str(layer), int(call), int(number)] if call >= 0 and number >= 0:
            return Output(layer, call, number)
    raise ValueError(f"a tensor must be a layer's name and two numbers; got {shown(given)}")


def _shifts(specs: Mapping[str, Spec], outputs: Sequence[Output]) -> dict[str, int]:
    """How much too high the numbers of the calls of each model are, in Keras 2; without models of shift 0.

    A number is too high if the highest one in use is the count of all calls.
    """
    highest: dict[str, int] = {}
    for a in (*outputs, *(a for spec in specs.values() for call in spec.calls for a in call)):
        if isinstance(a, Output):
            highest[a.layer] = max(a.call, highest.get(a.layer, 0))
    return {
        name: 1 for name, s in specs.items() if s.model is not None and highest.get(name) == len(s.calls) > 0
    }


def _shifted(a: Any, shifts: Mapping[str, int]) -> Any:
    return a._replace(call=max(a.call - shifts.get(a.layer, 0), 0)) if isinstance(a, Output) else a
