"""Tables of others beside us, from the reports of the benchmarks that the functions are named after."""

from markdown_table import curves, error, ratio, seconds, table


def vs_contours(report):
    between, chords = f"{error(report['tolerance'])} between points", error(report["polyline error"])
    rows = []
    for name, p in report["problems"].items():
        traced, lines = p["traced"], p["polylines"]
        ours = f"traced: {curves(traced)}, {seconds(traced['seconds'])}"
        rows.append([name, ours, error(traced["error bound"]), between])
        ours = f"its polylines at {chords}: {seconds(lines['seconds'])}"
        rows.append(["", ours, error(lines["vertex error"]), error(lines["error"])])
        polished = {row["side"]: row for row in p["polished"]}
        for grid in p["grids"]:
            for how, row in (("contour", grid), ("polished contour", polished.get(grid["side"]))):
                if row is not None:
                    at = f"{how} of {row['side']}²: {curves(row)}, {seconds(row['seconds'])}"
                    costs = [ratio(way["seconds"], row["seconds"]) for way in (traced, lines)]
                    rows.append(["", at, error(row["vertex error"]), error(row["error"]), *costs])
    head = ["", "curves, seconds", "error at vertices", "at chord midpoints", "traced / it", "polylines / it"]
    yield table(head, rows)


def summary(report):
    """What the documentation shows of `vs_contours`."""
    sides = (400, 1600)
    rows = []
    for name, p in report["problems"].items():
        grids = [contoured(grid) if grid else "" for grid in beside(p["grids"], sides)]
        rows.append([name, f"{curves(p['traced'])}, {seconds(p['traced']['seconds'])}", *grids])
    grids = [f"contour of {side}²: curves, error, seconds" for side in sides]
    yield table(["", "traced: curves, seconds", *grids], rows)


def vs_grid_roots(report):
    rows = []
    for name, lines in report["problems"].items():
        for row in lines:
            grid, traced = row["grid"], row["traced"]
            side = "not run: by its growth" if "extrapolated" in grid else grid["size"]
            cells = [error(row["error"]), side]
            for way in (grid, traced):
                cells += [f"{way['evaluations']:.2g}", seconds(way["seconds"])]
            rows.append([name, *cells, ratio(traced["seconds"], grid["seconds"])])
    costs = ["grid: evaluations", "seconds", "tracing: evaluations", "seconds", "tracing / grid"]
    yield table(["", "error", "side of the grid", *costs], rows)
    found = report["ratio on moons"]
    yield (
        f"On moons at {found['error']:.0e} the grid takes {found['seconds']:,.0f} times as long and "
        f"{found['evaluations']:,.0f} times the evaluations"
        f"{', both by its growth' * found['extrapolated']}. "
        "A cell on which F is bounded counts as an evaluation.\n"
    )


def vs_display(report):
    traced = report["traced"]
    rows = [
        [f"tracer, {name}", curves(row), error(row["error"]), seconds(row["seconds"])]
        for name, row in traced.items()
    ]
    for row in report["displays"]:
        name = f"scikit-learn, {row['response']}, {row['side']}²"
        cost = ratio(traced["lines"]["seconds"], row["seconds"])
        rows.append([name, curves(row), error(row["error"]), seconds(row["seconds"]), cost])
    yield table(["display", "curves", "error", "seconds", "our lines / it"], rows)


def not_measured(report):
    return f"Not measured: {report['how']}.\n"


def vs_auto(report):
    if not report["measured"]:
        yield not_measured(report)
        return
    traced = report["traced"]
    accuracy = [f"{traced['largest |F|']:.0e}", error(report["tolerance"])]
    rows = [["traced, proven", "", *accuracy, seconds(traced["seconds"])]]
    for row in report["AUTO-07p"]:
        name = f"AUTO-07p, steps ≤ {row['largest step']}"
        cost = ratio(traced["seconds"], row["seconds"])
        points = [row["points"], f"{row['largest |F|']:.0e}", error(row["error"])]
        rows.append([name, *points, seconds(row["seconds"]), cost])
    yield table(["", "points", "largest abs F", "error between", "seconds", "traced / it"], rows)


def vs_continuation(report):
    rows = []
    for name, problem in report["problems"].items():
        traced = {row["tolerance"]: row["seconds"] for row in problem["ours"] if row["verb"] == "trace"}
        names = [name] + [""] * (len(problem["ours"]) - 1)
        rows += [
            [shown, *continued_row(row, traced)] for shown, row in zip(names, problem["ours"], strict=True)
        ]
        rows += [["", *plain_row(row)] for row in problem["plain"]]
    head = [
        "",
        "",
        "points",
        "calls",
        "largest abs F",
        "error between",
        "seconds",
        "from a seed / all, proven, or / the walk",
        "",
    ]
    yield table(head, rows)


def continued_row(row, traced):
    """One of our ways."""
    name, cost = f"{row['verb']}, {error(row['tolerance'])}", ""
    if row["verb"] == "trace":
        remark = f"{row['curves']} curves, {'proven' if row['proven'] else 'not proven'}"
    else:
        cost = ratio(row["seconds"], traced[row["tolerance"]])
        remark = "" if row["the same curve"] else "not the curve that was proven"
    accuracy = [f"{row['largest |F|']:.0e}", error(row["error"])]
    return [name, row["points"], row.get("calls", ""), *accuracy, seconds(row["seconds"]), cost, remark]


def plain_row(row):
    """What the plain walk reached, and what of that is wrong."""
    remark = f"our chords as good: {row['ours']['points']} points, {seconds(row['ours']['seconds'])}"
    if row["length"] > 1.5:
        remark += f"; it goes round {row['length']:.0f} times"
    accuracy = [f"{row['largest |F|']:.0e}", error(row["error"])]
    cost = ratio(row["ours"]["seconds"], row["seconds"])
    return ["plain walk", row["points"], row["calls"], *accuracy, seconds(row["seconds"]), cost, remark]


def vs_codac(report):
    if not report["measured"]:
        yield not_measured(report)
        return
    traced = report["traced"]
    rows = [["traced, proven", traced["cells"], seconds(traced["seconds"])]]
    for row in report["codac"]:
        cost = ratio(traced["seconds"], row["seconds"])
        rows.append([f"codac, width {row['width']:.0e}", row["boxes"], seconds(row["seconds"]), cost])
    yield table(["", "cells or boxes", "seconds", "traced / it"], rows)


def piecewise_linear(report):
    shown = (50, 400, 3200)
    rows = []
    for name, p in report["problems"].items():
        traced = p["traced"]
        cells = [f"{curves(traced)}, {traced['vertices']} vertices, {seconds(traced['seconds'])}"]
        for grid in beside(p["grids"], shown):
            cells.append(f"{contoured(grid)}, {ratio(traced['seconds'], grid['seconds'])}" if grid else "")
        cells.append(p["first right"] or "none")
        if splinecam := p.get("SplineCam, published"):
            cells.append(f"{splinecam['seconds']:g} s, {error(splinecam['error'])}")
        rows.append([name, *cells])
    grids = [f"contour of {side}²: curves, error, seconds, traced / it" for side in shown]
    yield table(["", "traced: curves, vertices, seconds", *grids, "right from", "SplineCam, published"], rows)
    if report["collision avoidance"]:
        yield collision_avoidance(report["collision avoidance"])


def collision_avoidance(problems):
    sides = sorted({grid["side"] for p in problems.values() for grid in p["grids"]})
    rows = []
    for name, p in problems.items():
        found = [row and f"{curves(row)}, {seconds(row['seconds'])}" for row in beside(p["grids"], sides)]
        ours = f"{curves(p['traced'])}, {seconds(p['traced']['seconds'])}"
        rows.append([name, curves(p["exact"]), ours, *(cell or "" for cell in found)])
    return table(["", "exact", "traced", *(f"contour of {side}²" for side in sides)], rows)


def beside(grids, sides):
    """The rows of grids of given sides, None for those that were not run."""
    by_side = {grid["side"]: grid for grid in grids}
    return [by_side.get(side) for side in sides]


def contoured(grid):
    """Curves, error and seconds of a contour."""
    return f"{curves(grid)}, {error(grid['error'])}, {seconds(grid['seconds'])}"
