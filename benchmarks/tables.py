"""All tables, drawn from the benchmarks' JSON files into RESULTS.md; nothing in it is typed by hand.

    python benchmarks/tables.py

A section is a benchmark: its question is the first line of its file. One table is drawn into a page of the
documentation too, between two marks.
"""

import ast
import json
from pathlib import Path

import tables_of_costs
import tables_of_rivals
from markdown_table import footer

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "explanation" / "cost.md"
MARKS = ("<!-- drawn by benchmarks/tables.py -->\n", "<!-- to here -->\n")
INTRODUCTION = """# What the benchmarks measured

Drawn by `python benchmarks/tables.py` from the JSON files in `results/`, which `python benchmarks/run.py`
writes. Ways that are compared ran in turn in one process, and times are medians. Errors are the largest
distance of a chord's midpoint from the curve, in units of the box, unless the table says otherwise; those of
contours are measured up to 0.02. In brackets are closed curves. A ratio in **bold** is where we are slower.
"""


SECTIONS = (
    (tables_of_costs, "goals"),
    (tables_of_rivals, "vs_contours"),
    (tables_of_rivals, "vs_grid_roots"),
    (tables_of_rivals, "vs_display"),
    (tables_of_rivals, "vs_auto"),
    (tables_of_rivals, "vs_continuation"),
    (tables_of_rivals, "vs_codac"),
    (tables_of_rivals, "piecewise_linear"),
    (tables_of_costs, "accuracy"),
    (tables_of_costs, "sizes"),
    (tables_of_costs, "curves"),
    (tables_of_costs, "inputs"),
    (tables_of_costs, "limit"),
    (tables_of_costs, "memory"),
    (tables_of_costs, "enclosures"),
    (tables_of_costs, "many"),
)


def question(name):
    """The first line of a benchmark's file."""
    return ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))).splitlines()[0]


def read(name):
    """What a benchmark wrote; None where it was not run."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def section(module, name):
    """A benchmark's question and its tables."""
    yield f"## {question(name)}\n"
    report = read(name)
    if report is None:
        yield f"`benchmarks/{name}.py` was not run.\n"
        return
    yield f"`benchmarks/{name}.py`. {footer(report)}"
    yield from getattr(module, name)(report)


def text():
    """The whole file."""
    return "\n".join([INTRODUCTION, *(part for which in SECTIONS for part in section(*which))])


def with_summary(page):
    """The page, with the table between its marks drawn anew."""
    report = read("vs_contours")
    before, rest = page.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    drawn = "\n".join(["", *tables_of_rivals.summary(report), footer(report)])
    return f"{before}{MARKS[0]}{drawn}{MARKS[1]}{after}"


def main():
    """Write both."""
    (HERE / "RESULTS.md").write_text(text(), encoding="utf-8")
    PAGE.write_text(with_summary(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print("wrote the tables")


if __name__ == "__main__":
    main()
