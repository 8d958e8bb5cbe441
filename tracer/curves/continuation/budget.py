"""What following a curve may cost."""

import time
from dataclasses import dataclass


@dataclass
class Budget:
    """What a curve may cost: steps, and a moment on the clock."""

    steps: int
    deadline: float = float("inf")

    @property
    def spent(self) -> bool:
        """Whether either is used up."""
        return self.steps <= 0 or time.perf_counter() >= self.deadline
