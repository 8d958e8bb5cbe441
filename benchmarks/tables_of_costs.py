"""Tables of our own costs, from the reports of the benchmarks that the functions are named after."""

from markdown_table import curves as counts
from markdown_table import error, ratio, seconds, table


def goals(report):
    said = {True: "yes", False: "**no**", None: "–"}
    rows = report["rows"]
    yield table(
        ["", "bound", "measured", "met"],
        ([row["goal"], row["bound"], row["measured"], said[row["met"]]] for row in rows),
    )


def accuracy(report):
    names = list(report["problems"])
    rows = []
    for lines in zip(*(report["problems"][name]["rows"] for name in names), strict=True):
        cells = [cell for row in lines for cell in (f"{row['evaluations']:,}", seconds(row["seconds"]))]
        rows.append([error(lines[0]["tolerance"]), *cells])
    ratios = [cell for name in names for cell in ("", f"{report['problems'][name]['1e-12 over 1e-6']:.2f} ×")]
    rows.append(["1e-12 : 1e-6", *ratios])
    head = [cell for name in names for cell in (f"{name}: evaluations", "seconds")]
    yield table(["tolerance", *head], rows)


def sizes(report):
    for name, shapes in report["shapes"].items():
        rows = [
            [
                row["width"],
                row["depth"],
                f"{row['proven']} of {len(row['networks'])}",
                f"{row['cells']:,.0f}",
                seconds(row["seconds"]),
                seconds(row["seconds per length"]),
                seconds(row["contour seconds"]),
                ratio(row["seconds"], row["contour seconds"]),
            ]
            for row in shapes
        ]
        side = f"contour of {report['side']}²"
        head = ["width", "hidden layers", "proven", "cells", "seconds", "per length", side, "traced / it"]
        yield f"{name[0].upper()}{name[1:]}\n"
        yield table(head, rows)


def curves(report):
    rows = []
    for row in report["rows"]:
        traced, lines = row["traced"], row["polylines"]
        cells = [row["curves"], seconds(traced["seconds"]), seconds(traced["seconds"] / row["curves"])]
        cells += [first_grid(row.get("right count"), traced), seconds(lines["seconds"])]
        rows.append([*cells, first_grid(row.get("equal error"), lines)])
    at = f"{report['error']:.0e}"
    grids = [
        "first contour with the right count, traced / it",
        f"polylines at {at}",
        f"first contour within {at}, polylines / it",
    ]
    yield table(["curves", "traced", "per curve", *grids], rows)


def first_grid(grid, ours):
    """The first grid that is good enough, and our seconds over its."""
    if grid is None:
        return "finer than is run"
    return f"{grid['side']}²: {seconds(grid['seconds'])}, {ratio(ours['seconds'], grid['seconds'])}"


def inputs(report):
    names = ("one product with three vectors", "restricting", "one evaluation")
    rows = []
    for row in report["rows"]:
        traced = [
            f"{counts(row[how])}, {seconds(row[how]['seconds'])}"
            for how in ("on the plane", "with two inputs")
        ]
        after = f"{row['ratio after the fold']:.2f} ×"
        rows.append([f"{row['inputs']:,}", *(seconds(row[n]["seconds"]) for n in names), *traced, after])
    yield table(["inputs", *names, "traced on the plane", "traced with two inputs", "ratio"], rows)


def limit(report):
    phases = list(next(iter(report["problems"].values()))["phases"])
    rows = []
    for name, p in report["problems"].items():
        parts = [p["in all"], *(p["phases"][phase] for phase in phases)]
        rows.append([name, *(f"{part['multiple']:.1f} × {seconds(part['replayed'])}" for part in parts)])
    yield table(["total as a multiple of its evaluations", "in all", *phases], rows)


def memory(report):
    rows = []
    for name, p in report["problems"].items():
        for row in p["pavings"]:
            cells = [f"{row[key]:,}" for key in ("cells", "queued", "decided")]
            rows.append([name, *cells, f"{row['bytes per cell kept']:.0f}", f"{row['chunk MiB']:.1f} MiB"])
    yield table(["", "cells looked at", "queued", "decided", "bytes per cell kept", "largest chunk"], rows)
    peaks = (f"{p['peak of a trace MiB']:.1f} MiB of {name}" for name, p in report["problems"].items())
    yield f"Allocated at most during a whole trace: {', '.join(peaks)}.\n"
    t1 = report["T1"]
    rows = [
        [name, *(f"{t1[name][how]:.1f} MiB" for how in ("allocated", "resident"))]
        for name in ("first trace", "second trace")
    ]
    yield table(["T1, beyond `import tracer`", "allocated by Python", "growth of the process"], rows)


def enclosures(report):
    kinds = list(dict.fromkeys(kind for rows in report["problems"].values() for kind in rows))
    rows = []
    for name, p in report["problems"].items():
        cells = []
        for kind in kinds:
            row = p.get(kind)
            given_up = f"over {report['most cells']:,} cells" if kind in p else "–"
            cells.append(f"{row['cells']:,}, {seconds(row['seconds'])}" if row else given_up)
        rows.append([name, *cells])
    yield table(["cells, seconds of paving", *kinds], rows)


def many(report):
    rows = [[name, seconds(spent)] for name, spent in report["seconds"].items()]
    yield f"{report['problems']} problems, {report['curves']} curves.\n"
    yield table(["", "seconds"], rows)
