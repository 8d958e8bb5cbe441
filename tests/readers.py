"""The table of what is read with proof: names from the readers' own tables, as far as they are tested.

    python tests/readers.py

An estimator is in the table if its example is traced, and proven; an operator of a graph if a test names it.
"""

import sys
from pathlib import Path

import tracer
from cases.estimators import BOX, EXAMPLES, field_of, fitted
from tracer.models import loading
from tracer.models.keras import configuration as keras_configuration
from tracer.models.keras import graph as keras_graph
from tracer.models.keras import products as keras_products
from tracer.models.onnx.operators import table as onnx_operators
from tracer.models.scikit_learn import estimators, kernels, processes, steps
from tracer.models.torch_modules import operators as torch_operators

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "howto" / "models.md"
MARKS = ("<!-- drawn by tests/readers.py -->\n", "<!-- to here, from readers -->\n")
# What the names do not say.
CONDITIONS = """\
Support vector machines and one against one for two or three classes, Gaussian processes for two, calibration
by sigmoids, soft votes. Any other model that predicts is evaluated by its library: `SAMPLED`."""


def status(name):
    """What is known of the boundary of an estimator's example; None if there is no example."""
    if name not in EXAMPLES:
        return None
    return tracer.trace(field_of(tracer.as_network(fitted(name))), BOX).status


def proven():
    """The estimators whose examples are proven."""
    return [name for name in estimators.READERS if status(name) is tracer.Status.PROVEN]


def named(names, pattern):
    """Those names that a test names, as a text in quotes."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(TESTS.rglob(pattern)))
    return sorted(name for name in names if f'"{name}"' in text)


def table(estimators_proven):
    """The lines of the table."""
    operators = {name for rows in onnx_operators.TABLES for name in rows}
    functions = {*torch_operators.TABLE, *torch_operators.MOVES, *torch_operators.JOINS}
    layers = {*keras_graph.OF_ONE, *keras_products.OF_SEVERAL, *keras_configuration.WRAPPERS}
    rows = [
        ("files", loading.READERS, ""),
        ("ONNX", named(operators, "*onnx*.py"), "in any graph that is a chain of layers"),
        ("torch", [f"{len(functions)} functions"], "in any forward that is a chain of layers"),
        ("Keras", sorted(layers), "in any such model"),
        ("scikit-learn", estimators_proven, ""),
        ("their kernels", [*kernels.MACHINES, *processes.KERNELS], ""),
        ("steps before them", steps.STEPS, "in a Pipeline"),
    ]
    yield "| | proven |\n"
    yield "|---|---|\n"
    for name, entries, where in rows:
        if entries:
            yield f"| {name} | {', '.join(entries)}{f'; {where}' * bool(where)} |\n"
    yield f"\n{CONDITIONS}\n"


def with_table(page, lines):
    """The page with the table between its marks drawn anew."""
    before, rest = page.split(MARKS[0])
    return f"{before}{MARKS[0]}\n{''.join(lines)}{MARKS[1]}{rest.split(MARKS[1])[1]}"


def main():
    """Draw it."""
    drawn = with_table(PAGE.read_text(encoding="utf-8"), table(proven()))
    PAGE.write_text(drawn, encoding="utf-8")
    print("drew the table of readers")


if __name__ == "__main__":
    sys.exit(main())
