"""Decisions about cells by an enclosure of F and its gradient; nan decides nothing."""

import numpy as np

from tracer.arrays import Array, Mask, Signs
from tracer.fields.field import Enclosure


def decide(found: Enclosure) -> tuple[Mask, Signs, Array]:
    """Classify cells by an enclosure of F and ∇F; nan proves nothing.

    Returns
    -------
    empty : ndarray of bool, shape (k,)
    signs : ndarray of int8, shape (k, 2)
        The proven signs of the partials at the zeros of F; 0 where none is proven.
    directions : ndarray, shape (k, 2)
        The direction along which F grows, the first axis with a proven sign if there is one; (0, 0) if none
        is proven.
    """
    empty = found.defined & ((found.lower > 0) | (found.upper < 0))
    rising = (found.gradient_lower > 0) & found.defined[:, None]
    falling = (found.gradient_upper < 0) & found.defined[:, None]
    signs = rising.view(np.int8) - falling.view(np.int8)
    if found.directions is None:
        return empty, signs, along_axes(signs)
    known = found.defined & np.isfinite(found.directions).all(axis=1)
    directions = np.where(known[:, None], found.directions, 0.0)
    # A direction along an axis proves the sign of that partial.
    parallel = (directions == 0).any(axis=1, keepdims=True)
    signs = np.where((signs == 0) & parallel, np.sign(directions), signs).astype(np.int8)
    return empty, signs, np.where(signs.any(axis=1, keepdims=True), along_axes(signs), directions)


def along_axes(signs: Signs) -> Array:
    """± unit vectors (..., 2), along which F grows, of the first axis whose partial has a sign; or 0."""
    directions = signs.astype(np.float64)
    directions[signs[..., 0] != 0, 1] = 0
    return directions


def variation(found: Enclosure, corners: Array) -> Array:
    """Upper bounds of the variation of F along each coordinate of cells, shape (k, 2); inf if unbounded."""
    slope = np.maximum(np.abs(found.gradient_lower), np.abs(found.gradient_upper))
    size = slope * (corners[:, 1] - corners[:, 0])
    return np.where(np.isfinite(size), size, np.inf)
