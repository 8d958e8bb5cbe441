"""The types of arrays, named by what they hold; and tables of arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Signs = NDArray[np.int8]

EPS = float(np.finfo(np.float64).eps)  # the distance of 1.0 to the next float64


@dataclass(frozen=True, eq=False)
class Rows:
    """A table: a dataclass whose fields are arrays of equal length, one row for each thing."""

    def __len__(self) -> int:
        return len(getattr(self, self.__match_args__[0]))

    def __getitem__(self, which: Any) -> Self:
        return type(self)(*[column[which] for column in vars(self).values()])

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """Concatenate tables, at least one."""
        return cls(**{n: np.concatenate([getattr(table, n) for table in tables]) for n in cls.__match_args__})
