"""Modules with several inputs or results, as modules of one tensor that give one tensor.

A point of the new module consists of the points of all inputs, one after another: its forward splits a point
into parts of the given shapes, and chooses one of several results, a tuple or a mapping, by its number or
name. This forward is lowered, or evaluated, like that of any module.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tracer.fields.checks import shown

if TYPE_CHECKING:
    from torch import nn

# The number or the name of a result of a module; None where there is one result.
Choice = int | str | None


class UnknownResult(ValueError):
    """A module has no result of the chosen number or name."""


def of_one_tensor(module: "nn.Module", shapes: Sequence[tuple[int, ...]], output: Choice) -> "nn.Module":
    """The module with one input, the points of all inputs one after another, and one result.

    Parameters
    ----------
    module : torch.nn.Module
    shapes : sequence of tuple of int
        The shape of a point of each input.
    output : int, str or None
        The number or name of the result; None if the module has one result.
    """
    from torch import nn

    sizes = list(map(math.prod, shapes))

    class Ports(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def __reduce__(self) -> tuple:
            # pickle cannot find a class inside a function by its name.
            return of_one_tensor, (self.module, shapes, output)

        def forward(self, x: Any) -> Any:
            parts = [
                part.reshape(len(x), *shape) for part, shape in zip(x.split(sizes, 1), shapes, strict=True)
            ]
            return _chosen(self.module(*parts), output)

    Ports.__name__ = type(module).__name__
    return Ports()


def _chosen(results: Any, output: Choice) -> Any:
    """One of several results, by its number or name."""
    if output is None:
        return results
    names = names_of(results)
    if names is None:
        raise UnknownResult(f"output must be left out, as there is one result; got {shown(output)}")
    if output not in names:
        raise UnknownResult(f"output must be one of {', '.join(map(repr, names))}; got {shown(output)}")
    return results[output]


def names_of(results: Any) -> list[int | str] | None:
    """The numbers or names of several results; None for a single one."""
    if isinstance(results, Mapping):
        return list(results)
    return list(range(len(results))) if isinstance(results, tuple | list) else None
