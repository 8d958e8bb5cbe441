"""A progress line on the standard error stream, shown once the work has taken a second.

Carriage returns work in terminals and in notebooks alike; nothing is printed unless requested.
"""

import sys
import time

QUIET_SECONDS = 1.0
BETWEEN_SECONDS = 0.2


class Progress:
    """The progress line; nothing is printed unless it is `wanted`."""

    def __init__(self, wanted: bool) -> None:
        self._next = time.perf_counter() + QUIET_SECONDS if wanted else float("inf")
        self._width = 0

    def paving(self, cells: int, share: float) -> None:
        """Show the number of cells processed, and the share of the box's area that is decided."""
        self._say(f"{cells} cells, {100 * share:.2f} % of the box decided")

    def arcs(self, crossings: int, arcs: int) -> None:
        """Show the numbers of crossings found and of arcs between them."""
        self._say(f"{crossings} crossings, {arcs} arcs")

    def curves(self, curves: int) -> None:
        """Show the number of curves followed one by one."""
        self._say(f"{curves} curve{'s' * (curves != 1)} followed")

    def problems(self, done: int, failed: int, known: int | None) -> None:
        """Show the numbers of finished and of failed problems, and of all problems if it is `known`."""
        of = f"{done}" if known is None else f"{done} of {known}"
        self._say(f"{of} problems{f', {failed} failed' * (failed > 0)}")

    def done(self) -> None:
        """Clear the line."""
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)

    def _say(self, text: str) -> None:
        now = time.perf_counter()
        if now < self._next:
            return
        text = f"tracer: {text}"
        print(f"\r{text:{self._width}}", end="", file=sys.stderr, flush=True)
        self._next, self._width = now + BETWEEN_SECONDS, max(self._width, len(text))
