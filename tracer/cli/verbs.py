"""The verbs of the command line: for each a function that adds its arguments, and a function that runs it."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.archive import read_any
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.partitioning import partition
from tracer.boundaries.result import Result
from tracer.boundaries.sampling import MAX_STEPS
from tracer.boundaries.tracing import curve_through, trace
from tracer.boundaries.work import MAX_CELLS
from tracer.cli import explore
from tracer.cli.data import Points
from tracer.cli.grid_comparison import Measurement, grid_reaching, tracing_measurement
from tracer.cli.names import named
from tracer.cli.options import add_field, add_files, add_model, add_printing, add_seed, add_work
from tracer.cli.problem import arrays, field_and_box, network_and_box
from tracer.cli.report import Report, describe, exit_status, summary
from tracer.fields.checks import shown
from tracer.fields.files.writing import check_target
from tracer.models.loading import READERS
from tracer.view.corners import are_images
from tracer.view.export import PICTURES, save_picture, target

BENCH_ERRORS = (1e-3, 1e-4, 1e-5, 1e-6)


def _trace(arguments: argparse.Namespace) -> int:
    targets = _targets(arguments, Boundary)  # bad targets raise before the work
    field, bounds = field_and_box(arguments)
    drawn = _drawn(arguments, field)
    if arguments.seed is None:
        boundary = trace(field, bounds, **_budget(arguments))
    else:
        followed = curve_through(field, arguments.seed, bounds, **_walk_budget(arguments))
        boundary = Boundary.of_curve(*followed)
    return _finished(boundary, arguments, targets, drawn)


def _partition(arguments: argparse.Namespace) -> int:
    targets = _targets(arguments, Partition)
    network, bounds = network_and_box(arguments)
    drawn = _drawn(arguments, network)
    divided = partition(network, bounds, argmin=arguments.argmin, **_budget(arguments))
    return _finished(divided, arguments, targets, drawn)


def _plot(arguments: argparse.Namespace) -> int:
    with named("-o FILE"):
        targets = [check_target(path, tuple(PICTURES)) for path in arguments.output]
    report, marks = Report(arguments), arguments.turning_points
    with named("FILE.npz", ": pass a file that tracer trace or tracer partition wrote with -o"):
        result = read_any(arguments.file)
    if isinstance(result, Partition):
        if marks or arguments.plain:
            raise ValueError("--turning-points and --plain belong to boundaries; the file has a partition")
        drawn, model = {}, result.network
    else:
        drawn, model = {"turning_points": marks}, result.field
        drawn |= {"shading": False} if arguments.plain else {}
    drawn |= _points(arguments, model)
    _write(report, result, targets, drawn)
    return report.end({"files": targets})


def _explore(arguments: argparse.Namespace) -> int:
    return explore.serve(*network_and_box(arguments), arguments)


def _bench(arguments: argparse.Namespace) -> int:
    report, (field, bounds), rows = Report(arguments), field_and_box(arguments), []
    report.write(
        f"{'error':>8}  {'grid':>6}  {'evaluations':>11} {'seconds':>8}    "
        f"{'traced evaluations':>18} {'seconds':>8}"
    )
    for error in BENCH_ERRORS:
        grid, traced = grid_reaching(field, bounds, error), tracing_measurement(field, bounds, error)
        report.write(_bench_row(error, grid, traced))
        rows.append({"error": error, "grid": grid and asdict(grid), "traced": asdict(traced)})
    report.write("error: largest distance of a chord's midpoint from the curve, in units of the box")
    return report.end({"comparison": rows})


def _bench_row(error: float, grid: Measurement | None, traced: Measurement) -> str:
    known = (
        f"{grid.size:>6}  {grid.evaluations:>11} {grid.seconds:>8.3f}"
        if grid is not None
        else f"{'finer than is run':>27}"
    )
    return f"{error:>8.0e}  {known}    {traced.evaluations:>18} {traced.seconds:>8.3f}"


# Shared by several verbs ----------------------------------------------------------------------------


def _budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords for accuracy and budget."""
    given = {name: getattr(arguments, name) for name in ("tolerance", "time_limit", "progress")}
    return {**given, "max_cells": MAX_CELLS if arguments.max_cells is None else arguments.max_cells}


def _walk_budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords for accuracy and budget of one curve, followed from a seed."""
    given = {name: getattr(arguments, name) for name in ("tolerance", "time_limit")}
    return {**given, "max_steps": MAX_STEPS if arguments.max_steps is None else arguments.max_steps}


def _targets(arguments: argparse.Namespace, kind: type[Result]) -> list[Path]:
    """The files to write, each checked."""
    if arguments.model is None:
        for path in arguments.output:
            if path.lower().endswith(tuple(READERS)):
                raise ValueError(f"MODEL must stand before -o; got {shown(path)} after it")
    with named("-o FILE"):
        return [target(path, kind) for path in arguments.output]


def _drawn(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    """The keywords for pictures: points in a file, and the arrays of `--through` if they are images."""
    drawn = _points(arguments, model)
    given = None if arguments.through is None else arrays(arguments.through)
    return {**drawn, "corners": given} if given is not None and are_images(given) else drawn


def _points(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    points = Points.read(arguments.data, arguments.label)
    return {} if points is None else points.drawn_on(model)


def _finished(
    result: Boundary | Partition,
    arguments: argparse.Namespace,
    targets: Sequence[Path],
    drawn: dict[str, Any],
) -> int:
    """Print the result, write the files, and return the exit status."""
    report = Report(arguments)
    describe(report, result)
    _write(report, result, targets, drawn)
    return report.end({**summary(result), "files": targets}, exit_status(result))


def _write(
    report: Report, result: Boundary | Partition, targets: Sequence[Path], drawn: dict[str, Any]
) -> None:
    for path in targets:
        if path.suffix.lower() in PICTURES:
            save_picture(result, path, **drawn)
        else:
            result.save(path)
        report.write(f"wrote {path}")


# The arguments --------------------------------------------------------------------------------------


def _add_trace(sub: argparse.ArgumentParser) -> None:
    add_field(sub)
    add_seed(sub)
    add_work(sub)
    add_files(sub, Boundary)
    add_printing(sub)


def _add_partition(sub: argparse.ArgumentParser) -> None:
    add_model(sub)
    sub.add_argument("--argmin", action="store_true", help="the class of the lowest output wins")
    add_work(sub)
    add_files(sub, Partition)
    add_printing(sub)


def _add_plot(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("file", metavar="FILE.npz")
    sub.add_argument("--turning-points", action="store_true", help="mark them")
    sub.add_argument("--plain", action="store_true", help="do not colour the two sides")
    add_files(sub)
    add_printing(sub)


def _add_explore(sub: argparse.ArgumentParser) -> None:
    add_model(sub)
    explore.add_arguments(sub)


def _add_bench(sub: argparse.ArgumentParser) -> None:
    add_field(sub)
    add_printing(sub)


Verb = tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]
VERBS: dict[str, Verb] = {
    "trace": (_add_trace, _trace),
    "partition": (_add_partition, _partition),
    "plot": (_add_plot, _plot),
    "explore": (_add_explore, _explore),
    "bench": (_add_bench, _bench),
}
