"""Tables of others beside us, from the reports of the benchmarks that the functions are named after."""

from markdown_table import curves, error, ratio, seconds, table


def vs_contours(report):
    rows = []
    for name, p in report["problems"].items():
        traced, lines = p["traced"], p["polylines"]
        polished = {row["side"]: row for row in p["polished"]}
        ours = f"{curves(traced)}, {seconds(traced['seconds'])}"
        rows.append(
            [
                name,
                f"traced: {ours}",
                error(traced["error bound"]),
                f"{error(report['tolerance'])} between points",
                "",
                "",
            ]
        )
        at = f"its polylines at {report['polyline error']:.0e}"
        rows.append(
            [
                "",
                f"{at}: {seconds(lines['seconds'])}",
                error(lines["vertex error"]),
                error(lines["error"]),
                "",
                "",
            ]
        )
        for grid in p["grids"]:
            for how, row in (("contour", grid), ("polished contour", polished.get(grid["side"]))):
                if row is not None:
                    at = f"{how} of {row['side']}²: {curves(row)}, {seconds(row['seconds'])}"
                    costs = [ratio(way["seconds"], row["seconds"]) for way in (traced, lines)]
                    rows.append(["", at, error(row["vertex error"]), error(row["error"]), *costs])
    yield table(
        ["", "curves, seconds", "error at vertices", "at chord midpoints", "traced / it", "polylines / it"],
        rows,
    )


def summary(report):
    """What the README shows of `vs_contours`."""
    sides = (400, 1600)
    rows = []
    for name, p in report["problems"].items():
        grids = {grid["side"]: grid for grid in p["grids"]}
        cells = [
            f"{curves(grid)}, {error(grid['error'])}, {seconds(grid['seconds'])}" if grid else ""
            for grid in map(grids.get, sides)
        ]
        rows.append([name, f"{curves(p['traced'])}, {seconds(p['traced']['seconds'])}", *cells])
    grids = [f"contour of {side}²: curves, error, seconds" for side in sides]
    yield table(["", "traced: curves, seconds", *grids], rows)


def vs_grid_roots(report):
    rows = []
    for name, lines in report["problems"].items():
        for row in lines:
            grid, traced = row["grid"], row["traced"]
            side = "not run: by its growth" if "extrapolated" in grid else grid["size"]
            rows.append(
                [
                    name,
                    error(row["error"]),
                    side,
                    f"{grid['evaluations']:.2g}",
                    seconds(grid["seconds"]),
                    f"{traced['evaluations']:.2g}",
                    seconds(traced["seconds"]),
                    ratio(traced["seconds"], grid["seconds"]),
                ]
            )
    head = [
        "",
        "error",
        "grid: side",
        "evaluations",
        "seconds",
        "tracing: evaluations",
        "seconds",
        "tracing / grid",
    ]
    yield table(head, rows)
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
        [f"tracer, {name}", curves(row), error(row["error"]), seconds(row["seconds"]), ""]
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
    rows = [
        [
            "traced, proven",
            "",
            f"{traced['largest |F|']:.0e}",
            error(report["tolerance"]),
            seconds(traced["seconds"]),
            "",
        ]
    ]
    for row in report["AUTO-07p"]:
        name = f"AUTO-07p, steps ≤ {row['largest step']}"
        cost = ratio(traced["seconds"], row["seconds"])
        points = [row["points"], f"{row['largest |F|']:.0e}", error(row["error"])]
        rows.append([name, *points, seconds(row["seconds"]), cost])
    yield table(["", "points", "largest abs F", "error between", "seconds", "traced / it"], rows)


def vs_codac(report):
    if not report["measured"]:
        yield not_measured(report)
        return
    traced = report["traced"]
    rows = [["traced, proven", traced["cells"], seconds(traced["seconds"]), ""]]
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
        for grid in p["grids"]:
            if grid["side"] in shown:
                cost = ratio(traced["seconds"], grid["seconds"])
                cells.append(f"{curves(grid)}, {error(grid['error'])}, {seconds(grid['seconds'])}, {cost}")
        splinecam = p.get("SplineCam, published")
        published = f"{splinecam['seconds']:g} s, {splinecam['error']:.0e}" if splinecam else ""
        rows.append([name, *cells, p["first right"] or "none", published])
    grids = [f"contour of {side}²: curves, error, seconds, traced / it" for side in shown]
    yield table(
        ["", "traced: curves, vertices, seconds", *grids, "right from", "SplineCam, published"],
        rows,
    )
    if not (avoidance := report["collision avoidance"]):
        return
    sides = sorted({grid["side"] for p in avoidance.values() for grid in p["grids"]})
    rows = []
    for name, p in avoidance.items():
        grids = {grid["side"]: f"{curves(grid)}, {seconds(grid['seconds'])}" for grid in p["grids"]}
        ours = f"{curves(p['traced'])}, {seconds(p['traced']['seconds'])}"
        rows.append([name, curves(p["exact"]), ours, *(grids.get(side, "") for side in sides)])
    yield table(["", "exact", "traced", *(f"contour of {side}²" for side in sides)], rows)
