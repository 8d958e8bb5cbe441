"""Chunks of cells on two cores, with the results of one.

A chunk is a few megabytes of arrays, and NumPy and BLAS release Python's lock while they compute them. Each
chunk is evaluated as it would be alone, so the bits of the results do not depend on the number of threads.
A thread starts with the control word of the thread that starts it, but nothing guarantees that: a chunk
that a helper evaluated in another arithmetic than IEEE's is evaluated again by the caller, whose own
arithmetic is checked (see `arithmetic`). So a call must return all that it finds, and write nothing.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, Generic, TypeVar

import numpy as np

from tracer.enclosures.arithmetic import flaw, proving

P = TypeVar("P")
R = TypeVar("R")

# More threads have not been measured.
MOST_THREADS = 2
# The environment variable that sets the number of threads.
VARIABLE = "TRACER_THREADS"

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def one_thread() -> Iterator[None]:
    """Evaluate all chunks in the calling thread: where other processes or threads use the other cores."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


def threads() -> int:
    """The number of threads that evaluate chunks, at most `MOST_THREADS`."""
    if _ALONE.get():
        return 1
    given = os.environ.get(VARIABLE, "")
    if given.isdecimal():
        return min(max(int(given), 1), MOST_THREADS)
    return min(_cores(), MOST_THREADS)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_cores(call: Callable[[P], R], chunks: Iterable[P]) -> list[R]:
    """The results of a call on each chunk, in their order.

    An exception of a call ends the others, and is raised.
    """
    every = list(chunks)
    number = min(threads(), len(every))
    if number < 2:
        return [call(chunk) for chunk in every]
    return _Chunks(call, every).evaluated(number - 1)


class _Chunks(Generic[P, R]):
    """Chunks that several threads take one after another."""

    def __init__(self, call: Callable[[P], R], chunks: Sequence[P]) -> None:
        self._call, self._chunks = call, chunks
        # Threads may take from a deque at the same time.
        self._waiting = deque(range(len(chunks)))
        self._results: dict[int, R] = {}
        self._errors: list[BaseException] = []

    def evaluated(self, helpers: int) -> list[R]:
        """All results, evaluated by the caller and by so many threads beside it."""
        begun = self._begun(helpers)
        try:
            with one_thread():
                self._take()
        finally:
            self._waiting.clear()
            for thread in begun:
                thread.join()
        if self._errors:
            raise self._errors[0]
        found, every = self._results, enumerate(self._chunks)
        return [found[k] if k in found else self._call(chunk) for k, chunk in every]

    def _begun(self, number: int) -> list[threading.Thread]:
        """Threads in the caller's context, fewer where the system has no more."""
        begun: list[threading.Thread] = []
        for _ in range(number):
            thread = threading.Thread(target=copy_context().run, args=(self._help, np.geterr()), daemon=True)
            try:
                thread.start()
            except RuntimeError:
                break
            begun.append(thread)
        return begun

    def _help(self, errors: Any) -> None:
        """Take chunks in a thread beside the caller's; `errors` are the caller's settings of NumPy."""
        try:
            # NumPy 1 has settings for each thread, not for each context.
            with np.errstate(**errors), one_thread(), proving():
                self._take(is_helper=True)
        # It is raised in the caller's thread.
        except BaseException as error:
            self._errors.append(error)
            self._waiting.clear()

    def _take(self, is_helper: bool = False) -> None:
        """Evaluate waiting chunks until there is none."""
        while self._waiting:
            try:
                k = self._waiting.popleft()
            except IndexError:
                return
            result = self._call(self._chunks[k])
            if is_helper and flaw() is not None:
                return
            self._results[k] = result
