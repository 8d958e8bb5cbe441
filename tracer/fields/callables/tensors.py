"""Callables written with torch or jax: values as arrays, and gradients by automatic differentiation.

Neither framework is imported: a callable that returns tensors, or takes them, has imported it. A callable is
called with arrays if it takes arrays, else with tensors of float64, else with tensors of float32. As the
points are independent, the gradient of the sum of all values has the gradient at each point. There is no
gradient if the framework cannot differentiate the callable, as where the callable leaves the framework.

By default jax rounds arrays to float32, and it compiles a function for every shape. So float64 is enabled
during each call, and arrays are extended to few lengths: to powers of 2, by copies of the last point.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from tracer.arrays import Array


def framework_of(result: Any) -> str | None:
    """The name of the framework whose tensor a result is; None for any other result."""
    top = type(result).__module__.partition(".")[0]
    name = "jax" if top == "jaxlib" else top
    return name if name in ("torch", "jax") and name in sys.modules else None


def as_array(result: Any) -> Any:
    """A tensor as an array of float64; anything else as it is."""
    if framework_of(result) == "torch":
        return result.detach().cpu().double().numpy()
    return np.asarray(result, dtype=np.float64) if framework_of(result) == "jax" else result


def torch_type_of(f: Callable[..., Any], x1: Array, x2: Array) -> str | None:
    """The type of torch's tensors that f takes, "float64" or "float32"; None if f takes neither."""
    for kind in ("float64", "float32"):
        try:
            result = f(*_torch_tensors(x1, x2, kind))
        except Exception:  # any exception: the user sees the one that f raised for arrays
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
    """The array, extended to a power of 2 by copies of its last entry."""
    more = (1 << max(3, (len(x) - 1).bit_length())) - len(x)
    return np.append(x, np.repeat(x[-1:], more))


def _in_double_precision() -> AbstractContextManager[Any]:
    # Before version 0.8 enable_x64 is in jax.experimental.
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
        except Exception:  # any exception: differences call f again, which raises the user's own
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
    except Exception:  # as in `_by_torch`
        return None


def _torch_tensors(x1: Array, x2: Array, kind: str) -> tuple[Any, Any]:
    dtype = getattr(sys.modules["torch"], kind)
    return torch_tensor(x1, dtype), torch_tensor(x2, dtype)


def torch_tensor(x: Array, dtype: Any) -> Any:
    """A tensor of torch; torch itself takes no arrays whose entries are in reverse."""
    torch: Any = sys.modules["torch"]
    return torch.tensor(np.ascontiguousarray(x), dtype=dtype)
