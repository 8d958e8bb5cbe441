"""Networks as JSON: ``{"layers": [{"W": out × in, "b": out, "activation": name}, …]}``.

Python writes a float as the shortest decimal that reads back to the same float, so a file contains
exactly the same numbers. Radii of folded weights, a plane and labels are written if there are any.
"""

import json
import os
from typing import Any

from tracer.fields.files.budget import STEP, draw, reading
from tracer.fields.files.writing import check_target, whole_file
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.fields.networks.probabilities import link_of
from tracer.fields.plane import Plane

LABELS = ("classes", "inputs", "sides")
WORDS = ("link", "title")


def dumps(network: Network) -> str:
    """The network as a JSON text."""
    return json.dumps(form_of(network))


def form_of(network: Network) -> dict[str, Any]:
    """The network as an object of JSON."""
    layers = [layer.to_json() for layer in network.layers]
    words = {} if network.title is None else {"title": network.title}
    if network.link != link_of(network.layers, None):
        words["link"] = network.link
    return {"layers": layers, **plane_form(network.plane), **label_forms(network, *LABELS), **words}


def plane_form(plane: Plane | None) -> dict[str, Any]:
    """The entry of a JSON object for a plane, or no entry."""
    if plane is None:
        return {}
    return {"plane": {k: getattr(plane, k).tolist() for k in ("origin", "u", "v")}}


def plane_of(form: dict[str, Any]) -> Plane | None:
    """The plane in a JSON object, if there is one."""
    plane = form.get("plane")
    return None if plane is None else Plane(plane["origin"], plane["u"], plane["v"])


def label_forms(model: Any, *names: str) -> dict[str, list]:
    """Some labels of a model as entries of a JSON object."""
    given = {name: getattr(model, name) for name in names}
    return {name: _plain(labels) for name, labels in given.items() if labels is not None}


def _plain(label: Any) -> Any:
    if isinstance(label, tuple):
        return [_plain(part) for part in label]
    return label.item() if hasattr(label, "item") else label


def loads(text: str, source: str = "the text") -> Network:
    """The network in a JSON text; `source` names it in errors.

    Raises
    ------
    ValueError
        If the text is not JSON, or not a network.
    """
    try:
        form = json.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5000 digits is a ValueError too
        raise ValueError(f"{source} is not JSON, or was cut off: {error}") from None
    return of_form(form, source)


def of_form(form: Any, source: str) -> Network:
    """The network in an object of JSON; errors as of `loads`."""
    layers = form.get("layers") if isinstance(form, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        of_keras = isinstance(form, dict) and "class_name" in form
        cure = ": of a Keras model pass tracer.as_network(model), its JSON has no weights" if of_keras else ""
        raise ValueError(f'{source} must hold {{"layers": [{{"W": …, "b": …, "activation": …}}, …]}}{cure}')
    draw(STEP, len(layers))
    try:
        return Network(
            [Layer.from_json(layer) for layer in layers],
            plane=plane_of(form),
            **{name: form.get(name) for name in (*LABELS, *WORDS)},
        )
    except KeyError as error:
        raise ValueError(f"{source} lacks {error}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{source}: {error}") from None


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from a JSON file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it does not contain a network.
    """
    with reading(path, "a network in JSON") as (file, _):
        # Editors of some systems write a mark at the start.
        return loads(file.read_text(encoding="utf-8-sig"), source="the file")


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to a JSON file, whole or not at all."""
    target = check_target(path, (".json",))
    with whole_file(target) as name:
        name.write_text(dumps(network), encoding="utf-8")
