"""A callable evaluated on floats, and its derivatives if it is no formula.

The derivatives come from a framework, torch or jax, if the results are its tensors and its gradient agrees
with differences at some points, as a callable may leave the framework; else they are differences.
"""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np

from tracer.arrays import Array, Mask
from tracer.fields.callables import tensors
from tracer.fields.callables.calls import call, checked
from tracer.fields.callables.differences import noise_and_size, values_and_gradients

# Points at which the gradient of a framework is compared with differences, once.
MOST_COMPARED = 16
# The largest error of a framework's gradient: relative to the gradient, plus relative to the function's size.
GRADIENT_ERROR = 1e-2
SHARE_OF_SIZE = 1e-9
# A value depends on the other points in the arrays if it changes with them by more than MIXED times the size
# of the function plus NOISY times its noise.
MIXED, NOISY = 1e-6, 100.0
# The number of calls with the same points after which a change is not taken for a random one.
REPEATED = 8
# At how many points callables have been evaluated, in this thread.
evaluated = ContextVar("evaluated", default=0)


class PlainFunction:
    """A callable of two arrays of floats.

    Attributes
    ----------
    noise : float or None
        The standard deviation of the errors of the values; None until it is measured.
    size : float
        The largest absolute value where the noise was measured.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self._f = f
        self.noise: float | None = None
        self.size = 0.0
        # The framework whose tensors the results are, whether it can differentiate f, and the type of torch's
        # tensors that f takes, if f takes no arrays.
        self._framework: str | None = None
        self._differentiable: bool | None = None
        self._tensors: str | None = None

    def value(self, x1: Array, x2: Array) -> Array:
        """The values (n,) at n points; f is not called if there are none."""
        if not len(x1):
            return np.zeros(0)
        evaluated.set(evaluated.get() + len(x1))
        if self._tensors is not None:
            result = tensors.call_with_tensors(self._f, x1, x2, self._tensors)
        elif self._framework == "jax":
            result = call("f", partial(tensors.call_with_jax, self._f), x1, x2)
        else:
            result = self._called(x1, x2)
            if (framework := tensors.framework_of(result)) is not None:
                self._framework, result = framework, tensors.as_array(result)
        return checked("f", result, x1.shape)

    def _called(self, x1: Array, x2: Array) -> Any:
        try:
            return call("f", self._f, x1, x2)
        except (TypeError, AttributeError):
            # A function of torch's tensors takes no arrays.
            if "torch" in sys.modules and self._framework is None:
                self._tensors = tensors.torch_type_of(self._f, x1, x2)
            if self._tensors is None:
                raise
            self._framework = "torch"
            return tensors.call_with_tensors(self._f, x1, x2, self._tensors)

    def value_and_gradient(self, x1: Array, x2: Array) -> tuple[Array, Array]:
        """The values (n,), n > 0, and the gradients (n, 2), by f's framework or by differences."""
        self.measure(np.stack([x1, x2], axis=-1))  # so f has been called, and its framework is known
        if self._differentiable is None and self._framework is not None:
            self._differentiable = self._agrees(x1[:MOST_COMPARED], x2[:MOST_COMPARED])
        if self._framework is not None and self._differentiable:
            found = tensors.gradient(self._f, self._framework, x1, x2)
            if found is not None:
                return self.value(x1, x2), found
        return self._differences(x1, x2)

    def measure(self, x: Array) -> tuple[float, float]:
        """The noise and the size, estimated at points (n, 2), n > 0, if they are not known yet."""
        return self._measured(self.value, x)

    def _measured(self, values: Callable[[Array, Array], Array], x: Array) -> tuple[float, float]:
        if self.noise is None:
            self.noise, self.size = noise_and_size(values, x)
        return self.noise, self.size

    def check(self, x: Array, before_call: Callable[[], None]) -> None:
        """Call f with points (n, 2), n > 1, and with each half of them in reverse; and measure its noise.

        `before_call`, which is called before every call of f, may end the check by an exception.

        Raises
        ------
        ValueError
            If a value depends on the other points in the arrays; random values, which change with every call,
            are accepted.
        """

        def values(x1: Array, x2: Array) -> Array:
            before_call()
            return self.value(x1, x2)

        whole = values(*x.T)
        noise, size = self._measured(values, x)
        alone = np.empty(len(x))
        for part in (slice(-1, None, -2), slice(-2, None, -2)):
            alone[part] = values(*x[part].T)

        def other(found: Array) -> Mask:
            with np.errstate(all="ignore"):
                return np.abs(found - whole) > MIXED * max(size, np.abs(whole).max()) + NOISY * noise

        wrong = other(alone)
        if wrong.any() and not any(other(values(*x.T)).any() for _ in range(REPEATED)):
            k = int(np.argmax(wrong))
            raise ValueError(
                "f must give each point its own value, whatever other points are in the arrays; got "
                f"{whole[k]:.6g} at ({x[k, 0]:.6g}, {x[k, 1]:.6g}) among {len(x)} points, but {alone[k]:.6g} "
                "among fewer: reduce over coordinates only, as np.linalg.norm([x1, x2], axis=0) does, call "
                "model.eval() of a network that normalizes batches, and let iterations over all points at "
                "once go on to 1e-8 of the values"
            )

    def _differences(self, x1: Array, x2: Array) -> tuple[Array, Array]:
        x = np.stack([x1, x2], axis=-1)
        return values_and_gradients(self.value, x, *self.measure(x))

    def _agrees(self, x1: Array, x2: Array) -> bool:
        """Whether the framework's gradient agrees with differences at most of some points."""
        assert self._framework is not None
        found = tensors.gradient(self._f, self._framework, x1, x2)
        if found is None:
            return False
        error = np.abs(found - self._differences(x1, x2)[1]).max(axis=1)
        allowed = GRADIENT_ERROR * np.abs(found).max(axis=1) + SHARE_OF_SIZE * self.size
        return bool(2 * np.count_nonzero(error <= allowed) >= len(x1))
