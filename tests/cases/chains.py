"""Chains of layers, before they are layers, evaluated by SciPy."""

import numpy as np

from tracer.fields.networks.activations import TABLE, activation
from tracer.models.lowering import chain


def evaluated(steps, x):
    """The outputs (k, m) of the `steps` at points (k, n)."""
    for step in steps:
        weight, _ = step.weight.csr()
        z, parts, start = (weight @ x.T).T + step.bias, [], 0
        for name, count, *parameter in step.blocks:
            row = activation(name, **dict(zip([TABLE[name].parameter], parameter, strict=False)))
            parts.append(row.value(z[:, start : start + count]))
            start += count
        x = np.concatenate(parts, axis=1)
        assert x.shape == z.shape
    return x


def steps_of(function, *sizes):
    """The chain of a function of affine maps, of inputs of these sizes."""
    inputs = [chain.Affine.identity(n) for n in sizes]
    return chain.steps(function(*inputs), inputs)
