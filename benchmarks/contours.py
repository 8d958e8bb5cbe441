"""Contours of grids, bare and with polished vertices, and what the comparisons with them share.

A contour is contourpy's, of the bare field on a grid: no pixels, no picture. Polished, its vertices take
Newton steps along the gradient, ``x ← x − F ∇F / |∇F|²``, until they stay; the chords between them, and
which curves there are, remain the grid's. Its error is the largest distance of its chords' midpoints from
the curve, in units of the box.
"""

import statistics

import contourpy
import numpy as np
from measurement import in_turn

import tracer
from tracer.cli.grid_comparison import chord_error
from tracer.curves.continuation.lattice import lattice_lines, lattice_values
from tracer.fields.box import Box

NEWTON_STEPS = 6
# Of the box: a vertex that moves less stays.
STAYS = 1e-14


def contour(field, bounds, side):
    """The lines F = 0 of a grid of `side` points a side."""
    lines = lattice_lines(Box.from_bounds(bounds), (side - 1, side - 1))
    return contourpy.contour_generator(*lines, lattice_values(field, lines).T).lines(0.0)


def polished_contour(field, bounds, side):
    """Those lines, with their vertices on the curve, but for those that a step would take beyond a cell."""
    lines = contour(field, bounds, side)
    x = np.concatenate(lines)
    scale = np.ptp(np.asarray(bounds), axis=1)
    for _ in range(NEWTON_STEPS):
        value, gradient = field.value_and_gradient(x)
        with np.errstate(all="ignore"):
            step = gradient * (value / (gradient**2).sum(axis=1))[:, None]
        near = (np.abs(step) <= scale / (side - 1)).all(axis=1)
        x[near] -= step[near]
        if (np.abs(step[near]) <= STAYS * scale).all():
            break
    parts = np.split(x, np.cumsum([len(line) for line in lines])[:-1])
    for bare, line in zip(lines, parts, strict=True):
        if (bare[0] == bare[-1]).all():
            line[-1] = line[0]  # products of other shapes may round otherwise
    return parts


def chords_of(lines):
    """The chords of polylines, shape (k, 2, 2)."""
    parts = [np.stack([line[:-1], line[1:]], axis=1) for line in lines]
    return np.concatenate([np.zeros((0, 2, 2)), *parts])


def errors(field, bounds, lines):
    """The largest distances of vertices and of chord midpoints from the curve."""
    box, vertices = Box.from_bounds(bounds), np.concatenate(lines)
    return {
        "vertex error": chord_error(field, box, np.stack([vertices, vertices], axis=1)),
        "error": chord_error(field, box, chords_of(lines)),
    }


def count(lines):
    """The numbers of polylines and of closed ones."""
    return {"curves": len(lines), "closed": sum(bool((line[0] == line[-1]).all()) for line in lines)}


def grid_row(field, bounds, side, timed):
    """One grid: its curves, its errors, its times."""
    return {"side": side, **count(timed.result), **errors(field, bounds, timed.result), **timed.row()}


def traced_row(timed):
    """The traced boundary: its curves, its error, its times."""
    boundary, phases = timed.result, [boundary.stats.seconds for boundary in timed.results]
    names = dict.fromkeys(name for p in phases for name in p)  # one that was given up has others
    return {
        "status": boundary.certificate.status.name,
        "curves": len(boundary),
        "closed": sum(curve.closed for curve in boundary),
        "error bound": max((curve.error_bound.max() for curve in boundary), default=0.0),
        "length": boundary.length,
        "cells": boundary.stats.cells,
        "evaluations": boundary.stats.evaluations,
        **timed.row(),
        "phases": {name: statistics.median(p.get(name, 0.0) for p in phases) for name in names},
    }


def traced_and_contours(field, bounds, sides, **ways):
    """The boundary, its row, the rows of grids, and what other ways took, all run in turn."""
    done = in_turn(
        {"traced": lambda: tracer.trace(field, bounds)}
        | {side: lambda side=side: contour(field, bounds, side) for side in sides}
        | ways
    )
    grids = [grid_row(field, bounds, side, done[side]) for side in sides]
    return done["traced"].result, traced_row(done["traced"]), grids, {name: done[name] for name in ways}


def lines_of(traced, grids):
    """Both, to be read."""
    yield (
        f"  traced: {traced['status']}, {traced['curves']} curves ({traced['closed']} closed), "
        f"{traced['seconds']:.4f} s, {traced['runs']} runs"
    )
    for grid in grids:
        yield (
            f"  grid {grid['side']:>4}: {grid['curves']:>3} curves, error {grid['error']:.1e}, "
            f"{grid['seconds']:.4f} s, {grid['runs']} runs, ratio {traced['seconds'] / grid['seconds']:.2f}"
        )
