"""The options that commands share."""

import argparse

from tracer.boundaries.result import Result
from tracer.boundaries.sampling import MAX_STEPS
from tracer.boundaries.work import MAX_CELLS, TOLERANCE
from tracer.fields.networks.examples import EXAMPLES
from tracer.models.loading import READERS
from tracer.view.export import PICTURES, WRITERS


def add_model(sub: argparse.ArgumentParser) -> None:
    """Add the options for a model, its box, and the plane of its inputs."""
    group = sub.add_argument_group("the model and its box", "Inputs and outputs: names, or numbers from 0.")
    suffixes = ", ".join(READERS)
    group.add_argument("model", nargs="?", metavar="MODEL", help=f"a file, {suffixes} (default: the paper's)")
    group.add_argument("--example", choices=list(EXAMPLES), help="a built-in network and its box")
    group.add_argument(
        "--bounds",
        type=float,
        nargs=4,
        metavar=("X1LO", "X1HI", "X2LO", "X2HI"),
        help="the box, in the values of the two inputs (with --through default -0.5 1.5 -0.5 1.5)",
    )
    group.add_argument("--plane", nargs=2, metavar=("I", "J"), help="of more than two inputs the two to draw")
    at = "with --plane: the values of all other inputs, in order, or of some as NAME=V (default 0)"
    group.add_argument("--at", nargs="+", metavar="V", help=at)
    group.add_argument(
        "--through",
        nargs=3,
        metavar=("A.npy", "B.npy", "C.npy"),
        help="the plane through three inputs, which are (0, 0), (1, 0) and (0, 1) there; images are drawn",
    )
    group.add_argument(
        "--output-name", metavar="NAME", help="the output of a graph that has several, or its number"
    )
    shape = "the shape of one point, where a graph leaves it free, such as 1 3 32 32"
    group.add_argument("--shape", type=int, nargs="+", metavar="N", help=shape)


def add_field(sub: argparse.ArgumentParser) -> None:
    """Add the options for a model, and for one of its boundaries."""
    add_model(sub)
    which = sub.add_argument_group("the boundary").add_mutually_exclusive_group()
    which.add_argument("--classes", nargs=2, metavar=("I", "J"), help="trace z_I = z_J (default 0 1)")
    which.add_argument(
        "--level", nargs=2, metavar=("OUTPUT", "VALUE"), help="trace where an output has a value"
    )
    which.add_argument(
        "--probability", nargs=2, metavar=("CLASS", "P"), help="trace where a class has a probability"
    )


def add_seed(sub: argparse.ArgumentParser) -> None:
    """Add the options for a single curve, followed from a seed."""
    group = sub.add_argument_group("one curve")
    group.add_argument(
        "--seed", type=float, nargs=2, metavar=("X1", "X2"), help="follow only the curve near this point"
    )
    group.add_argument("--max-steps", type=int, help=f"with --seed: the most steps (default {MAX_STEPS})")


def add_work(sub: argparse.ArgumentParser) -> None:
    """Add the options for accuracy and budget."""
    group = sub.add_argument_group("accuracy and budget")
    group.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="in units of the box (default %(default)s)"
    )
    group.add_argument("--max-cells", type=int, help=f"the most cells (default {MAX_CELLS})")
    group.add_argument("--time-limit", type=float, metavar="SECONDS", help="default none")
    group.add_argument("--progress", action="store_true", help="show the progress of the work")


def add_files(sub: argparse.ArgumentParser, kind: type[Result] | None = None) -> None:
    """Add the options for files, of a kind of result or pictures alone, and for points in pictures."""
    group = sub.add_argument_group("files")
    suffixes = ", ".join(PICTURES if kind is None else WRITERS[kind])
    group.add_argument(
        "-o",
        "--output",
        nargs="+",
        action="extend",
        default=[],
        required=kind is None,
        metavar="FILE",
        help=f"{suffixes}; several, or several times",
    )
    group.add_argument(
        "--data",
        metavar="POINTS.csv",
        help="points to draw in pictures: columns named as the inputs, or all columns in their order",
    )
    group.add_argument("--label", metavar="COLUMN", help="with --data: the column of their classes")


def add_printing(sub: argparse.ArgumentParser) -> None:
    """Add the options for what is printed."""
    group = sub.add_argument_group("what is printed").add_mutually_exclusive_group()
    group.add_argument("-q", "--quiet", action="store_true", help="nothing but errors")
    group.add_argument("--json", action="store_true", help="one JSON object, for scripts")
