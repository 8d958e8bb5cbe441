"""A module's forward, run on tensors that are lowered.

torch passes every function of an object with `__torch_function__` to that object [1]_: so the forward of a
module runs unchanged, control flow on shapes included, and every operation is lowered when it is called. An
operation that depends on values, such as a branch or a conversion to NumPy, is in no table: it makes the
module no chain of layers.

Operations in place change the tensor that they are called on. Views share its numbers: views from before such
a change are stale, and using one is refused.

References
----------
.. [1] torch, "Extending PyTorch: extending torch Python API", https://pytorch.org/docs/stable/notes/extending.html.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import numpy as np

from tracer.models.lowering.tensor import Tensor, stacked
from tracer.models.torch_modules.operators import CONVERSIONS, JOINS, MOVES, TABLE, Extremes, NoChain

# Methods of a tensor that depend only on its shape.
SHAPES: dict[str, Callable[..., Any]] = {
    "size": lambda shape, dim=None: shape if dim is None else shape[dim],
    "dim": len,
    "ndimension": len,
    "numel": lambda shape: int(np.prod(shape)),
    "is_floating_point": lambda shape: True,
}
# Attributes that depend on the kind of a tensor, with their values for a dense tensor of floats.
KINDS = dict.fromkeys(
    ("is_cuda", "is_sparse", "is_quantized", "is_nested", "is_meta", "is_mkldnn", "requires_grad"),
    False,
)
OPERATORS = {
    "__add__": "add",
    "__radd__": "add",
    "__iadd__": "add_",
    "__sub__": "sub",
    "__rsub__": "rsub",
    "__isub__": "sub_",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__imul__": "mul_",
    "__truediv__": "div",
    "__rtruediv__": "rdiv",
    "__itruediv__": "div_",
    "__matmul__": "matmul",
    "__rmatmul__": "rmatmul",
    "__pow__": "pow",
    "__neg__": "neg",
    "__abs__": "abs",
    "__getitem__": "__getitem__",
}


# Special methods to refuse: for an object without them, Python would use defaults of its own.
VALUES = ("bool", "float", "int", "index", "array", "setitem")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "contains")
UNKNOWN = ("rpow", "floordiv", "mod")


class Storage:
    """The numbers that a tensor and its views share; `changes` counts the changes in place."""

    def __init__(self) -> None:
        self.changes = 0


class Traced:
    """A stand-in for a tensor of torch while a forward runs, whose `value` is the lowered tensor."""

    def __init__(self, value: Tensor | None, storage: Storage | None = None) -> None:
        self._value, self._storage = value, Storage() if storage is None else storage
        self._seen = self._storage.changes

    @property
    def value(self) -> Tensor:
        """The lowered tensor."""
        if self._seen != self._storage.changes:
            raise NoChain("a view is used after the tensor whose numbers it shares was changed in place")
        if self._value is None:
            raise NoChain("a result that is no layer of a chain is used, such as the indices of a maximum")
        return self._value

    def view_of(self, value: Tensor) -> "Traced":
        """A view with another value."""
        return Traced(value, self._storage)

    def become(self, value: Tensor) -> "Traced":
        """The tensor after a change in place."""
        self._storage.changes += 1
        self._value, self._seen = value, self._storage.changes
        return self

    @property
    def shape(self) -> Any:
        """The shape, as torch has it."""
        import torch

        return torch.Size(self.value.shape)

    @property
    def dtype(self) -> Any:
        """The type of the numbers."""
        import torch

        return torch.float64

    @property
    def device(self) -> Any:
        """The device of the numbers."""
        import torch

        return torch.device("cpu")

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", str(function))
        return called(OPERATORS.get(name, name), function, *args, **(kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        import torch

        if name in SHAPES:
            return partial(SHAPES[name], self.shape)
        if name in KINDS:
            return KINDS[name]
        if name == "ndim":
            return len(self.shape)
        if name == "T" and len(self.shape) != 2:
            return called("permute", torch.permute, self, tuple(reversed(range(len(self.shape)))))
        if name in ("T", "mT"):
            return called("transpose", torch.transpose, self, -1, -2)
        method = getattr(torch.Tensor, name, None)
        if name.startswith("__") or method is None:
            raise AttributeError(name)
        if not callable(method):
            raise NoChain(f"{name} of a tensor is used")
        return partial(called, name, method, self)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator["Traced"]:
        return iter(self.unbind())


def _refused(name: str) -> Callable[..., Any]:
    def refused(self: Traced, *args: Any) -> Any:
        raise NoChain(f"{name} of values that depend on the input is no layer of a chain")

    return refused


for _dunder in (*VALUES, *COMPARISONS, *UNKNOWN):
    setattr(Traced, f"__{_dunder}__", _refused(_dunder))


def _operator(name: str) -> Callable[..., Any]:
    def operator(self: Traced, *args: Any) -> Any:
        import torch

        return called(name, getattr(torch.Tensor, name, None), self, *args)

    return operator


for _dunder, _name in OPERATORS.items():
    setattr(Traced, _dunder, _operator(_name))


def called(name: str, function: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of a function of torch on lowered tensors.

    Raises
    ------
    NoChain
        If the function is no layer of a chain.
    """
    in_place = bool(kwargs.pop("inplace", False)) or (name.endswith("_") and not name.endswith("__"))
    name = name.rstrip("_") if in_place else name
    if name in JOINS:
        return Traced(_joined(args[0], partial(function, **kwargs), args[1:]))
    first = next(x for x in (*args, *kwargs.values()) if isinstance(x, Traced))
    if in_place and (not args or first is not args[0]):
        raise NoChain(f"{name} changes a constant")
    if name in CONVERSIONS:
        return first.view_of(_converted(first.value, partial(function, **kwargs), args[1:]))
    if name in MOVES:
        found, wrap = _moved(first.value, partial(function, **kwargs), args[1:]), first.view_of
    elif name in TABLE:
        found = TABLE[name](*map(_lowered, args), **{key: _lowered(x) for key, x in kwargs.items()})
        wrap = Traced
    else:
        raise NoChain(f"{name} is no layer of a chain")
    if in_place:
        return first.become(cast(Tensor, found))
    if isinstance(found, tuple):
        parts = tuple(map(wrap, found))
        return Extremes(*parts) if isinstance(found, Extremes) else parts
    return first if found is first.value else wrap(found)


def _moved(x: Tensor, move: Callable[..., Any], args: tuple) -> Tensor | tuple[Tensor, ...]:
    """The tensor, or several tensors, with entries moved as torch moves their indices."""
    import torch

    found = move(torch.from_numpy(x.places), *map(_of_shape, args))
    if any(isinstance(part, torch.dtype) for part in (*args, *getattr(move, "keywords", {}).values())):
        raise NoChain("the bits of numbers are viewed as another type")
    if isinstance(found, tuple | list):
        return tuple(x.at(part.numpy()) for part in found)
    return x.at(found.numpy())


def _converted(x: Tensor, convert: Callable[..., Any], args: tuple) -> Tensor:
    """The same tensor for a conversion to a type whose rounding is small."""
    import torch

    found = convert(torch.zeros((), dtype=torch.float64), *map(_of_shape, args))
    if found.dtype not in (torch.float32, torch.float64):
        raise NoChain(f"values are converted to {found.dtype}")
    return x


def _of_shape(x: Any) -> Any:
    """An argument; for a stand-in, an uninitialised tensor of torch of its shape."""
    import torch

    return torch.empty(x.shape, dtype=torch.float64) if isinstance(x, Traced) else x


def _joined(tensors: Any, join: Callable[..., Any], args: tuple) -> Tensor:
    """Several tensors joined as torch joins their indices."""
    import torch

    parts = [x.value if isinstance(x, Traced) else x.detach().double() for x in tensors]

    def joined(places: list[Any]) -> Any:
        # Entries of constants have the place −1, so that they are 0 until the constants are added.
        some = iter(places)
        given = [torch.from_numpy(next(some)) if isinstance(x, Tensor) else 0 * x.long() - 1 for x in parts]
        return join(given, *args).numpy()

    y = stacked([x for x in parts if isinstance(x, Tensor)], joined)
    if all(isinstance(x, Tensor) for x in parts):
        return y
    zeros = [torch.zeros(x.shape, dtype=torch.float64) if isinstance(x, Tensor) else x for x in parts]
    return y.plus(join(zeros, *args).numpy())


def _lowered(x: Any) -> Any:
    """An argument with the lowered tensor for a stand-in, or the array for a tensor of torch."""
    import torch

    if isinstance(x, Traced):
        return x.value
    if isinstance(x, torch.Tensor):
        return x.detach().double().numpy()
    return x
