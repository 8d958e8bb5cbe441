"""Straight lines that enclose the activations of a layer: ``a(z₀ + t) ∈ v + s t ± w``, a' ∈ s + [δ₋, δ₊].

A stable neuron of a function that is linear between kinks has w = δ = 0: its line is the function itself.
All other neurons are *relaxed*: unstable ones, neurons of smooth functions, and neurons that an activation
pattern fixes on a side of a kink, which use the straight line of that side.
"""

from typing import NamedTuple

import numpy as np

from tracer.arrays import Array, Indices, Mask
from tracer.enclosures.functions.blocks import Blocks, Function
from tracer.enclosures.functions.piecewise_linear import FREE, Pattern, PiecewiseLinear
from tracer.enclosures.functions.supporting_lines import Line


class Lines(NamedTuple):
    """The lines of all arguments of a layer.

    Attributes
    ----------
    relaxed : ndarray of int, shape (m,)
        The arguments to relax, unstable or on a fixed side: cell times n plus neuron.
    around : (ndarray, ndarray), shape (m,) each
        Their centers and rho.
    line : Line
        Their lines.
    value, slope : ndarray, shape (k, n)
        The values and slopes of all lines.
    functions : tuple of (slice, Univariate or PiecewiseLinear)
        The function of each part of the relaxed arguments.
    inexact : bool or ndarray of bool, shape (n,)
        Whether the lines of stable neurons round.
    """

    relaxed: Indices
    around: tuple[Array, Array]
    line: Line
    value: Array
    slope: Array
    functions: tuple[tuple[slice, Function], ...]
    inexact: bool | Mask


def lines_of(function: Function | Blocks, center: Array, rho: Array, fixed: Pattern | None) -> Lines:
    """The lines of a layer's function or blocks on ``center ± rho``, (k, n) each."""
    if isinstance(function, Blocks):
        return _lines_of_blocks(function, center, rho, fixed)
    return _lines(function, center, rho, fixed)


def _lines(function: Function, center: Array, rho: Array, fixed: Pattern | None) -> Lines:
    """The lines of a function on ``center ± rho``, (k, n) each."""
    if not isinstance(function, PiecewiseLinear):
        around = center.ravel(), rho.ravel()
        line, every = function.line(*around), np.arange(center.size)
        value, slope = line.value.reshape(center.shape), line.slope.reshape(center.shape)
        return Lines(every, around, line, value, slope, ((slice(0, len(every)), function),), True)
    touching = function.touches(center, rho)
    if fixed is not None:
        touching |= fixed != FREE
    relaxed = np.flatnonzero(touching)
    around = center.take(relaxed), rho.take(relaxed)
    line = function.line(*around)
    if fixed is not None:
        side = fixed.take(relaxed)
        which = np.flatnonzero(side != FREE)
        extended = function.extended(around[0][which], side[which])
        for free, straight in zip(line, extended, strict=True):
            free[which] = straight
    value, slope = function.value(center), function.slope(center)
    np.put(value, relaxed, line.value)
    np.put(slope, relaxed, line.slope)
    functions = ((slice(0, len(relaxed)), function),)
    return Lines(relaxed, around, line, value, slope, functions, not function.exact)


def _lines_of_blocks(blocks: Blocks, center: Array, rho: Array, fixed: Pattern | None) -> Lines:
    """The lines of blocks of functions; the identity is its own line."""
    value, slope = center.copy(), np.ones_like(center)
    inexact = np.zeros(center.shape[1], dtype=bool)
    found, functions, start = [], [], 0
    for part, function in blocks.curved:
        z, reach = np.ascontiguousarray(center[:, part]), np.ascontiguousarray(rho[:, part])
        held = None if fixed is None else np.ascontiguousarray(fixed[:, part])
        lines = _lines(function, z, reach, held)
        value[:, part], slope[:, part], inexact[part] = lines.value, lines.slope, lines.inexact
        cell, neuron = np.divmod(lines.relaxed, part.stop - part.start)
        relaxed = cell * center.shape[1] + (part.start + neuron)
        found.append((relaxed, *lines.around, *lines.line))
        functions.append((slice(start, start + len(relaxed)), function))
        start += len(relaxed)
    relaxed, *rest = map(np.concatenate, zip(*found, strict=True))
    around, line = (rest[0], rest[1]), Line(*rest[2:])
    return Lines(relaxed, around, line, value, slope, tuple(functions), inexact)
