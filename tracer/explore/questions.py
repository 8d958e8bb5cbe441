"""Questions of the page, and their answers, without a browser.

A question is a window, two classes or all, a level, and weights: everything that a visitor changes on the
page of one network. An answer is a result, or the reason why there is none.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.partitioning import partition
from tracer.boundaries.tracing import trace
from tracer.explore.weights import with_values
from tracer.fields.box import Box
from tracer.fields.networks.examples import Bounds
from tracer.fields.networks.network import Network

# Seconds after which an unfinished result is shown.
TIME_LIMIT = 10.0
# The files that can be downloaded: their suffixes, and their media types.
FILES = {".csv": "text/csv", ".geojson": "application/geo+json", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Question:
    """The request of a boundary or a partition in a window.

    Attributes
    ----------
    window : tuple
        ``((lo, hi), (lo, hi))``.
    classes : pair of int or None
        The outputs whose boundary is traced; None for the regions of all outputs.
    level : float
        The value of the output whose boundary is traced, for a network with one output.
    weights : tuple of float or None
        Weights that replace those of the network.
    """

    window: Bounds
    classes: tuple[int, int] | None = None
    level: float = 0.0
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Answer:
    """The result for a question, or the error in its place, and the seconds that it took."""

    question: Question
    result: Boundary | Partition | None
    seconds: float
    error: str = ""


def answer(network: Network, question: Question, time_limit: float = TIME_LIMIT) -> Answer:
    """The answer to a question; any exception becomes the error of the answer."""
    start = time.perf_counter()
    try:
        result, error = _result(network, question, time_limit), ""
    except Exception as wrong:
        kind = "" if isinstance(wrong, ValueError | TypeError) else f"{type(wrong).__name__}: "
        result, error = None, " ".join(f"{kind}{wrong}".split())
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


def first_question(network: Network, bounds: ArrayLike, level: float | None = None) -> Question:
    """The question of the boundary of two classes, the regions of more, or a level of the only output.

    Raises
    ------
    ValueError
        If the network does not have two inputs, or the bounds are wrong.
    """
    if network.n_inputs != 2:
        raise ValueError(f"network must have two inputs, restrict it to a plane; got {network.n_inputs}")
    if level is None:
        is_probability = network.n_outputs == 1 and network.link == "outputs"
        level = 0.5 if is_probability else 0.0
    return Question(Box.from_bounds(bounds).bounds, None if network.n_outputs > 2 else (0, 1), level)


def file_of(result: Boundary | Partition, suffix: str) -> str:
    """The text of a file with a result, as `save` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"result{suffix}"
        result.save(path)
        return path.read_text(encoding="utf-8")
