"""What the page asks, and the answer: a window, two classes or all of them, and weights; no browser is needed.

Questions and answers are values. A model of two inputs and a box are given once; everything that one changes on
the page is in the question.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.partitioning import partition
from tracer.boundaries.tracing import trace
from tracer.explore.weights import with_values
from tracer.fields.networks.examples import Bounds
from tracer.fields.networks.network import Network

# Seconds after which a window shows what has been found.
TIME_LIMIT = 10.0
# What can be taken away: the suffix, and its type.
FILES = {".csv": "text/csv", ".geojson": "application/geo+json", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Question:
    """What is to be shown.

    Attributes
    ----------
    window : tuple
        ``((lo, hi), (lo, hi))``.
    classes : pair of int or None
        The outputs whose boundary is asked for; None for the regions of all.
    level : float
        The value of the output, of a network with only one.
    weights : tuple of float or None
        The weights of the network, if they are not its own.
    """

    window: Bounds
    classes: tuple[int, int] | None = None
    level: float = 0.0
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Answer:
    """The result for a question, or why there is none, and the seconds it took."""

    question: Question
    result: Boundary | Partition | None
    seconds: float
    error: str = ""


def answer(network: Network, question: Question, time_limit: float = TIME_LIMIT) -> Answer:
    """Trace what is asked for; wrong arguments are an answer too."""
    start = time.perf_counter()
    try:
        result, error = _result(network, question, time_limit), ""
    except (ValueError, TypeError) as wrong:
        result, error = None, " ".join(str(wrong).split())
    return Answer(question, result, time.perf_counter() - start, error)


def _result(network: Network, question: Question, time_limit: float) -> Boundary | Partition:
    if question.weights is not None:
        network = with_values(network, question.weights)
    limit: dict[str, Any] = {"time_limit": time_limit}
    if network.n_outputs == 1:
        return trace(network.level(0, question.level), question.window, **limit)
    if question.classes is None:
        return partition(network, question.window, **limit)
    return trace(network.margin(*question.classes), question.window, **limit)


def first_question(network: Network, bounds: Bounds, level: float = 0.0) -> Question:
    """The boundary of two classes, or the regions of more, in the given box."""
    return Question(bounds, None if network.n_outputs > 2 else (0, 1), level)


def file_of(result: Boundary | Partition, suffix: str) -> str:
    """The text of a file with a result, as `save` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"result{suffix}"
        result.save(path)
        return path.read_text(encoding="utf-8")
