"""A field that counts what it is asked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.fields.field import Field

Array = NDArray[np.float64]


@dataclass
class Counted:
    """`field`, and the number of points it has been evaluated at."""

    field: Field
    evaluations: int = 0

    def __getattr__(self, name: str) -> Any:
        """Whatever else the field has: its bounds on cells, its plane."""
        if name == "field":  # while it is being copied there is none yet
            raise AttributeError(name)
        return getattr(self.field, name)

    def value(self, x: ArrayLike) -> Array:
        """F at points (..., 2)."""
        self.evaluations += np.size(x) // 2
        return self.field.value(x)

    def value_and_gradient(self, x: ArrayLike) -> tuple[Array, Array]:
        """F and ∇F at points (..., 2)."""
        self.evaluations += np.size(x) // 2
        return self.field.value_and_gradient(x)
