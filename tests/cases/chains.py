"""Chains of layers, before they are layers, evaluated by SciPy."""

import numpy as np

from tracer.fields.networks.activations import activation
from tracer.models.lowering import chain


def evaluated(steps, x):
    """The outputs (k, m) of the `steps` at points (k, n)."""
    for step in steps:
        weight, _ = step.weight.csr()
        z, parts, start = (weight @ x.T).T + step.bias, [], 0
        for name, count, *slope in step.blocks:
            parts.append(activation(name, *slope).value(z[:, start : start + count]))
            start += count
        x = np.concatenate(parts, axis=1)
        assert x.shape == z.shape
    return x


def steps_of(function, *sizes):
    """The chain of a function of affine maps, of inputs of these sizes."""
    inputs = [chain.Affine.identity(n) for n in sizes]
    return chain.steps(function(*inputs), inputs)
