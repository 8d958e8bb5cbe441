"""The commands, their arguments, and the statuses with which they exit.

The arguments of a command are added when it is parsed: their choices and defaults are those of the library,
which is imported only then. So ``tracer --version`` and the list of commands need neither NumPy nor SciPy.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from tracer._version import __version__

STATUSES = """exit status:
    0  done: proven, proven outside the listed cells, sampled, or followed from a seed
    1  an error in tracer itself, with a traceback: please report it
    2  bad input: one line says what is wrong
    3  a budget (--max-cells, --time-limit, --max-steps) ended the work; what was found is printed and saved
    4  the arithmetic of this process is not IEEE double precision: nothing is proven
  130  interrupted (Ctrl-C);  143  terminated.  Files are written whole or not at all"""
BAD_INPUT = 2


class Command(NamedTuple):
    """A command: a sentence on what it does, and an example of its arguments."""

    text: str
    example: str


COMMANDS = {
    "trace": Command(
        "Trace a boundary, print its curves, and save it.",
        "net.json --classes 0 1 --bounds -1e-3 1 -2 2 -o boundary.npz picture.png",
    ),
    "partition": Command(
        "Divide a box into the regions of all classes.",
        "net.onnx --through a.npy b.npy c.npy -o regions.png -o regions.geojson",
    ),
    "plot": Command(
        "Draw a saved boundary or partition.",
        "boundary.npz --data points.csv --label species -o picture.png",
    ),
    "explore": Command(
        "Show a page in the browser: zoom, choose classes, drag weights.",
        "--example paper",
    ),
    "bench": Command("Compare tracing with grid root-finding at equal error.", "--example moons --json"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser, commands = _parsers()
    if "_ARGCOMPLETE" in os.environ:
        _complete(parser, commands)
    arguments = parser.parse_args(_shield_numbers(sys.argv[1:] if argv is None else argv))
    if not hasattr(arguments, "run"):
        parser.print_help()
        return 0
    from tracer.cli.effects import refuse_idle
    from tracer.cli.names import as_options

    try:
        refuse_idle(arguments)
        return arguments.run(arguments)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"tracer: {as_options(str(error))}", file=sys.stderr)
        return BAD_INPUT


def _parsers() -> tuple["_Parser", dict[str, "_CommandParser"]]:
    """The parser of ``tracer``, and the parser of each command by its name."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="tracer",
        description="The decision boundary of a neural network: all of its curves, with a proof.",
        epilog=STATUSES,
        formatter_class=layout,
    )
    parser.add_argument("--version", action="version", version=f"tracer {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_CommandParser)
    return parser, {
        name: commands.add_parser(
            name,
            help=command.text,
            description=command.text,
            epilog=f"example:\n  tracer {name} {command.example}\n\n{STATUSES}",
            formatter_class=layout,
        )
        for name, command in COMMANDS.items()
    }


def _complete(parser: "_Parser", commands: dict[str, "_CommandParser"]) -> None:
    """Print the completions of the line that the shell passes, and exit."""
    line = os.environ.get("COMP_LINE", "").split()
    for name, command in commands.items():
        if name in line:  # argcomplete reads a command's arguments before the command's parser parses
            command.fill()
    import_module("argcomplete").autocomplete(parser)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"tracer: {message}\n")


class _CommandParser(_Parser):
    """A parser to which its arguments are added when it begins to parse."""

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        self.fill()
        return super().parse_known_args(*given, **named)

    def fill(self) -> None:
        """Add the arguments, unless they were added before."""
        if self.get_default("run") is None:
            add_arguments, run = import_module("tracer.cli.verbs").VERBS[self.prog.split()[-1]]
            self.set_defaults(run=run)
            add_arguments(self)


def _shield_numbers(argv: Sequence[str]) -> list[str]:
    """Put a space before negative numbers: argparse takes "-1e-3" for an option, but not " -1e-3"."""
    return [f" {text}" if text.startswith("-") and is_number(text) else text for text in argv]


def is_number(text: str) -> bool:
    """Whether Python reads a text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
