"""Callables written with torch or jax: arrays in, tensors out, and gradients by their own differentiation.

Neither library is imported: a callable that returns tensors, or takes them, has imported it. It is called
with arrays if it takes them, else with tensors of float64, else of float32. As the points are independent,
its gradients are those of the sum of its values. It has none if the framework cannot differentiate it, as
where it leaves the framework on the way.
"""

import sys
from collections.abc import Callable
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
        return np.stack([as_array(p) for p in jax.grad(lambda a, b: f(a, b).sum(), (0, 1))(x1, x2)], axis=-1)
    except Exception:  # as above
        return None


def _torch_tensors(x1: Array, x2: Array, kind: str) -> tuple[Any, Any]:
    torch: Any = sys.modules["torch"]
    dtype = getattr(torch, kind)
    return torch.tensor(x1, dtype=dtype), torch.tensor(x2, dtype=dtype)
