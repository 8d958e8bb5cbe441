"""
The picture of the proof
========================

The proof of the paper's network: empty cells, charts, crossings, and the curves they carry.
"""

from drawing import saved
from matplotlib.figure import Figure

import tracer


def draw():
    network, bounds = tracer.example("paper")
    figure = Figure(figsize=(6.6, 4.8), layout="constrained")
    tracer.trace(network.margin(0, 1), bounds).certificate.plot(figure.add_subplot())
    return figure


if __name__ == "__main__":
    figure = saved(draw(), "proof")
