"""Execution of many problems: drawn lazily, finished in any order, yielded in order.

At most `in_flight` of the drawn problems are pending on the executor, or finished and waiting in memory for
their turn. With a folder, a boundary is written as soon as it is finished: a boundary that is finished before
its turn waits in the folder, not in memory, so that one long problem does not delay the others.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.sweeps.folder import Folder
from tracer.boundaries.sweeps.outcome import Outcome, attempt, attempt_beside_others, attempt_packed
from tracer.boundaries.sweeps.pools import Pool
from tracer.boundaries.sweeps.problem import Problem, checked
from tracer.boundaries.work import Limits, Progress


class SerialExecutor(Executor):
    """An executor that runs each call at once, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Run a call, and return its finished future."""
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Sweep:
    """The state of the work: the problems that are pending, and the outcomes that wait for their turn."""

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
        self._pool = Pool(executor) if isinstance(executor, ProcessPoolExecutor) else None
        self._pending: dict[Future, Problem] = {}
        # Outcomes that wait in memory, and numbers of problems whose boundaries wait in the folder.
        self._waiting: dict[int, Outcome] = {}
        self._stored: set[int] = set()
        self._turn = self._done = self._failed = 0

    def outcomes(self) -> Generator[Outcome, None, None]:
        """Yield the outcomes in order."""
        interrupted = False
        with self._line:
            try:
                while True:
                    self._draw()
                    self._collect()
                    if self._ready:
                        yield self._next()
                    elif not self._pending:
                        return
            except KeyboardInterrupt:
                interrupted = True
                raise
            finally:
                self._stop(interrupted)

    @property
    def _ready(self) -> bool:
        """Whether the next outcome is available."""
        return self._turn in self._waiting or self._turn in self._stored

    def _next(self) -> Outcome:
        index, self._turn = self._turn, self._turn + 1
        if index in self._waiting:
            return self._waiting.pop(index)
        self._stored.remove(index)
        assert self._folder is not None
        return Outcome(index, self._folder.load(index))

    def _draw(self) -> None:
        """Start problems until `in_flight` of them are pending or waiting.

        Problems whose boundary is in the folder do not count, so drawing stops once the next outcome is
        available.
        """
        while len(self._pending) + len(self._waiting) < self._in_flight:
            drawn = next(self._problems, None)
            if drawn is None or (not self._begin(*drawn) and self._ready):
                return

    def _begin(self, index: int, given: Any) -> bool:
        """Submit a problem to the executor, unless it is invalid or stored; whether it was submitted."""
        field, bounds, keywords = checked(index, given)
        try:
            problem = Problem.of(index, field, bounds, {**self._limits._asdict(), **keywords})
        # The exceptions that `trace` would raise.
        except (TypeError, ValueError) as error:
            self._finish(index, error)
            return False
        try:
            future = None if self._is_stored(problem) else self._submitted(problem)
        # A field that cannot be written to a folder, or sent to another process.
        except TypeError as error:
            self._finish(index, error)
            return False
        if future is None:
            self._stored.add(index)
            self._count(failed=False)
            return False
        self._pending[future] = problem
        return True

    def _is_stored(self, problem: Problem) -> bool:
        """Whether the boundary of a problem is in the folder."""
        return self._folder is not None and self._folder.contains(problem)

    def _submitted(self, problem: Problem) -> Future:
        """The future of a problem's boundary."""
        if isinstance(self._executor, SerialExecutor):
            return self._executor.submit(attempt, *problem.work)
        if isinstance(self._executor, ThreadPoolExecutor):
            return self._executor.submit(attempt_beside_others, *problem.work)
        work = problem.packed()
        if self._pool is None:
            return self._executor.submit(attempt_packed, work)
        return self._pool.submit(attempt_packed, work, problem.limits.time_limit)

    def _collect(self) -> None:
        """Collect finished problems; wait for one if the next outcome is not available."""
        if self._pending and not self._ready:
            if self._pool is None:
                wait(self._pending, return_when=FIRST_COMPLETED)
            else:
                self._pool.step()
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
            self._waiting[index] = Outcome(index, result)
        self._count(failed=isinstance(result, Exception))

    def _count(self, failed: bool) -> None:
        self._done, self._failed = self._done + 1, self._failed + failed
        self._line.problems(self._done, self._failed, self._known)

    def _stop(self, interrupted: bool) -> None:
        """Cancel problems that have not started, and save finished boundaries; an interrupt ends workers."""
        if self._pool is not None:
            self._pool.stop(interrupted)
        for future in self._pending:
            future.cancel()
        for future, problem in self._pending.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self._save(problem, future.result())


def _result(future: Future) -> Boundary | Exception:
    """The result of a finished future; exceptions that concern all futures are raised."""
    try:
        return future.result()
    # A problem that ended its worker; the pool itself goes on.
    except BrokenProcessPool as error:
        return error
    except (BrokenExecutor, CancelledError):
        raise
    # The result could not be pickled, or the worker was lost and this problem abandoned.
    except Exception as error:
        return error
