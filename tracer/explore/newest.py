"""Work in a thread, where only the newest request matters.

While a visitor drags a weight, requests come faster than answers. The request in work is finished; of the
requests that arrive meanwhile, all but the last are dropped, so that the page is never more than one answer
behind. The thread ends when no request waits, and with the process.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Newest(Generic[Q, A]):
    """Answer the newest question.

    Parameters
    ----------
    work : callable
        Returns the answer to a question; called in the thread.
    deliver : callable
        Takes an answer; called in the thread, in the order of the questions.
    """

    def __init__(self, work: Callable[[Q], A], deliver: Callable[[A], None]) -> None:
        self._work, self._deliver = work, deliver
        self._lock = threading.Lock()
        self._waiting: list[Q] = []
        self._busy = False

    def ask(self, question: Q) -> None:
        """Request an answer; returns at once."""
        with self._lock:
            self._waiting = [question]
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._answer_all, daemon=True).start()

    def close(self) -> None:
        """Drop the waiting question; the thread ends after the question in work."""
        with self._lock:
            self._waiting = []

    def _answer_all(self) -> None:
        try:
            while (question := self._taken()) is not None:
                self._deliver(self._work(question))
        except BaseException:  # the next question is answered all the same
            with self._lock:
                self._busy = False
            raise

    def _taken(self) -> Q | None:
        with self._lock:
            question = self._waiting.pop() if self._waiting else None
            self._busy = question is not None
            return question
