"""Models without bounds, evaluated by NumPy."""

import numpy as np

from tracer.fields.sampled import SampledModel


class OfNetwork:
    """The outputs of a network, as if nothing else were known of it."""

    reason, kinked, differentiable, noise, points_at_once = "it is a test", False, True, 0.0, 1000

    def __init__(self, network, kinked=False):
        self.network, self.kinked = network, kinked
        self.n_inputs, self.n_outputs = network.n_inputs, network.n_outputs

    def __call__(self, x):
        return self.network(x)

    def value_and_gradient(self, x, weights):
        value, gradient = np.zeros(len(x)), np.zeros(x.shape)
        for k, weight in enumerate(weights):
            if weight:
                one, slope = self.network.level(k, 0.0).value_and_gradient(x)
                value, gradient = value + weight * one, gradient + weight * slope
        return value, gradient


class OfFunctions:
    """Several functions of points (k, 2), differentiated by complex steps."""

    reason, kinked, differentiable, noise, points_at_once = "it is a test", False, True, 0.0, 1000
    n_inputs = 2

    def __init__(self, *functions):
        self.functions, self.n_outputs = functions, len(functions)

    def __call__(self, x):
        return np.stack([f(*x.T) for f in self.functions], axis=1).real

    def value_and_gradient(self, x, weights):
        def combined(x1, x2):
            return sum(w * f(x1, x2) for w, f in zip(weights, self.functions, strict=True))

        x1, x2 = x.T.astype(complex)
        partials = [combined(x1 + 1e-30j, x2).imag / 1e-30, combined(x1, x2 + 1e-30j).imag / 1e-30]
        return combined(x1, x2).real, np.stack(partials, axis=1)


def of_network(network, kinked=False):
    """A network as a model without bounds."""
    return SampledModel.of(OfNetwork(network, kinked))


def of_functions(*functions):
    """Functions as a model without bounds."""
    return SampledModel.of(OfFunctions(*functions))
