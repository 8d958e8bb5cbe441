"""Options that have no effect together with other options: each is refused by its name, with the cure."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

from tracer.fields.checks import shown
from tracer.view.export import PICTURES


class Rule(NamedTuple):
    """An option, by its name in `argparse`; when it has no effect; and the error's text after its name."""

    option: str
    idle: Callable[[argparse.Namespace], bool]
    text: str


def _no_picture(arguments: argparse.Namespace) -> bool:
    return not any(path.lower().endswith(tuple(PICTURES)) for path in arguments.output)


def _from_seed(arguments: argparse.Namespace) -> bool:
    return getattr(arguments, "seed", None) is not None


def _without_model(arguments: argparse.Namespace) -> bool:
    return arguments.model is None


WITHOUT_MODEL = "belongs to MODEL, which is not given: add a file"
WITHOUT_SEED = "does not apply with --seed: leave out --seed"
RULES = (
    Rule(
        "example",
        lambda given: given.model is not None,
        "stands in place of MODEL, which is given: leave out MODEL or --example, not both",
    ),
    Rule("output_name", _without_model, WITHOUT_MODEL),
    Rule("shape", _without_model, WITHOUT_MODEL),
    Rule("plane", lambda given: given.through is not None, "and --through both give a plane: leave out one"),
    Rule("at", lambda given: given.plane is None, "belongs to --plane I J, which is not given: add it"),
    Rule(
        "max_steps", lambda given: given.seed is None, "belongs to --seed X1 X2, which is not given: add it"
    ),
    Rule("max_cells", _from_seed, f"{WITHOUT_SEED}, or pass --max-steps"),
    Rule("progress", _from_seed, WITHOUT_SEED),
    Rule(
        "label", lambda given: given.data is None, "belongs to --data POINTS.csv, which is not given: add it"
    ),
    Rule("data", _no_picture, "belongs to a picture, and -o names none: add one, such as -o picture.png"),
)


def refuse_idle(arguments: argparse.Namespace) -> None:
    """Raise a ValueError if an option has no effect."""
    for option, idle, text in RULES:
        value = getattr(arguments, option, None)
        if value is not None and value is not False and idle(arguments):
            got = "" if value is True else f"; got {shown(value)}"
            raise ValueError(f"--{option.replace('_', '-')} {text}{got}")
