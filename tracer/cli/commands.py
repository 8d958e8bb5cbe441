"""The command line: ``tracer trace | partition | plot | bench``.

Exit status 0 is success, 2 bad input (one line, no traceback), 130 an interrupt; files are written
whole or not at all.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tracer._version import __version__
from tracer.arrays import Array
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.partitions.archive import read_any
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.partitioning import partition
from tracer.boundaries.sampling import MAX_STEPS
from tracer.boundaries.tracing import curve_through, trace
from tracer.boundaries.work import MAX_CELLS, TOLERANCE
from tracer.cli.grid_comparison import grid_reaching, tracing_measurement
from tracer.curves.curve import Curve
from tracer.fields.checks import shown
from tracer.fields.networks.examples import EXAMPLES, example
from tracer.fields.networks.network import Network
from tracer.fields.plane import Plane
from tracer.models.loading import READERS, load
from tracer.view.corners import are_images
from tracer.view.export import PICTURES, WRITERS, save_picture, target

DEFAULT_EXAMPLE = "paper"
# The box on a plane through three points, which are (0, 0), (1, 0) and (0, 1) there.
AROUND_THREE_POINTS = [(-0.5, 1.5), (-0.5, 1.5)]
BENCH_ERRORS = (1e-3, 1e-4, 1e-5, 1e-6)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(_shield_numbers(sys.argv[1:] if argv is None else argv))
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        print("tracer: interrupted", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"tracer: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def run() -> None:
    """Entry point of the installed command."""
    sys.exit(main())


# The commands ---------------------------------------------------------------------------------------


def _trace(arguments: argparse.Namespace) -> int:
    targets = [target(path) for path in arguments.output]  # before the work, not after
    field, bounds = _problem(arguments)
    if arguments.seed is None:
        boundary = trace(field, bounds, **_budget(arguments))
        print(_table(boundary.curves))
        print(boundary)
        print(boundary.certificate)
    else:
        curve = curve_through(field, arguments.seed, bounds, **_walk_budget(arguments))
        boundary = Boundary.of_curve(*curve)
        print(_table(boundary.curves))
        print(boundary.certificate)
    return _write(boundary, targets, _corners(arguments))


def _partition(arguments: argparse.Namespace) -> int:
    targets = [target(path, Partition) for path in arguments.output]
    network, bounds = _network(arguments)
    divided = partition(
        _restricted(network, arguments), bounds, argmin=arguments.argmin, **_budget(arguments)
    )
    print(_region_table(divided))
    print(divided)
    print(divided.certificate)
    return _write(divided, targets, _corners(arguments))


def _plot(arguments: argparse.Namespace) -> int:
    result, marks = read_any(arguments.file), arguments.turning_points
    if isinstance(result, Partition):
        if marks or arguments.plain:
            raise ValueError("--turning-points and --plain belong to boundaries; the file holds a partition")
        save_picture(result, arguments.output)
    else:
        shading = result.field is not None and not arguments.plain
        save_picture(result, arguments.output, shading=shading, turning_points=marks)
    print(f"wrote {arguments.output}")
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    field, bounds = _problem(arguments)
    print(
        f"{'error':>8}  {'grid':>6}  {'evaluations':>11} {'seconds':>8}    "
        f"{'traced evaluations':>18} {'seconds':>8}"
    )
    for error in BENCH_ERRORS:
        grid, traced = grid_reaching(field, bounds, error), tracing_measurement(field, bounds, error)
        known = (
            f"{grid.size:>6}  {grid.evaluations:>11} {grid.seconds:>8.3f}"
            if grid is not None
            else f"{'finer than is run':>27}"
        )
        print(f"{error:>8.0e}  {known}    {traced.evaluations:>18} {traced.seconds:>8.3f}")
    print("error: largest distance of a chord's midpoint from the curve, in units of the box")
    return 0


# What they share ------------------------------------------------------------------------------------


def _budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords for accuracy and budget."""
    return {name: getattr(arguments, name) for name in ("tolerance", "max_cells", "time_limit", "progress")}


def _walk_budget(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords for accuracy and budget of one curve."""
    return {name: getattr(arguments, name) for name in ("tolerance", "max_steps", "time_limit")}


def _write(result: Boundary | Partition, targets: Sequence[Path], corners: Sequence[Array] | None) -> int:
    for path in targets:
        if corners is not None and path.suffix.lower() in PICTURES:
            save_picture(result, path, corners=corners)
        else:
            result.save(path)
        print(f"wrote {path}")
    return 0


def _corners(arguments: argparse.Namespace) -> list[Array] | None:
    """The arrays of `--through`, if they are images to draw."""
    given = None if arguments.through is None else _arrays(arguments.through)
    return given if given is not None and are_images(given) else None


def _arrays(paths: Sequence[str]) -> list[Array]:
    """The arrays in `.npy` files, in which nothing is executed."""
    found = []
    for path in paths:
        try:
            with open(path, "rb") as file:
                found.append(np.load(file, allow_pickle=False))
        except FileNotFoundError:
            raise FileNotFoundError(
                f"--through must be three files that exist, such as numpy.save writes; got {shown(path)}"
            ) from None
        except (ValueError, EOFError) as error:
            raise ValueError(
                f"--through must be three .npy files of arrays; got {shown(path)}: {error}"
            ) from None
    return found


def _network(arguments: argparse.Namespace) -> tuple[Network, Any]:
    """The network and the box."""
    if arguments.model is not None and arguments.example is not None:
        raise ValueError(
            f"give MODEL or --example, not both; got {shown(arguments.model)} and {shown(arguments.example)}"
        )
    if arguments.model is None:
        if arguments.output_name is not None or arguments.shape is not None:
            raise ValueError("--output-name and --shape belong to MODEL")
        network, bounds = example(arguments.example or DEFAULT_EXAMPLE)
    else:
        network = load(arguments.model, output=arguments.output_name, shape=arguments.shape)
        bounds = None
    if arguments.through is not None:
        bounds = AROUND_THREE_POINTS
    if arguments.bounds is not None:
        bounds = np.reshape(arguments.bounds, (2, 2)).tolist()
    if bounds is None:
        raise ValueError("--bounds X1LO X1HI X2LO X2HI must be given with MODEL")
    return network, bounds


def _problem(arguments: argparse.Namespace) -> tuple[Network, Any]:
    """The field and its box."""
    network, bounds = _network(arguments)
    if arguments.level is not None:
        output, value = arguments.level
        number = _integer("--level OUTPUT VALUE", "OUTPUT", output)
        return _restricted(network.level(number, _number("--level", "VALUE", value)), arguments), bounds
    if arguments.probability is not None:
        name, p = arguments.probability
        label = {str(label): label for label in network.classes or ()}.get(name)
        if label is None:
            label = _integer("--probability CLASS P", "CLASS a label or", name)
        field = network.probability(label, _number("--probability", "P", p))
        return _restricted(field, arguments), bounds
    if network.n_outputs == 1 and arguments.classes is None:
        raise ValueError("a network with one output needs --level 0 VALUE, or --probability 1 P")
    return _restricted(network.margin(*(arguments.classes or (0, 1))), arguments), bounds


def _restricted(field: Network, arguments: argparse.Namespace) -> Network:
    """The field, restricted to the plane of two of its inputs, or through three points, if one is given."""
    n = field.n_inputs
    if arguments.through is not None:
        if arguments.plane is not None or arguments.at is not None:
            raise ValueError("give --plane I J or --through A B C, not both")
        return field.restrict(Plane.through(*_arrays(arguments.through)))
    if arguments.plane is None:
        if arguments.at is not None:
            raise ValueError("--at belongs to --plane I J")
        if n > 2:
            raise ValueError(
                f"a model of {n} inputs needs --plane I J, two of them, or --through A.npy B.npy C.npy"
            )
        return field
    at = Plane.of_features(*arguments.plane, at=np.zeros(n)).origin.copy()
    others = np.setdiff1d(np.arange(n), arguments.plane)
    values = [0.0] * len(others) if arguments.at is None else arguments.at
    if len(values) != len(others):
        raise ValueError(
            f"--at must give a value for each of the {len(others)} other inputs; got {len(values)}"
        )
    at[others] = values
    return field.restrict(Plane.of_features(*arguments.plane, at=at))


def _table(curves: Sequence[Curve]) -> str:
    rows = [f"{'curve':>5}  {'':6}  {'length':>12}  {'turning points':>14}  {'residual':>9}  {'error':>9}"]
    for k, curve in enumerate(curves):
        residual = np.abs(curve.field.value(curve.points)).max() if curve.field is not None else np.nan
        kind = "closed" if curve.closed else "open"
        rows.append(
            f"{k:>5}  {kind:6}  {curve.length:>12.9g}  {len(curve.turning_points):>14}  "
            f"{residual:>9.1e}  {curve.error_bound.max():>9.1e}"
        )
    return "\n".join(rows)


def _region_table(divided: Partition) -> str:
    rows = [f"{'class':>16}  {'pieces':>6}  {'holes':>6}  {'area':>12}  {'share':>7}"]
    whole = float(divided.box.sides.prod())
    for region in divided.regions:
        holes = sum(len(piece.holes) for piece in region.pieces)
        rows.append(
            f"{region.label!s:>16}  {len(region.pieces):>6}  {holes:>6}  {region.area:>12.9g}  "
            f"{region.area / whole:>7.2%}"
        )
    return "\n".join(rows)


def _shield_numbers(argv: Sequence[str]) -> list[str]:
    """Put a space before negative numbers: argparse takes "-1e-3" and "-inf" as options, " -1e-3" not."""
    return [f" {text}" if text.startswith("-") and _is_number(text) else text for text in argv]


def _integer(option: str, name: str, text: str) -> int:
    if not text.strip().isdigit():
        raise ValueError(f"{option} must have {name} a number of an output; got {shown(text)}")
    return int(text)


def _number(option: str, name: str, text: str) -> float:
    if not _is_number(text):
        raise ValueError(f"{option} must have {name} a number; got {shown(text)}")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"tracer: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tracer", description="The decision boundary of a neural network, as curves.")
    parser.add_argument("--version", action="version", version=f"tracer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, add_arguments, text, example_line in _COMMANDS:
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example:\n  tracer {name} {example_line}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        add_arguments(sub)
    return parser


def _add_trace(sub: argparse.ArgumentParser) -> None:
    _add_problem(sub)
    sub.add_argument(
        "--seed", type=float, nargs=2, metavar=("X1", "X2"), help="follow only the curve near this point"
    )
    sub.add_argument("--max-steps", type=int, default=MAX_STEPS, help="with --seed (default %(default)s)")
    _add_work(sub, WRITERS[Boundary])


def _add_partition(sub: argparse.ArgumentParser) -> None:
    _add_model(sub)
    sub.add_argument("--argmin", action="store_true", help="the class of the lowest output wins")
    _add_work(sub, WRITERS[Partition])


def _add_plot(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("file", metavar="FILE.npz")
    sub.add_argument("-o", "--output", required=True, metavar="FILE", help=".png, .svg or .pdf")
    sub.add_argument("--turning-points", action="store_true", help="mark them")
    sub.add_argument("--plain", action="store_true", help="do not colour the two sides")


def _add_problem(sub: argparse.ArgumentParser) -> None:
    _add_model(sub)
    which = sub.add_mutually_exclusive_group()
    which.add_argument(
        "--classes", type=int, nargs=2, metavar=("I", "J"), help="trace z_I = z_J (default 0 1)"
    )
    which.add_argument(
        "--level", nargs=2, metavar=("OUTPUT", "VALUE"), help="trace where an output has a value"
    )
    which.add_argument(
        "--probability",
        nargs=2,
        metavar=("CLASS", "P"),
        help="trace where a class, by label or number, has a probability",
    )


def _add_model(sub: argparse.ArgumentParser) -> None:
    suffixes = ", ".join(READERS)
    sub.add_argument("model", nargs="?", metavar="MODEL", help=f"a file, {suffixes} (default: the paper's)")
    sub.add_argument("--example", choices=list(EXAMPLES), help="a built-in network and its box")
    sub.add_argument(
        "--plane", type=int, nargs=2, metavar=("I", "J"), help="of more than two inputs the two to draw"
    )
    at = "with --plane: the values of all other inputs, in order (default 0)"
    sub.add_argument(
        "--through",
        nargs=3,
        metavar=("A.npy", "B.npy", "C.npy"),
        help="the plane through three inputs, which are (0, 0), (1, 0) and (0, 1) there; images are drawn",
    )
    sub.add_argument("--at", type=float, nargs="+", metavar="V", help=at)
    sub.add_argument(
        "--bounds",
        type=float,
        nargs=4,
        metavar=("X1LO", "X1HI", "X2LO", "X2HI"),
        help="the box, in the values of the two inputs (with --through default -0.5 1.5 -0.5 1.5)",
    )
    sub.add_argument(
        "--output-name", metavar="NAME", help="the output of a graph that has several, or its number"
    )
    shape = "the shape of one point, where a graph leaves it free, such as 1 3 32 32"
    sub.add_argument("--shape", type=int, nargs="+", metavar="N", help=shape)


def _add_work(sub: argparse.ArgumentParser, writers: Mapping[str, Any]) -> None:
    sub.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="in units of the box (default %(default)s)"
    )
    sub.add_argument("--max-cells", type=int, default=MAX_CELLS, help="default %(default)s")
    sub.add_argument("--time-limit", type=float, metavar="SECONDS", help="default none")
    sub.add_argument("--progress", action="store_true", help="say how far the work is")
    suffixes = ", ".join(writers)
    sub.add_argument("-o", "--output", nargs="+", action="extend", default=[], metavar="FILE", help=suffixes)


# Of each command its name, what it runs, its arguments, what it does, and an example.
_COMMANDS = (
    (
        "trace",
        _trace,
        _add_trace,
        "Trace a boundary, print its curves, and save it.",
        "net.json --classes 0 1 --bounds -1e-3 1 -2 2 -o boundary.npz picture.png",
    ),
    (
        "partition",
        _partition,
        _add_partition,
        "Divide a box into the regions of all classes.",
        "net.onnx --through a.npy b.npy c.npy -o regions.png regions.geojson",
    ),
    (
        "plot",
        _plot,
        _add_plot,
        "Draw a saved boundary or partition.",
        "boundary.npz -o picture.png --turning-points",
    ),
    (
        "bench",
        _bench,
        _add_problem,
        "Compare tracing with grid root-finding at equal error.",
        "--example moons",
    ),
)


if __name__ == "__main__":
    run()
