"""Make the networks of `tracer.example`: fit the trained ones, write down the constructed ones.

    python benchmarks/train_examples.py [FOLDER]

One more, relu-moons, is for the benchmark of piecewise linear networks, and lies in networks/ here.

Fitting ends in slightly different weights on other machines, so the files in the package are the
ones that were made once (scikit-learn 1.9.1) and every test and figure refers to those.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris, make_moons
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tracer


def classifier(model, classes, scaler=None):
    """The layers of an MLPClassifier; a single logit gets a zero row, so that outputs are classes."""
    weights = [W.T for W in model.coefs_]
    biases = list(model.intercepts_)
    if scaler is not None:
        biases[0] = biases[0] - weights[0] @ (scaler.mean_ / scaler.scale_)
        weights[0] = weights[0] / scaler.scale_
    if len(weights[-1]) == 1:
        weights[-1] = np.concatenate([np.zeros_like(weights[-1]), weights[-1]])
        biases[-1] = np.append(0.0, biases[-1])
    names = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
    hidden = [names[model.activation]] * (len(weights) - 1)
    layers = [tracer.Layer(W, b, a) for W, b, a in zip(weights, biases, [*hidden, "softmax"], strict=True)]
    return tracer.Network(layers, classes=classes)


def paper():
    """T3 of the standing test problems: z1 and z2 take half of each weight difference."""
    W = [[1.5, 4.5], [4.5, -3.0], [-1.5, 3.75]]
    v, d = np.array([-3.0, 2.5, 1.5]), -0.5
    return tracer.Network(
        [
            tracer.Layer(W, [-3.0, -1.0, -1.0], "sigmoid"),
            tracer.Layer([v / 2, -v / 2], [d / 2, -d / 2], "sigmoid"),
        ],
        classes=["z1", "z2"],
    )


def xor():
    """F = g(a) − g(b), a = 4(x1 + x2 − 1), b = 4(x1 − x2), with g(t) = tanh(t + 1) − tanh(t − 1).

    g is even and falls with |t|, so F = 0 exactly where |a| = |b|: on the lines x1 = ½ and x2 = ½.
    """
    W = [[4.0, 4.0], [4.0, 4.0], [4.0, -4.0], [4.0, -4.0]]
    v = np.array([1.0, -1.0, -1.0, 1.0])
    return tracer.Network(
        [
            tracer.Layer(W, [-3.0, -5.0, 1.0, -1.0], "tanh"),
            tracer.Layer([v, -v], [0.0, 0.0], "softmax"),
        ],
        classes=["unequal", "equal"],
    )


def moons(samples, noise, sizes, activation="tanh", **options):
    X, y = make_moons(samples, noise=noise, random_state=0)
    model = MLPClassifier(sizes, activation, solver="lbfgs", random_state=0, **options).fit(X, y)
    return classifier(model, ["upper", "lower"])


def iris():
    data = load_iris()
    scaler, model = make_pipeline(
        StandardScaler(),
        MLPClassifier((16,), activation="tanh", solver="lbfgs", alpha=0.3, max_iter=2000, random_state=1),
    ).fit(data.data[:, 2:], data.target)
    return classifier(model, data.target_names.tolist(), scaler)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(".")
    made = {
        "paper": paper(),
        "xor": xor(),
        "iris": iris(),
        "moons": moons(200, 0.2, (16, 16), max_iter=2000),
        "noisy-moons": moons(400, 0.35, (64, 64), alpha=1e-6, max_iter=5000),
        "relu-moons": moons(400, 0.35, (32, 32), "relu", alpha=1e-6, max_iter=5000),
    }
    for name, network in made.items():
        network.save(folder / f"{name}.json")
        print(f"{name}: {network!r}")


if __name__ == "__main__":
    main()
