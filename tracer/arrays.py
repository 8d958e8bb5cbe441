"""The types of arrays, named by what they hold; tables of arrays; functions of arrays that never warn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Signs = NDArray[np.int8]
# An Array, or a sparse one: a `scipy.sparse.csr_array`.
Matrix = Any

P = ParamSpec("P")
R = TypeVar("R")

EPS = float(np.finfo(np.float64).eps)  # the distance of 1.0 to the next float64


@dataclass(frozen=True, eq=False)
class Rows:
    """A table: a dataclass whose fields are arrays of equal length, one row for each thing."""

    def __len__(self) -> int:
        return len(next(iter(vars(self).values())))

    def __getitem__(self, which: Any) -> Self:
        return type(self)(*[column[which] for column in vars(self).values()])

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """Concatenate tables, at least one."""
        return cls(**{n: np.concatenate([getattr(table, n) for table in tables]) for n in cls.__match_args__})


def quiet(function: Callable[P, R]) -> Callable[P, R]:
    """The function, in which overflow, underflow and undefined operations give inf, 0 or nan and never warn.

    The caller's own `numpy.seterr` stays as it is outside our calls. Each call has its own context: a context
    shared by threads would restore the state of another thread.
    """

    @wraps(function)
    def ignoring(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return ignoring
