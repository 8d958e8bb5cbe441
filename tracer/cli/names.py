"""Texts of the command line as labels and numbers.

Outputs are named by their labels, inputs by the names of their features, where the model has them; by their
numbers from 0 where no label is a number. Messages of the library get the words of the command line: options
for arguments and calls.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracer.cli.parser import is_number
from tracer.fields.checks import LONGEST, cut, shown
from tracer.fields.labels import numbers_by_label

# What a message says of a call in Python, and what stands for it here; the first words name an argument.
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
    """The number of one of n outputs or inputs that is given by its label, or by its number.

    Raises
    ------
    ValueError
        If there is none; `option` is where the text stands, `name` what it is called there.
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
    """The one of some labels that a text writes; the text itself if it is none of them."""
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
    """Say, in errors about a `path`, the name that it has here, and a cure if they have none."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        text = str(error)
        if not text.startswith("path must "):
            raise
        _, _, value = text.partition("; got ")
        raise type(error)(f"{name}{text[len('path') :]}{'' if ': ' in value else cure}") from None


def as_options(message: str) -> str:
    """A message of the library as the command prints it, on one line."""
    text = " ".join(message.split())
    for pattern, words in WORDS.items():
        text = re.sub(pattern, words, text)
    return text
