"""Contours of grids and tracing, measured in turn in one process: what the comparisons of both share.

A contour is contourpy's, of the bare field on a grid: no pixels, no picture. Its error is the largest
distance of its chords' midpoints from the curve, in units of the box; ours is the proven bound of the points.
"""

import platform
import statistics
import time

import contourpy
import numpy as np
import scipy

import tracer
from tracer.boundaries.grid_comparison import chord_error
from tracer.curves.lattice import lattice_lines, lattice_values
from tracer.fields.box import Box


def header(*modules):
    """The versions of what was measured, and the machine."""
    named = {m.__name__: m.__version__ for m in (tracer, np, scipy, contourpy, *modules)}
    return {
        "versions": named | {"python": platform.python_version()},
        "machine": f"{platform.machine()}, {platform.system()}",
    }


def contour(field, bounds, side):
    """The lines F = 0 of a grid of `side` points a side."""
    lines = lattice_lines(Box.from_bounds(bounds), (side - 1, side - 1))
    return contourpy.contour_generator(*lines, lattice_values(field, lines).T).lines(0.0)


def timed(function, *arguments):
    """A result, and the seconds it took."""
    began = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - began


def grid_row(field, bounds, side, runs):
    """One grid: its curves, its error, its times."""
    times = []
    lines = []
    for _ in range(runs):
        lines, seconds = timed(contour, field, bounds, side)
        times.append(seconds)
    chords = np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in lines])
    return {
        "side": side,
        "curves": len(lines),
        "closed": sum(np.array_equal(line[0], line[-1]) for line in lines),
        "error": chord_error(field, Box.from_bounds(bounds), chords),
        "seconds": statistics.median(times),
    }


def traced_row(boundary, times, phases):
    """The traced boundary: its curves, its error, its times."""
    return {
        "status": boundary.certificate.status.name,
        "curves": len(boundary),
        "closed": sum(curve.closed for curve in boundary),
        "error_bound": max(curve.error_bound.max() for curve in boundary),
        "cells": boundary.stats.cells,
        "evaluations": boundary.stats.evaluations,
        "seconds": statistics.median(times),
        "phases": {k: statistics.median(p[k] for p in phases) for k in phases[0]},
    }


def in_turn(field, bounds, sides, runs):
    """The boundary, its row, and the rows of all grids: tracing comes in between, on the same machine."""
    tracer.trace(field, bounds)  # what is imported on first use is not counted
    boundary, times, phases, grids = None, [], [], []
    for side in sides:
        grids.append(grid_row(field, bounds, side, runs))
        for _ in range(runs // len(sides) + 1):
            boundary, seconds = timed(tracer.trace, field, bounds)
            times.append(seconds)
            phases.append(boundary.stats.seconds)
    return boundary, traced_row(boundary, times, phases), grids


def lines_of(traced, grids):
    """Both, to be read."""
    yield f"  traced: {traced['curves']} curves in {traced['seconds']:.4f} s, {traced['phases']}"
    for grid in grids:
        yield (
            f"  grid {grid['side']:>4}: {grid['curves']:>3} curves, error {grid['error']:.1e}, "
            f"{grid['seconds']:.4f} s, ratio {traced['seconds'] / grid['seconds']:.2f}"
        )
