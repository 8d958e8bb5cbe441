"""Texts of the command line as labels and numbers, and messages of the library in words of the command line.

Outputs are named by their labels, and inputs by their features, if the model has labels and features; or by
their numbers from 0 if no label is a number. In messages of the library, options replace arguments and calls.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracer.cli.parser import is_number
from tracer.fields.checks import LONGEST, cut, shown
from tracer.fields.labels import numbers_by_label

# Patterns of arguments and calls in messages of the library, and the options that replace them.
WORDS = {
    r"\b(max_cells|max_steps|time_limit)=": lambda name: f"--{name[1].replace('_', '-')} ",
    r"\b(max_cells|max_steps|time_limit)\b": lambda name: f"--{name[1].replace('_', '-')}",
    r"^(tolerance|seed|bounds|at)\b(\[\d\])?": r"--\1",
    r"^value\b": "VALUE of --level",
    r"^p must": "P of --probability must",
    r"^a, b and c\b": "the arrays of --through",
    r"^output and shape\b": "--output-name and --shape",
    r"pass network\.level\(0, value\) to tracer\.trace": "trace it with tracer trace --level 0 VALUE",
    r"network\.level\(0, value\)": "--level 0 VALUE",
    r"np\.log\(p / \(1 - p\)\)": "log(P / (1 - P))",
    r"pass output=": "pass --output-name",
    r"pass shape=": "pass --shape N …",
    r"pass another one, or tracer\.trace\(field, bounds\)": "pass another one, or leave out --seed",
}


def place(option: str, name: str, text: str, labels: Sequence | None, n: int, what: str) -> int:
    """The number of one of n outputs or inputs whose label, or number, is `text`.

    Raises
    ------
    ValueError
        If the text is no label and no number; the message names the `option`, the argument's `name` in it,
        and `what` it must be.
    """
    known = numbers_by_label(range(n) if labels is None else labels)
    label = label_of(text, known)
    if label not in known:
        names = listed(labels or range(n))
        raise ValueError(f"{option} must have {name} {what}, one of {names}; got {shown(text.strip())}")
    return known[label]


def listed(names: Iterable[Any]) -> str:
    """Names one after another, cut to two lines, as a file may have any number of them."""
    return cut(", ".join(map(str, names)), 2 * LONGEST)


def label_of(text: str, labels: Any) -> Any:
    """The label among `labels` that a text writes; the text itself if it writes none of them."""
    text = text.strip()
    by_text = {str(label): label for label in labels}
    if text not in by_text and is_number(text):
        return next((k for k in labels if isinstance(k, int | float) and k == float(text)), text)
    return by_text.get(text, text)


def number(option: str, name: str, text: str) -> float:
    """A text as a number."""
    if not is_number(text):
        raise ValueError(f"{option} must have {name} a number; got {shown(text)}")
    return float(text)


@contextlib.contextmanager
def named(name: str, cure: str = "") -> Iterator[None]:
    """A block in which errors about a `path` get the option's `name`, and the cure if they have none."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        text = str(error)
        if not text.startswith("path must "):
            raise
        _, _, value = text.partition("; got ")
        raise type(error)(f"{name}{text[len('path') :]}{'' if ': ' in value else cure}") from None


def as_options(message: str) -> str:
    """A message of the library in words of the command line, on one line."""
    text = " ".join(message.split())
    for pattern, words in WORDS.items():
        text = re.sub(pattern, words, text)
    return text
