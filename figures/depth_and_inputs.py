"""
Deeper networks, and more inputs
================================

How many cells a proof takes as hidden layers are added, and how long a network of up to 1280 × 720 × 3 inputs
takes on a plane through three samples; from the benchmarks' JSON.
"""

from drawing import measured, saved
from matplotlib.figure import Figure

TRACED, EVALUATED, FOLDED = "#d2691e", "#2f6ea5", "#8c8c8c"


def depth(ax, report):
    """Cells of each network, and their median, against the number of hidden layers."""
    rows = report["shapes"]["16 wide"]
    layers = [row["depth"] for row in rows]
    for row in rows:
        cells = [network["cells"] for network in row["networks"]]
        ax.plot([row["depth"]] * len(cells), cells, "o", color=TRACED, alpha=0.35, mew=0)
    ax.plot(layers, [row["cells"] for row in rows], "-", color=TRACED, label="median of three networks")
    ax.set(xlabel="hidden layers of 16 neurons", ylabel="cells", ylim=(0, None), title="deeper")
    ax.set_xticks(layers)


def inputs(ax, report):
    """Seconds against the number of inputs."""
    ways = {
        "on the plane": ("traced on the plane", "o-", TRACED),
        "restricting": ("put onto the plane, once", "s--", FOLDED),
        "one evaluation": ("one evaluation at one input", "^:", EVALUATED),
    }
    numbers = [row["inputs"] for row in report["rows"]]
    for way, (label, style, color) in ways.items():
        seconds = [row[way]["seconds"] for row in report["rows"]]
        ax.loglog(numbers, seconds, style, color=color, label=label)
    ax.set(xlabel="inputs", xlim=(1, 1e7), ylabel="seconds (median)", title="more inputs")


def draw(sizes, many_inputs):
    figure = Figure(figsize=(9.2, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    depth(left, sizes)
    inputs(right, many_inputs)
    for ax in (left, right):
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
    return figure


if __name__ == "__main__":
    figure = saved(draw(measured("sizes"), measured("inputs")), "depth_and_inputs")
