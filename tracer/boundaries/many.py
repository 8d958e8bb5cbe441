"""The verb that traces many boundaries, on whatever executor there is.

Problems are drawn one by one, as there is room, and handed to the executor; of those that are drawn, at most
`in_flight` are being traced or wait, done, in memory for their turn. With a folder a boundary that is done is
written at once, and one that is early waits there, not in memory, so that one long problem does not hold up
the others.
"""

import os
import pickle
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.folder import Folder
from tracer.boundaries.problem import Problem, checked
from tracer.boundaries.progress import Progress
from tracer.boundaries.tracing import MAX_CELLS, TOLERANCE, Limits, trace
from tracer.fields.checks import positive_integer

IN_FLIGHT = 64


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """What became of one of many problems.

    Attributes
    ----------
    index : int
        The problem's place among the problems, from 0.
    """

    index: int
    _result: Boundary | Exception

    @property
    def boundary(self) -> Boundary:
        """The boundary; where tracing the problem raised an exception, reading this raises it again."""
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


def trace_many(
    problems: Iterable[Sequence[Any]],
    executor: Executor | None = None,
    *,
    folder: str | os.PathLike | None = None,
    in_flight: int = IN_FLIGHT,
    tolerance: float = TOLERANCE,
    max_cells: int = MAX_CELLS,
    time_limit: float | None = None,
    progress: bool = False,
) -> Generator[Outcome, None, None]:
    """Trace the boundaries of many problems, one after another or on an executor, and give them in order.

    Parameters
    ----------
    problems : iterable
        Of ``(field, bounds)``, the arguments of `tracer.trace`, or ``(field, bounds, keywords)`` with a
        dictionary of `tolerance`, `max_cells`, `time_limit` for this problem. A generator is drawn from as
        there is room, so a hundred thousand problems need no memory. Boundaries only: a partition or a curve
        from a seed is no problem of this kind.
    executor : concurrent.futures.Executor, optional
        Where to trace: a ``ProcessPoolExecutor``, Dask's ``client.get_executor()``, any other. By default
        here, one problem after another. It is not shut down.
    folder : path, optional
        Where each boundary is written as soon as it is done, as ``.npz`` (`Boundary.load` reads it), named
        by the problem's index and a fingerprint of its field, bounds and keywords. Problems whose boundary
        is there already are not traced again, so a sweep that was killed goes on where it stopped when it
        is run again. Failures leave no file and are tried again.
    in_flight : int
        Problems being traced, or done and waiting in memory for their turn, at most. Twice the number of
        workers or more keeps them busy. Without an executor it is 1.
    tolerance, max_cells, time_limit
        As of `tracer.trace`, for the problems that do not bring their own.
    progress : bool
        Whether to say on the standard error stream how many problems are done.

    Returns
    -------
    generator of Outcome
        In the order of the problems. `Outcome.boundary` is the boundary, or raises what tracing raised:
        `Outcome.error`. One that fails does not stop the others. Work goes on while the loop asks for the
        next one; when it ends early, or is interrupted, what has not begun is cancelled.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind. On drawing: if a problem is not of the form above, its field
        cannot be pickled for another process (a `Function` of a lambda cannot), or cannot be written to the
        folder (a `Function` cannot).
    ValueError
        If an argument is out of range. On drawing: if the folder holds the boundary of another problem in
        the place of one of these. On reading: if a file of the folder is damaged.
    concurrent.futures.BrokenExecutor, concurrent.futures.CancelledError
        If the executor broke down, a worker process was killed, or someone cancelled the work. With a
        folder nothing that is done is lost.

    Notes
    -----
    Processes that each use all cores for BLAS get in each other's way. Set ``OPENBLAS_NUM_THREADS=1``
    (``MKL_NUM_THREADS=1``) in the environment before Python starts; Dask does so for its workers by itself.
    Give a pool of processes ``mp_context=multiprocessing.get_context("spawn")``: a fork of a process that has
    threads may hang.

    Examples
    --------
    All pairs of outputs on planes that turn about an axis; with ``ProcessPoolExecutor()`` as second argument
    on all cores:

    >>> from itertools import combinations
    >>> import numpy as np
    >>> import tracer
    >>> network, bounds = tracer.example("iris")
    >>> angles = np.linspace(0, np.pi / 4, 3)
    >>> planes = [tracer.Plane([4, 1], [np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]) for t in angles]
    >>> problems = (
    ...     (network.margin(i, j).restrict(plane), [(-1, 1), (-1, 1)])
    ...     for plane in planes
    ...     for i, j in combinations(range(network.n_outputs), 2)
    ... )
    >>> [len(outcome.boundary) for outcome in tracer.trace_many(problems)]
    [1, 1, 1, 1, 1, 1, 1, 1, 1]
    """
    if not isinstance(problems, Iterable):
        raise TypeError(f"problems must be an iterable of (field, bounds); got {problems!r}")
    if executor is not None and not isinstance(executor, Executor):
        raise TypeError(
            "executor must be a concurrent.futures.Executor, such as ProcessPoolExecutor(), or Dask's "
            f"client.get_executor(); got {executor!r}"
        )
    in_flight = positive_integer("in_flight", in_flight) if executor is not None else 1
    limits = Limits.of(tolerance, max_cells, time_limit)
    line = Progress(progress)
    known = len(problems) if isinstance(problems, Sized) else None
    kept = None if folder is None else Folder(folder)
    sweep = _Sweep(enumerate(problems), known, limits, executor or _Here(), kept, in_flight, line)
    return sweep.outcomes()


class _Here(Executor):
    """The executor that works at once, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class _Sweep:
    """The state of the work: which problems are pending, which outcomes wait for their turn."""

    def __init__(
        self,
        problems: Iterator[tuple[int, Any]],
        known: int | None,
        limits: Limits,
        executor: Executor,
        folder: Folder | None,
        in_flight: int,
        line: Progress,
    ) -> None:
        self._problems, self._known, self._limits = problems, known, limits
        self._executor, self._folder, self._in_flight, self._line = executor, folder, in_flight, line
        self._pending: dict[Future, Problem] = {}
        self._held: dict[int, Outcome] = {}
        self._stored: set[int] = set()
        self._turn = self._done = self._failed = 0

    def outcomes(self) -> Generator[Outcome, None, None]:
        """The outcomes in order."""
        try:
            while True:
                self._draw()
                self._collect()
                if self._ready:
                    yield self._next()
                elif not self._pending:
                    return
        finally:
            self._stop()
            self._line.done()

    @property
    def _ready(self) -> bool:
        """Whether the next outcome is there."""
        return self._turn in self._held or self._turn in self._stored

    def _next(self) -> Outcome:
        index, self._turn = self._turn, self._turn + 1
        if index in self._held:
            return self._held.pop(index)
        self._stored.remove(index)
        assert self._folder is not None
        return Outcome(index, self._folder.load(index))

    def _draw(self) -> None:
        """Begin problems as long as there is room.

        Those in the folder take none, so they are drawn no further than the next outcome.
        """
        while len(self._pending) + len(self._held) < self._in_flight:
            drawn = next(self._problems, None)
            if drawn is None or (not self._begin(*drawn) and self._ready):
                return

    def _begin(self, index: int, given: Any) -> bool:
        """Hand a problem to the executor, unless it needs no work."""
        field, bounds, keywords = checked(index, given)
        try:
            problem = Problem.of(index, field, bounds, {**self._limits._asdict(), **keywords})
        # What trace would raise.
        except (TypeError, ValueError) as error:
            self._finish(index, error)
            return False
        if self._folder is not None and self._folder.holds(problem):
            self._stored.add(index)
            self._count(failed=False)
            return False
        if isinstance(self._executor, ThreadPoolExecutor | _Here):
            future = self._executor.submit(_attempt, *problem.work)
        else:
            future = self._executor.submit(_attempt_packed, problem.packed())
        self._pending[future] = problem
        return True

    def _collect(self) -> None:
        """Take what is done; wait for something if the next outcome is not there."""
        if self._pending and not self._ready:
            wait(self._pending, return_when=FIRST_COMPLETED)
        for future in [future for future in self._pending if future.done()]:
            result, problem = _result(future), self._pending[future]
            self._save(problem, result)
            del self._pending[future]
            self._finish(problem.index, result)

    def _save(self, problem: Problem, result: Boundary | Exception) -> None:
        if self._folder is not None and isinstance(result, Boundary):
            self._folder.save(problem, result)
            if problem.index != self._turn:
                self._stored.add(problem.index)

    def _finish(self, index: int, result: Boundary | Exception) -> None:
        if isinstance(result, Exception):
            result.add_note(f"This was problem {index} of trace_many.")
        if index not in self._stored:
            self._held[index] = Outcome(index, result)
        self._count(failed=isinstance(result, Exception))

    def _count(self, failed: bool) -> None:
        self._done, self._failed = self._done + 1, self._failed + failed
        self._line.problems(self._done, self._failed, self._known)

    def _stop(self) -> None:
        """Cancel what has not begun, and keep what is done."""
        for future in self._pending:
            future.cancel()
        for future, problem in self._pending.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self._save(problem, future.result())


def _result(future: Future) -> Boundary | Exception:
    """What a future that is done gives; what concerns all of them is raised."""
    try:
        return future.result()
    except (BrokenExecutor, CancelledError):
        raise
    # The result could not be sent, or the worker was lost and this problem given up.
    except Exception as error:
        return error


def _attempt_packed(work: bytes) -> Boundary | Exception:
    """`_attempt` in another process."""
    try:
        field, bounds, keywords = pickle.loads(work)
    # The field's module is not there, for example.
    except Exception as error:
        return _portable(error)
    result = _attempt(field, bounds, keywords)
    return _portable(result) if isinstance(result, Exception) else result


def _attempt(field: Any, bounds: ArrayLike, keywords: dict[str, Any]) -> Boundary | Exception:
    try:
        return trace(field, bounds, **keywords)
    # A field of the user's may raise anything, and the other problems go on.
    except Exception as error:
        return error


def _portable(error: Exception) -> Exception:
    """The exception, with its traceback as a note; one that cannot be sent, as its text."""
    note = "".join(traceback.format_tb(error.__traceback__))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"In the worker:\n{note}")
    return error
