"""
The paper's conclusion, in one picture
======================================

How many evaluations of a network of 1280 × 720 × 3 inputs does its boundary take? All images, a grid on a
plane, and an atlas of charts on that plane, proven complete. The axis counts the digits of these numbers.
"""

import math

from drawing import measured, saved
from matplotlib.figure import Figure

PIXELS = 1280 * 720
SIDE = 1000


def draw(report):
    row = report["rows"][-1]
    atlas = row["on the plane"]
    digits = {
        "all images": 3 * PIXELS * math.log10(256) + 1,
        f"a grid of {SIDE}² on a plane": math.log10(SIDE**2) + 1,
        "an atlas on that plane, proven": math.log10(atlas["cells"] + atlas["evaluations"]) + 1,
    }
    figure = Figure(figsize=(7.5, 2.6), layout="constrained")
    ax = figure.add_subplot()
    bars = ax.barh(list(digits), list(digits.values()), color=["#8c8c8c", "#d2691e", "#2f6ea5"])
    ax.bar_label(bars, [f"{int(n):,} digits" for n in digits.values()], padding=4)
    ax.set(xscale="log", xlim=(1, 1e10), xlabel="digits of the number of evaluations")
    ax.set_title(f"{row['inputs']:,} inputs")
    ax.invert_yaxis()
    return figure


if __name__ == "__main__":
    figure = saved(draw(measured("inputs")), "conclusion")
