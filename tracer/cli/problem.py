"""The problem that the arguments describe: a network, a box, a plane, and a field."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np

from tracer.arrays import Array
from tracer.cli.names import listed, named, number, place
from tracer.fields.checks import said, shown
from tracer.fields.feature_names import texts
from tracer.fields.files.budget import FAULTS
from tracer.fields.networks.examples import example
from tracer.fields.networks.network import Network
from tracer.fields.plane import Plane
from tracer.models.loading import load

DEFAULT_EXAMPLE = "paper"
WITHOUT_FILE = ": pass the path of a model's file, or --example NAME in its place"
# The box on a plane through three points, whose coordinates are (0, 0), (1, 0) and (0, 1).
AROUND_THREE_POINTS = [(-0.5, 1.5), (-0.5, 1.5)]
# What NumPy raises of files of arrays, whose headers it reads as Python.
BROKEN = (*FAULTS, SyntaxError, TokenError)
# What a `.npy` file begins with.
MAGIC = b"\x93NUMPY"


def network_and_box(arguments: argparse.Namespace) -> tuple[Network, Any]:
    """The network with all outputs, restricted to a given plane, and the box."""
    network, bounds = _network(arguments)
    return _restricted(network, arguments), bounds


def field_and_box(arguments: argparse.Namespace) -> tuple[Network, Any]:
    """The field, restricted to a given plane, and the box."""
    network, bounds = _network(arguments)
    return _restricted(_field(network, arguments), arguments), bounds


def _network(arguments: argparse.Namespace) -> tuple[Network, Any]:
    if arguments.model is None:
        network, bounds = example(arguments.example or DEFAULT_EXAMPLE)
    else:
        with named("MODEL", WITHOUT_FILE):
            network = load(arguments.model, output=arguments.output_name, shape=arguments.shape)
        bounds = None
    if arguments.through is not None:
        bounds = AROUND_THREE_POINTS
    if arguments.bounds is not None:
        bounds = np.reshape(arguments.bounds, (2, 2)).tolist()
    if bounds is None:
        raise ValueError(
            f"--bounds X1LO X1HI X2LO X2HI must be given with MODEL, got {shown(arguments.model)} alone: "
            "add the box, such as --bounds -1 1 -1 1"
        )
    return network, bounds


def _field(network: Network, arguments: argparse.Namespace) -> Network:
    if arguments.level is not None:
        output, value = arguments.level
        k = place("--level OUTPUT VALUE", "OUTPUT", output, network.classes, network.n_outputs, "an output")
        return network.level(k, number("--level", "VALUE", value))
    if arguments.probability is not None:
        name, p = arguments.probability
        # The single output of a network with a sigmoid stands for two classes.
        n = max(network.n_outputs, 2)
        k = place("--probability CLASS P", "CLASS", name, network.classes, n, "a class")
        label = k if network.classes is None else network.classes[k]
        return network.probability(label, number("--probability", "P", p))
    if network.n_outputs == 1 and arguments.classes is None:
        raise ValueError(
            "--classes must be of two outputs, and MODEL has one: pass --level 0 VALUE, or --probability 1 P"
        )
    if arguments.classes is None:
        return network.margin(0, 1)
    return network.margin(
        *_two("--classes", arguments.classes, network.classes, network.n_outputs, "an output")
    )


# The plane ------------------------------------------------------------------------------------------


def _restricted(field: Network, arguments: argparse.Namespace) -> Network:
    """The field, restricted to a given plane, of two of its inputs or through three points."""
    n = field.n_inputs
    if arguments.through is not None:
        plane = Plane.through(*arrays(arguments.through))
        return field.restrict(_named(plane, field))
    if arguments.plane is None:
        if n > 2:
            raise ValueError(
                f"a model of {n} inputs needs --plane I J, two of them, or --through A.npy B.npy C.npy"
            )
        return field
    i, j = _two("--plane", arguments.plane, field.inputs, n, "an input")
    at = np.zeros(n)
    if arguments.at is not None:
        others = np.setdiff1d(np.arange(n), (i, j))
        for k, value in _values(arguments.at, others.tolist(), field):
            at[k] = value
    return field.restrict(_named(Plane.of_features(i, j, at=at), field))


def _two(option: str, given: Sequence[str], labels: Sequence | None, n: int, what: str) -> list[int]:
    """The numbers of two different ones of n outputs or inputs."""
    both = [
        place(f"{option} I J", letter, text, labels, n, what)
        for letter, text in zip("IJ", given, strict=True)
    ]
    if both[0] == both[1]:
        known = listed(labels or range(n))
        raise ValueError(
            f"{option} I J must have I and J differ; got {shown(given[0])} twice: pass two of {known}"
        )
    return both


def _named(plane: Plane, field: Network) -> Plane:
    """A plane with the names of the field's inputs."""
    names = texts(field.inputs)
    return plane if names is None or len(names) != len(plane.origin) else replace(plane, inputs=names)


def _values(given: Sequence[str], others: list[int], field: Network) -> list[tuple[int, float]]:
    """The numbers and the values of inputs that `--at` gives: all `others` in order, or some by name."""
    option = "--at V … or NAME=V …"
    if any("=" in text for text in given):
        pairs = [text.rpartition("=") for text in given]
        places = [place(option, "NAME", k, field.inputs, field.n_inputs, "an input") for k, _, _ in pairs]
        if not set(places) <= set(others):
            raise ValueError(f"{option} must name inputs that --plane does not draw; got {shown(given)}")
        return [(k, number(option, "V", value)) for k, (_, _, value) in zip(places, pairs, strict=True)]
    if len(given) != len(others):
        raise ValueError(
            f"--at must give a value for each of the {len(others)} other inputs; got {len(given)}"
        )
    return [(k, number(option, "V", value)) for k, value in zip(others, given, strict=True)]


def arrays(paths: Sequence[str]) -> list[Array]:
    """The arrays in the `.npy` files of `--through`, in which nothing is executed."""
    found = []
    for path in paths:
        # A pipe would be waited for.
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"--through must be three files that exist, such as numpy.save writes; got {shown(path)}"
            )
        try:
            with open(path, "rb") as file:
                found.append(_array(file))
        except BROKEN as error:
            raise ValueError(
                f"--through must be three .npy files of arrays; got {shown(path)}: {said(error)}"
            ) from None
    return found


def _array(file: BinaryIO) -> Array:
    """The array in a file; `BROKEN` of one that is damaged, or something else."""
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("numpy.save did not write it: of an archive of arrays save one, archive[name]")
    file.seek(0)
    return np.load(file, allow_pickle=False)
