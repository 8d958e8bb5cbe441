"""Modules that are no chain of layers, evaluated and differentiated by torch in batches.

The copy of a module computes in float64, or in float32 if its forward makes tensors of float32. The rows of a
batch must be independent: then one backward pass of a combination of outputs, summed over a batch, gives the
gradient of the combination in every row. Independence and gradients are checked once, at a few random points.
"""

from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.arrays import Array
from tracer.fields.callables.tensors import torch_tensor
from tracer.fields.checks import said, shown
from tracer.models.torch_modules.operators import NoChain
from tracer.models.torch_modules.ports import UnknownResult, names_of

if TYPE_CHECKING:
    import torch
    from torch import nn

# The most numbers that a forward keeps for one backward pass, and the most points in it.
NUMBERS_AT_ONCE = 2**23
MOST_POINTS = 4096
# The number of points at which a module is checked, and the step of differences, for inputs of size 1.
PROBES, STEP = 3, 1e-4
# The largest error of a gradient along a direction, relative to its length.
GRADIENT_ERROR = 1e-2
# The largest error of outputs by which a chain differs from its module, relative to 1 + their size.
DOUBLE_ERROR, SINGLE_ERROR = 1e-5, 1e-2
# The noise of float32, relative to the size of the outputs.
SINGLE_NOISE = 2e-7
# Parts of the names of functions with kinks, and parts of the names of smooth functions that contain one.
KINKS = ("relu", "hardtanh", "clamp", "clip", "abs", "hardswish", "hardsigmoid", "shrink", "threshold")
KINKS_OF_CHOICES = ("max", "min", "where", "sort", "topk", "median")
SMOOTH = ("softmax", "logsumexp")

WRAP = (
    "wrap it in a torch.nn.Module whose forward takes one tensor of points (n, …) and gives one tensor of "
    "outputs (n, …), such as self.module(x)[0] for the first of several results"
)


@dataclass(frozen=True, eq=False, repr=False)
class Evaluated:
    """A module whose outputs and gradients torch computes.

    Attributes
    ----------
    module : torch.nn.Module
    shape : tuple of int
        The shape of one point.
    dtype : torch.dtype
    n_outputs : int
    reason : str
        Why the module is no chain of layers.
    kinked, differentiable, noise, points_at_once
        As in `Outputs`.
    """

    module: "nn.Module"
    shape: tuple[int, ...]
    dtype: "torch.dtype"
    n_outputs: int
    reason: str
    kinked: bool
    differentiable: bool
    noise: float
    points_at_once: int

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return int(np.prod(self.shape))

    def __call__(self, x: Array) -> Array:
        """The outputs (k, m) at points (k, n)."""
        import torch

        if not len(x):
            return np.zeros((0, self.n_outputs))
        with torch.no_grad():
            return _rows(self.module(self._tensor(x)))

    def value_and_gradient(self, x: Array, weights: Array) -> tuple[Array, Array]:
        """The combination with some weights (m,) at points (k, n), shape (k,), and its gradient, (k, n)."""
        import torch

        if not len(x):
            return np.zeros(0), np.zeros(x.shape)
        with torch.enable_grad():
            at = self._tensor(x).requires_grad_()
            y = self.module(at).reshape(len(x), -1)
            value = y @ torch.tensor(weights, dtype=y.dtype)
            gradient = torch.autograd.grad(value.sum(), at, allow_unused=True)[0]
        found = np.zeros(x.shape) if gradient is None else _rows(gradient)
        return value.detach().double().numpy(), found

    def _tensor(self, x: Array) -> "torch.Tensor":
        return _tensor(x, self.shape, self.dtype)

    def __repr__(self) -> str:
        return name_of(self.module)


def name_of(module: "nn.Module") -> str:
    """The name of a module's class, or of the class that a script was made of."""
    return getattr(module, "original_name", None) or type(module).__name__


def _tensor(x: Array, shape: tuple[int, ...], dtype: Any) -> "torch.Tensor":
    """Points (k, n) as a batch of k points of a shape."""
    return torch_tensor(x, dtype).reshape(len(x), *shape)


def _rows(y: Any) -> Array:
    """A tensor as rows of float64."""
    return y.detach().double().reshape(len(y), -1).numpy()


def evaluated(module: "nn.Module", shape: tuple[int, ...], reason: str) -> Evaluated:
    """A module in float64 that torch evaluates.

    Raises
    ------
    ValueError
        If it does not take points of this shape, or the outputs at one point depend on other points.
    """
    name = name_of(module)
    x = np.random.default_rng(0).normal(size=(PROBES, int(np.prod(shape))))
    values, dtype = _first_values(module, shape, x, name, reason)
    size = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    noise = 0.0 if dtype.itemsize == 8 else SINGLE_NOISE * size
    if not _are_independent(module, shape, x, values, 1e-9 * size + 100 * noise, dtype):
        raise ValueError(
            f"{name} must give each point of a batch outputs of its own: {PROBES} points at once have other "
            "outputs than one after the other (is the batch its first dimension, batch_first=True? or is the "
            f"module random?). It is no chain of layers either: {reason}"
        )
    kinked, numbers = _recorded(module, shape, dtype, x[:1])
    at_once = max(1, min(MOST_POINTS, NUMBERS_AT_ONCE // max(numbers, 1)))
    found = Evaluated(module, shape, dtype, values.shape[1], reason, kinked, True, noise, at_once)
    return found if _has_gradient(found, x) else replace(found, differentiable=False)


def outputs_at(module: "nn.Module", shape: tuple[int, ...], x: Array) -> tuple[Array, float]:
    """The outputs (1, m) of a module in float64 at a point (1, n), and the error to allow, relative to them.

    A module that makes tensors of float32, which torch refuses to combine with float64, is evaluated as a
    copy in float32.

    Raises
    ------
    NoChain
        If the module raises an exception in both.
    """
    import torch

    error: Exception | None = None
    for dtype, allowed in ((torch.float64, DOUBLE_ERROR), (torch.float32, SINGLE_ERROR)):
        try:
            with torch.no_grad():
                part = module if dtype is torch.float64 else deepcopy(module).to(dtype)
                return _rows(part(_tensor(x, shape, dtype)).reshape(1, -1)), allowed
        # A user's module may raise anything.
        except Exception as raised:
            error = error or raised
    raise NoChain(f"it raises {type(error).__name__}: {said(error)}") from error


def _first_values(
    module: "nn.Module", shape: tuple[int, ...], x: Array, name: str, reason: str
) -> tuple[Array, Any]:
    """The outputs (k, m) at points (k, n), and the type of numbers in which the module computes them."""
    import torch

    error: Exception | None = None
    for dtype in (torch.float64, torch.float32):
        try:
            with torch.no_grad():
                result = module.to(dtype)(_tensor(x, shape, dtype))
        except UnknownResult:
            raise
        # A user's module may raise anything; the first exception is the cause of the error below.
        except Exception as raised:
            error = error or raised
            continue
        if isinstance(result, torch.Tensor) and len(result.shape) and len(result) == len(x):
            return _rows(result), dtype
        if (names := names_of(result)) is not None:
            raise ValueError(
                f"output must be one of {', '.join(map(repr, names))}, as {name} gives several results: pass "
                "tracer.as_network(module, output=…)"
            )
        what = f"shape {tuple(result.shape)}" if isinstance(result, torch.Tensor) else shown(result)
        raise ValueError(
            f"{name} must give a tensor with outputs for each point; {len(x)} points of shape {shape} give "
            f"{what}: {WRAP}. It is no chain of layers either: {reason}"
        )
    assert error is not None
    raise ValueError(
        f"{name} cannot be evaluated at points of shape {shape}: it raises {type(error).__name__}: "
        f"{said(error)}. Pass shape=, the shape of one point, or those of several inputs, ((3,), (2,)); or "
        f"{WRAP}. It is no chain of layers either: {reason}"
    ) from error


def _are_independent(
    module: "nn.Module", shape: tuple[int, ...], x: Array, values: Array, allowed: float, dtype: Any
) -> bool:
    """Whether a module gives the `values` also if it is called with one of the points (k, n) at a time."""
    from torch import no_grad

    try:
        with no_grad():
            alone = np.concatenate([_rows(module(_tensor(row[None], shape, dtype))) for row in x])
    # A normalisation of a batch refuses a single point.
    except Exception:
        return False
    return alone.shape == values.shape and np.allclose(values, alone, rtol=0, atol=allowed, equal_nan=True)


def _recorded(module: "nn.Module", shape: tuple[int, ...], dtype: Any, x: Array) -> tuple[bool, int]:
    """Whether a module calls functions with kinks at a point (1, n), and the count of numbers it computes."""
    from torch import Tensor, set_grad_enabled
    from torch.utils._python_dispatch import TorchDispatchMode

    names, numbers = set[str](), [0]

    class Record(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            names.add(func.overloadpacket.__name__)
            numbers[0] += sum(y.numel() for y in _tensors(found) if isinstance(y, Tensor))
            return found

    # Without gradients torch fuses some functions, so that fewer numbers would be counted.
    for gradient in (True, False):
        with suppress(Exception), set_grad_enabled(gradient), Record():
            module(_tensor(x, shape, dtype).requires_grad_(gradient))
            break
    return any(map(_has_kinks, names)), numbers[0]


def _tensors(found: Any) -> Iterator[Any]:
    yield from found if isinstance(found, tuple | list) else (found,)


def _has_kinks(name: str) -> bool:
    if any(part in name for part in SMOOTH):
        return False
    parts = name.replace("_", " ").split()
    return any(part in name for part in KINKS) or any(p.startswith(KINKS_OF_CHOICES) for p in parts)


def _has_gradient(found: Evaluated, x: Array) -> bool:
    """Whether torch's gradient agrees with differences of the values, at points (k, n)."""
    rng = np.random.default_rng(1)
    weights, along = rng.normal(size=found.n_outputs), rng.normal(size=x.shape)
    step = STEP if not found.noise else STEP ** (1 / 2)
    try:
        _, gradient = found.value_and_gradient(x, weights)
    # torch raises exceptions of many types where it cannot differentiate.
    except Exception:
        return False
    ahead, behind = (found(x + sign * step * along) @ weights for sign in (1, -1))
    slope, given = (ahead - behind) / (2 * step), (gradient * along).sum(axis=1)
    size = np.linalg.norm(gradient, axis=1) * np.linalg.norm(along, axis=1) / np.sqrt(x.shape[1])
    noise = found.noise * np.abs(weights).sum() / step
    wrong = ~(np.abs(slope - given) <= GRADIENT_ERROR * (size + np.abs(given)) + 10 * noise + 1e-9)
    return bool(2 * np.count_nonzero(wrong) <= len(x))


# The reason ------------------------------------------------------------------------------------------

# The cures for operations that prevent a proof, by parts of their names.
CURES = (
    (
        {"attention", "matrices", "lstm", "gru", "rnn"},
        "products of tensors that depend on the input have no proof",
    ),
    (
        {"norm"},
        "it divides by the deviation at the point; torch.nn.BatchNorm1d, with fixed statistics, has a proof",
    ),
    (
        {"sin", "cos", "tan", "sinh", "cosh", "asinh", "exp", "log", "sqrt", "erf", "atan"},
        "of two inputs, written with NumPy as a tracer.Function of (x1, x2), it has a proof",
    ),
)
UNKNOWN = "is no layer of a chain"


def reason_of(error: NoChain, shape: tuple[int, ...], where: str) -> str:
    """Why a module is no chain of layers: the error, the part of the module where it occurs, and a cure."""
    reason = f"{error}, in {where}"
    operation = set(str(error).partition(" ")[0].split("_"))
    for names, cure in CURES:
        if operation & names:
            return f"{reason}: {cure}"
    if not str(error).endswith(UNKNOWN):
        return reason
    point = ", ".join(map(str, (1, *shape)))
    return (
        f"{reason}: if ONNX has that operation, torch.onnx.export(module, (torch.zeros({point}),), "
        "'net.onnx'), and tracer.load('net.onnx') may have a proof"
    )
