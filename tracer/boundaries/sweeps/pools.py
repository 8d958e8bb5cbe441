"""Problems on a pool of processes, some of which end their process, or never end.

A worker that ends breaks the whole pool, which does not report the problem that ended it. Workers take
problems in order, so it is among the first unfinished problems: as many as there are workers, and one that
waits in the pipe. These are tried once more, each alone; a problem that ends its process again is reported,
and all others go on in a new pool. A problem that takes much longer than its time limit hangs in its field,
where no clock is read: its pool is killed, and then treated as broken.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

# A problem hangs after TIMES its time limit, and SECONDS for the start of a worker.
TIMES, SECONDS = 2.0, 30.0


@dataclass(eq=False)
class Task:
    """A call, the future of its result, its time limit, and the `end`, the time after which it hangs."""

    call: tuple[Callable[..., Any], bytes]
    future: Future
    limit: float
    end: float = math.inf

    def start_clock(self) -> None:
        """Set the end of the call, unless it is set."""
        if self.end == math.inf:
            self.end = time.monotonic() + TIMES * self.limit + SECONDS

    def finish(self, done: Future) -> None:
        """Set the future to the result, or the exception, of a finished call."""
        error = done.exception()
        if error is None:
            self.future.set_result(done.result())
        else:
            self.future.set_exception(error)


class Pool:
    """A pool of processes that is replaced by a new one when it breaks."""

    def __init__(self, given: ProcessPoolExecutor) -> None:
        self._given = self._pool = given
        # typeshed does not declare the private attributes of a pool.
        untyped: Any = given
        self._workers: int = untyped._max_workers
        # The tasks by the pool's futures, in the order of submission.
        self._tasks: dict[Future, Task] = {}
        self._any_done = False

    def submit(self, function: Callable[..., Any], work: bytes, limit: float) -> Future:
        """The future of a call whose time limit is `limit` seconds."""
        task = Task((function, work), Future(), limit)
        self._start(task)
        return task.future

    def _start(self, task: Task) -> None:
        try:
            future = self._pool.submit(*task.call)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        self._tasks[future] = task

    def step(self) -> None:
        """Wait until some calls are finished; end the pool if one hangs, and replace it if it has broken."""
        first = list(self._tasks.values())[: self._workers]
        for task in first:
            task.start_clock()
        # Cancelled calls count as finished.
        done, _ = wait(self._tasks, _seconds_to(first), FIRST_COMPLETED)
        if not done:
            _kill(self._pool)
        broken = not done or any(_is_broken(future) for future in done)
        self._pass_on()
        if broken:
            self._recover()

    def _pass_on(self) -> None:
        """Pass the results of finished calls on."""
        for future in [future for future in self._tasks if future.done() and not _is_broken(future)]:
            task = self._tasks.pop(future)
            if not future.cancelled():
                task.finish(future)
                self._any_done = True

    def _recover(self) -> None:
        """Replace a broken pool, and try the calls that may have broken it once more, each alone."""
        wait(self._tasks)
        self._pass_on()
        tasks, self._tasks = list(self._tasks.values()), {}
        self._close()
        self._pool = _like(self._given, self._workers)
        alone, others = tasks[: self._workers + 1], tasks[self._workers + 1 :]
        for task in others:
            task.end = math.inf
            self._start(task)
        lost = [task for task in alone if not self._succeeds_alone(task)]
        if len(lost) == len(alone) > 1 and not self._any_done:
            raise BrokenProcessPool("the worker processes of the executor end whatever they are given")

    def _succeeds_alone(self, task: Task) -> bool:
        """Try a call once more, alone; whether its process survives."""
        pool, task.end = _like(self._given, 1), math.inf
        try:
            future = pool.submit(*task.call)
            task.start_clock()
            wait([future], _seconds_to([task]))
            hangs = not future.done()
            if hangs:
                _kill(pool)
            if hangs or _is_broken(future):
                task.future.set_exception(_loss(task, hangs))
                return False
            task.finish(future)
            self._any_done = True
            return True
        except KeyboardInterrupt:
            _kill(pool)
            raise
        finally:
            pool.shutdown()

    def _close(self) -> None:
        if self._pool is not self._given:
            self._pool.shutdown(cancel_futures=True)

    def stop(self, at_once: bool) -> None:
        """Cancel calls that have not begun; `at_once` ends calls that have begun, too."""
        self._pass_on()
        for future in self._tasks:
            future.cancel()
        if at_once:
            _kill(self._pool)
        self._close()


def _seconds_to(tasks: list[Task]) -> float | None:
    """The seconds until the first of some tasks hangs; None without a time limit."""
    end = min((task.end for task in tasks), default=math.inf)
    return None if end == math.inf else max(0.0, end - time.monotonic())


def _is_broken(future: Future) -> bool:
    return future.done() and not future.cancelled() and isinstance(future.exception(), BrokenProcessPool)


def _loss(task: Task, hangs: bool) -> Exception:
    """The error of a problem that ended its worker twice, or hung."""
    if hangs:
        return TimeoutError(
            f"it took more than {TIMES * task.limit + SECONDS:g} s with a time limit of {task.limit:g} s, "
            "twice, and its process was ended: its field does not return"
        )
    return BrokenProcessPool(
        "it ended its worker process, twice, the second time alone: its field crashes, or takes too much "
        "memory"
    )


def _kill(pool: ProcessPoolExecutor) -> None:
    """Kill the processes of a pool."""
    for process in list((pool._processes or {}).values()):
        process.kill()


def _like(pool: ProcessPoolExecutor, workers: int) -> ProcessPoolExecutor:
    """A new pool that starts its processes like another pool."""
    untyped: Any = pool
    return ProcessPoolExecutor(
        workers,
        untyped._mp_context,
        untyped._initializer,
        untyped._initargs,
        max_tasks_per_child=untyped._max_tasks_per_child,
    )
