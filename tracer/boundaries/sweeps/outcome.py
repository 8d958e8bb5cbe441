"""The outcome of one of many problems, traced in this process or in another.

Another process unpickles the problem inside the attempt: an error in unpickling is the outcome of this
problem, and does not end the process. For the same reason an exception is returned, not raised, and an
exception that cannot be pickled is replaced by its text.
"""

import pickle
import traceback
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.tracing import trace
from tracer.enclosures.cores import one_thread


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """The outcome of one of many problems.

    Attributes
    ----------
    index : int
        The problem's place among the problems, from 0.
    """

    index: int
    _result: Boundary | Exception

    @property
    def boundary(self) -> Boundary:
        """The boundary; if tracing raised an exception, reading this property raises it again."""
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    @property
    def error(self) -> Exception | None:
        """The exception that tracing the problem raised, or None."""
        return self._result if isinstance(self._result, Exception) else None

    def __repr__(self) -> str:
        error = self.error
        what = repr(self._result) if error is None else f"{type(error).__name__}: {error}"
        return f"Outcome {self.index}: {what}"


def attempt(field: Any, bounds: ArrayLike, keywords: dict[str, Any]) -> Boundary | Exception:
    """The boundary, or the exception that tracing it raised."""
    try:
        return trace(field, bounds, **keywords)
    # A user's field may raise anything, which must not end the other problems.
    except Exception as error:
        return error


def attempt_beside_others(field: Any, bounds: ArrayLike, keywords: dict[str, Any]) -> Boundary | Exception:
    """`attempt` in one thread, while other workers use the other cores."""
    with one_thread():
        return attempt(field, bounds, keywords)


def attempt_packed(work: bytes) -> Boundary | Exception:
    """`attempt` in another process."""
    try:
        field, bounds, keywords = pickle.loads(work)
    # For example, the field's module is missing in the process.
    except Exception as error:
        return _portable(error)
    result = attempt_beside_others(field, bounds, keywords)
    return _portable(result) if isinstance(result, Exception) else result


def _portable(error: Exception) -> Exception:
    """The exception, with its traceback as a note; an exception that cannot be pickled as its text."""
    note = "".join(traceback.format_tb(error.__traceback__))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"In the worker:\n{note}")
    return error
