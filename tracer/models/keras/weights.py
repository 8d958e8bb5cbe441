"""The arrays of a layer, found in a file or a model [1]_.

A `.keras` file stores each layer of a model in a group, numbered among the layers of its class in their
order, ``dense``, ``dense_1``, …, and the arrays of a layer by their number. A layer inside a model lies below
that model's group, and the layer of a wrapper below the wrapper's, in a group ``layer``. An `.h5` file has a
group of each layer's name, with arrays named as variables, ``dense/kernel:0``; the arrays of all layers
inside a model lie in that model's one group.

References
----------
.. [1] Keras, `saving/saving_lib.py` and `legacy/saving/legacy_h5_format.py`, https://github.com/keras-team/keras.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tracer.fields.checks import shown
from tracer.models.keras.configuration import Spec, container_name, places
from tracer.models.keras.hdf5 import Contents
from tracer.models.keras.layer import Numbers

# The arrays of the last layer of a path, each layer inside the one before, by the names of all its variables.
Arrays = Callable[[Sequence[Spec], Sequence[str]], Sequence[Numbers]]
# The names of the group of all layers: in Keras 3, and in Keras 2 from 2.13 to 2.15.
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
# The names of a variable in Keras 2, where they differ from its name in Keras 3.
OTHER_NAMES = {"kernel": ("kernel", "depthwise_kernel")}
AGAIN = "pass the model itself to tracer.as_network"


def of_archive(file: Contents) -> Arrays:
    """The arrays of a `.keras` file."""

    def arrays(path: Sequence[Spec], names: Sequence[str]) -> list[Numbers]:
        group = ""
        for spec, is_wrapped in places(path):
            group = f"{group}/layer" if is_wrapped else _numbered(file, group, spec)
        variables = f"{group}/vars"
        # Newer files name the layer to which the arrays belong.
        owner = file.groups.get(variables)
        if owner not in (None, path[-1].name):
            raise ValueError(f"the group of its arrays belongs to {shown(owner)}: {AGAIN}")
        found = file.below(variables)
        if set(found) != {str(k) for k in range(len(names))}:
            raise ValueError(f"the file must have its {', '.join(names)}; it has {len(found)} arrays")
        return [found[str(k)] for k in range(len(names))]

    return arrays


def _numbered(file: Contents, group: str, spec: Spec) -> str:
    """The group of a layer among the numbered groups of its class."""
    base, start = container_name(spec.kind), f"{group}/" if group else ""
    container = start + next((name for name in CONTAINERS if start + name in file.groups), CONTAINERS[0])
    numbers = {name: _number(base, name) for name in file.members.get(container, ())}
    alike = sorted((k, name) for name, k in numbers.items() if k is not None)
    if len(alike) != spec.alike:
        raise ValueError(f"the file must have {spec.alike} groups {base}; it has {len(alike)}: {AGAIN}")
    return f"{container}/{alike[spec.rank][1]}"


def _number(base: str, name: str) -> int | None:
    """The number in the name of a group of a class; None if the group belongs to another class."""
    match = re.fullmatch(rf"{re.escape(base)}(?:_(\d{{1,9}}))?", name)
    return None if match is None else int(match[1] or 0)


def of_legacy(file: Contents) -> Arrays:
    """The arrays of an `.h5` file."""
    models: dict[str, dict[str, Numbers]] = {}

    def arrays(path: Sequence[Spec], names: Sequence[str]) -> list[Numbers]:
        first = path[0].name
        if first not in models:
            models[first] = file.below(f"model_weights/{first}")
        parents = [spec.name for spec, is_wrapped in places(path) if not is_wrapped]
        return [_named(models[first], parents, OTHER_NAMES.get(name, (name,))) for name in names]

    return arrays


def _named(arrays: dict[str, Numbers], parents: Sequence[str], names: Sequence[str]) -> Numbers:
    """The array of a variable, given the names of its layer and of the models around it.

    Arrays of the variable's name are compared with as many of these names as it takes until one remains.
    """
    some = [path for path in arrays if re.sub(r":\d+$", "", path.rpartition("/")[2]) in names]
    wanted = ""
    for parent in reversed(parents):
        if len(parents) > 1 or len(some) > 1:
            wanted = f"{parent}/{wanted}"
            some = [path for path in some if f"/{path.rpartition('/')[0]}/".endswith(f"/{wanted}")]
        if len(some) == 1:
            return arrays[some[0]]
    raise ValueError(f"the file must have its {names[0]}; it has {len(some)} of that name: {AGAIN}")


def of_model(model: Any) -> Arrays:
    """The arrays of a model in memory."""

    def arrays(path: Sequence[Spec], names: Sequence[str]) -> list[Numbers]:
        layer, store = model, {}
        for spec, is_wrapped in places(path):
            layer = layer.layer if is_wrapped else layer.get_layer(spec.name)
        layer.save_own_variables(store)
        if len(store) != len(names):
            raise ValueError(f"it must have its {', '.join(names)}; it has {len(store)} arrays: build it")
        return [_in_memory(store[str(k)]) for k in range(len(names))]

    return arrays


def _in_memory(value: Any) -> Numbers:
    """The array of a variable of Keras."""
    import keras

    array: Any = keras.ops.convert_to_numpy(value)
    if array.dtype.name == "bfloat16":
        return Numbers(array.astype(np.float32))
    return Numbers(array) if array.dtype.kind == "f" else Numbers(None, f"floats are read; got {array.dtype}")
