"""The budget for following a curve."""

import time
from dataclasses import dataclass


@dataclass
class Budget:
    """The budget of a curve: a number of steps, and a deadline of `time.perf_counter`."""

    steps: int
    deadline: float = float("inf")

    @property
    def spent(self) -> bool:
        """Whether either is spent."""
        return self.steps <= 0 or time.perf_counter() >= self.deadline
