"""Callables written with torch or jax: arrays in, tensors out, and gradients by their own differentiation.

Neither library is imported: a callable that returns tensors, or takes them, has imported it. It is called
with arrays if it takes them, else with tensors of float64, else of float32. As the points are independent,
its gradients are those of the sum of its values. It has none if the framework cannot differentiate it, as
where it leaves the framework on the way.

jax rounds arrays to float32 unless it is told otherwise, and compiles for every shape. So it is told, for the
call only, and arrays are extended to few lengths: to powers of 2, by copies of the last point.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from tracer.arrays import Array


def framework_of(result: Any) -> str | None:
    """The name of the framework that a result is a tensor of."""
    top = type(result).__module__.partition(".")[0]
    name = "jax" if top == "jaxlib" else top
    return name if name in ("torch", "jax") and name in sys.modules else None


def as_array(result: Any) -> Any:
    """A tensor as an array of float64; anything else as it is."""
    if framework_of(result) == "torch":
        return result.detach().cpu().double().numpy()
    return np.asarray(result, dtype=np.float64) if framework_of(result) == "jax" else result


def as_torch_takes_it(f: Callable[..., Any], x1: Array, x2: Array) -> str | None:
    """The type of torch's tensors that f takes, "float64" or "float32"; None if it takes none."""
    for kind in ("float64", "float32"):
        try:
            result = f(*_torch_tensors(x1, x2, kind))
        except Exception:  # whatever it is, the error that counts is the one on arrays
            continue
        if framework_of(result) == "torch":
            return kind
    return None


def call_with_tensors(f: Callable[..., Any], x1: Array, x2: Array, kind: str) -> Any:
    """The values of a callable that takes torch's tensors."""
    with sys.modules["torch"].no_grad():
        return as_array(f(*_torch_tensors(x1, x2, kind)))


def call_with_jax(f: Callable[..., Any], x1: Array, x2: Array) -> Any:
    """The values of a callable whose results are jax's arrays."""
    with _in_double_precision():
        result = as_array(f(_extended(x1), _extended(x2)))
    return result[: len(x1)] if np.ndim(result) else result


def _extended(x: Array) -> Array:
    more = (1 << max(3, (len(x) - 1).bit_length())) - len(x)
    return np.append(x, np.repeat(x[-1:], more))


def _in_double_precision() -> AbstractContextManager[Any]:
    # In versions before 0.8 it is one of the experimental functions.
    modules: list[Any] = [sys.modules["jax"], sys.modules.get("jax.experimental")]
    for module in modules:
        if hasattr(module, "enable_x64"):
            return module.enable_x64(True)
    return nullcontext()


def gradient(f: Callable[..., Any], framework: str, x1: Array, x2: Array) -> Array | None:
    """The gradients (n, 2) by a framework; None if it cannot differentiate f."""
    found = _by_torch(f, x1, x2) if framework == "torch" else _by_jax(f, x1, x2)
    return None if found is None or found.shape != (len(x1), 2) else found


def _by_torch(f: Callable[..., Any], x1: Array, x2: Array) -> Array | None:
    torch: Any = sys.modules["torch"]
    for kind in ("float64", "float32"):
        tensors = [t.requires_grad_(True) for t in _torch_tensors(x1, x2, kind)]
        try:
            total = f(*tensors).sum()
            partials = torch.autograd.grad(total, tensors, allow_unused=True)
        except Exception:  # differences call f again, and raise what is the user's own
            continue
        if any(partial is not None for partial in partials):
            zero = np.zeros(len(x1))
            return np.stack([zero if p is None else as_array(p) for p in partials], axis=-1)
    return None


def _by_jax(f: Callable[..., Any], x1: Array, x2: Array) -> Array | None:
    jax: Any = sys.modules["jax"]
    try:
        with _in_double_precision():
            slopes = jax.grad(lambda a, b: f(a, b).sum(), (0, 1))(_extended(x1), _extended(x2))
            return np.stack([as_array(p)[: len(x1)] for p in slopes], axis=-1)
    except Exception:  # as above
        return None


def _torch_tensors(x1: Array, x2: Array, kind: str) -> tuple[Any, Any]:
    torch: Any = sys.modules["torch"]
    dtype = getattr(torch, kind)
    return torch.tensor(x1, dtype=dtype), torch.tensor(x2, dtype=dtype)
