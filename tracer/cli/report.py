"""The output of a command: a table and sentences for readers, or one JSON object for scripts."""

import argparse
import json
import math
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from tracer._version import __version__
from tracer.atlas.certificate import Status
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.regions import Region
from tracer.boundaries.result import Result
from tracer.cli.names import as_options
from tracer.curves.curve import Curve

# The exit statuses for unfinished results; see `parser.STATUSES`.
UNFINISHED = {Status.BUDGET_EXHAUSTED: 3, Status.UNSOUND_ARITHMETIC: 4}


class Report:
    """The output of one command: text while it runs, or a JSON object at the end, or nothing.

    Parameters
    ----------
    arguments : Namespace
        With ``quiet`` and ``json``.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._text = not (arguments.quiet or arguments.json)
        self._json = arguments.json

    def write(self, text: str) -> None:
        """Print a text for readers; at a terminal, sentences are wrapped to its width."""
        if self._text:
            print(_wrapped(text) if sys.stdout.isatty() else text)

    def end(self, summary: dict[str, Any], status: int = 0) -> int:
        """Print the summary for scripts, with the exit status, which is returned."""
        if self._json:
            whole = {"tracer": __version__, "exit_status": status, **summary}
            print(json.dumps(_plain(whole), allow_nan=False, ensure_ascii=False))
        return status


def describe(report: Report, result: Boundary | Partition) -> None:
    """Print the table of a result, and its certificate."""
    if isinstance(result, Partition):
        report.write(_region_table(result))
    else:
        report.write(_curve_table(result.curves))
    report.write(repr(result))
    report.write(as_options(str(result.certificate)))


def summary(result: Boundary | Partition) -> dict[str, Any]:
    """The result as an object of JSON; docs/command_line.md explains its keys."""
    geometry = (
        {
            "regions": [_region(result, region) for region in result.regions],
            "arcs": len(result.arcs),
            "junctions": len(result.junctions),
        }
        if isinstance(result, Partition)
        else {"length": result.length, "curves": [_curve(curve) for curve in result.curves]}
    )
    return {**_certainty(result), **geometry}


def exit_status(result: Result) -> int:
    """The exit status for a result: 0 if it is finished."""
    return UNFINISHED.get(result.status, 0)


def _certainty(result: Boundary | Partition) -> dict[str, Any]:
    certificate = result.certificate
    return {
        "status": certificate.status.name,
        "message": as_options(str(certificate)),
        "bounds": certificate.bounds,
        "undecided": len(certificate.undecided),
        "cells": result.stats.cells,
        "evaluations": result.stats.evaluations,
        "seconds": sum(result.stats.seconds.values()),
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "closed": curve.closed,
        "proven": curve.proven,
        "length": curve.length,
        "turning_points": len(curve.turning_points),
        "residual": _residual(curve),
        "error_bound": curve.error_bound.max(),
        "ends": [end.name for end in curve.ends],
    }


def _region(divided: Partition, region: Region) -> dict[str, Any]:
    return {
        "class": region.label,
        "output": region.output,
        "pieces": len(region.pieces),
        "holes": sum(len(piece.holes) for piece in region.pieces),
        "area": region.area,
        "share": region.area / float(divided.box.sides.prod()),
    }


def _residual(curve: Curve) -> float:
    """The largest |F| at the points of a curve; nan if F is not known."""
    return float(np.abs(curve.field.value(curve.points)).max()) if curve.field is not None else math.nan


def _curve_table(curves: Sequence[Curve]) -> str:
    rows = [f"{'curve':>5}  {'':6}  {'length':>12}  {'turning points':>14}  {'residual':>9}  {'error':>9}"]
    for k, curve in enumerate(map(_curve, curves)):
        kind = "closed" if curve["closed"] else "open"
        rows.append(
            f"{k:>5}  {kind:6}  {curve['length']:>12.9g}  {curve['turning_points']:>14}  "
            f"{curve['residual']:>9.1e}  {curve['error_bound']:>9.1e}"
        )
    return "\n".join(rows)


def _region_table(divided: Partition) -> str:
    rows = [f"{'class':>16}  {'pieces':>6}  {'holes':>6}  {'area':>12}  {'share':>7}"]
    for region in (_region(divided, region) for region in divided.regions):
        rows.append(
            f"{region['class']!s:>16}  {region['pieces']:>6}  {region['holes']:>6}  {region['area']:>12.9g}  "
            f"{region['share']:>7.2%}"
        )
    return "\n".join(rows)


def _wrapped(text: str) -> str:
    """A sentence in lines of the terminal's width; tables are unchanged."""
    width = shutil.get_terminal_size().columns
    return text if "\n" in text else textwrap.fill(text, width, break_long_words=False)


def _plain(value: Any) -> Any:
    """A value as JSON has it: numbers of NumPy as Python's, and None for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
