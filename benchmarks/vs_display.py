"""How long does a picture of a classifier's boundary take in one line, and how far off is it?

    python benchmarks/vs_display.py

scikit-learn's DecisionBoundaryDisplay.from_estimator with plot_method="contour", for an MLPClassifier of
two layers of 16 tanh fitted to two moons, against tracer.BoundaryDisplay.from_estimator, in turn: both from
the estimator to lines on a figure that is not rendered. Ours colours the two sides unless told not to,
which is measured too; contours of scikit-learn do not. Without `levels` scikit-learn's contour of a binary
classifier does not contain its boundary at all; with levels=[0.5] those of the probability and of the
predicted class do. The error is the largest distance of the drawn chords' midpoints from the curve, in
units of the box. Ours draws chords to 1e-4; the boundary behind it, `display.boundary`, has its proven
error bound.
Writes results/vs_display.json.
"""

import numpy as np
from contours import chords_of, errors, grid_row, traced_row
from matplotlib.figure import Figure
from measurement import in_turn, write
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.neural_network import MLPClassifier

import tracer

RESOLUTIONS = (100, 400, 1000)
RESPONSES = ("predict_proba", "predict")


def fitted():
    """The classifier and its data."""
    X, y = make_moons(200, noise=0.2, random_state=0)
    model = MLPClassifier((16, 16), activation="tanh", solver="lbfgs", max_iter=2000, random_state=0)
    return model.fit(X, y), X


def scikit_learn(model, X, resolution, response):
    """The drawn lines of scikit-learn's display."""
    display = DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        grid_resolution=resolution,
        response_method=response,
        plot_method="contour",
        levels=[0.5],
        ax=Figure().subplots(),
    )
    (path,) = display.surface_.get_paths()
    return [line for line in path.to_polygons(closed_only=False) if len(line) > 1]


def ours(model, X, shading):
    """Our display."""
    return tracer.BoundaryDisplay.from_estimator(model, X, shading=shading, ax=Figure().subplots())


def traced(run):
    """Our lines as they are drawn, and the boundary behind them."""
    display = run.result
    drawn = [np.asarray(line) for line in display.lines_.get_segments()]
    boundaries = run._replace(results=[shown.boundary for shown in run.results])
    found = errors(display.boundary.field, display.boundary.bounds, drawn)
    return traced_row(boundaries) | found | {"chords": len(chords_of(drawn))}


def main():
    """Measure, print and write."""
    model, X = fitted()
    sides = {(n, response): (model, X, n, response) for n in RESOLUTIONS for response in RESPONSES}
    done = in_turn(
        {
            "lines": lambda: ours(model, X, False),
            "lines and sides": lambda: ours(model, X, True),
        }
        | {side: lambda of=of: scikit_learn(*of) for side, of in sides.items()}
    )
    boundary = done["lines"].result.boundary
    report = {
        "traced": {name: traced(done.pop(name)) for name in ("lines", "lines and sides")},
        "displays": [
            {"response": response} | grid_row(boundary.field, boundary.bounds, n, run)
            for (n, response), run in done.items()
        ],
    }
    print(report)
    write("vs_display", report, "scikit-learn", "matplotlib", "contourpy")


if __name__ == "__main__":
    main()
