"""
Evaluations against error
=========================

Evaluations and seconds against error, traced and by grid root-finding; from the benchmark's JSON.
"""

from drawing import measured, saved
from matplotlib.figure import Figure

COLORS = {"grid": "#2f6ea5", "traced": "#d2691e"}
NAMES = {"grid": "grid root-finding", "traced": "tracing"}


def draw(report):
    names = list(report["problems"])
    figure = Figure(figsize=(7.6, 5.6), layout="constrained")
    axes = figure.subplots(2, len(names), sharex=True, sharey="row")
    for column, name in enumerate(names):
        for row, what in enumerate(("evaluations", "seconds")):
            ax = axes[row, column]
            for method, color in COLORS.items():
                points = [
                    (r["error"], r[method][what], bool(r[method].get("extrapolated")))
                    for r in report["problems"][name]
                    if what in r[method]
                ]
                run = [p for p in points if not p[2]]
                ax.loglog(
                    *zip(*[p[:2] for p in run], strict=True), "o-", color=color, ms=4, label=NAMES[method]
                )
                beyond = run[-1:] + [p for p in points if p[2]]
                if len(beyond) > 1:
                    ax.loglog(
                        *zip(*[p[:2] for p in beyond], strict=True),
                        ":",
                        color=color,
                        label="not run: by its growth",
                    )
            ax.minorticks_off()
            ax.grid(alpha=0.3)
        axes[0, column].set_title(name)
        axes[1, column].set_xlabel("error at chord midpoints (box units)")
    axes[0, 0].invert_xaxis()  # one for all: they share it
    axes[0, 0].set_ylabel("evaluations of F")
    axes[1, 0].set_ylabel("seconds (median)")
    axes[0, 0].legend(frameon=False)
    return figure


if __name__ == "__main__":
    figure = saved(draw(measured("vs_grid_roots")), "vs_grid_roots")
