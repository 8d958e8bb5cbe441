# pyright: strict
"""What README and docs tell users to write, with its types: read in strict mode, never run."""

from concurrent.futures import ThreadPoolExecutor
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import tracer

Array = NDArray[np.float64]


def fields(model: object, x: Array) -> None:
    """From a model to its boundaries."""
    bounds = [(-2, 2), (-2.5, 2.0)]
    network = tracer.as_network(model)
    margin = network.margin(0, 1)
    assert_type(tracer.trace(margin, bounds), tracer.Boundary)
    by_label = network.margin(classes=("no", "yes"))
    plane = tracer.Plane.of_features("age", "income", at=x)
    on_plane = network.restrict(tracer.Plane.through(x, x + 1, [1.0, 2, 3])).margin(0, 1)
    print(by_label, plane.lift([0, 1]).shape, on_plane.n_inputs, network.classes, network(x).shape)
    print(network.probability("yes", 0.9), network.level(0, 0.5))
    loaded = tracer.load("net.onnx", output="logits", shape=(1, 3, 32, 32))
    assert_type(loaded, tracer.Network)
    assert_type(loaded.margin(0, 1), tracer.Network)
    assert_type(loaded(x), Array)
    example, box = tracer.example("paper")
    tracer.trace(example.margin(0, 1), box, tolerance=1e-8, time_limit=10, progress=True)
    tracer.trace(lambda x1, x2: x1**2 + x2**2 - 1, np.array(bounds))
    circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
    tracer.trace(circle, bounds)
    tracer.partition([circle, circle], bounds)
    tracer.Network([tracer.Layer([[1, 2], [3, 4]], [0, 0], "tanh"), tracer.Layer(x, [0.0], "linear")])


def displays(model: object, x: Array) -> None:
    """Displays of classifiers, of two classes or more, without narrowing."""
    display = tracer.BoundaryDisplay.from_estimator(model, x, y=[0, 1], eps=0.1)
    display.figure_.savefig("moons.png")
    assert_type(display.boundary, tracer.Boundary)
    assert_type(display.boundary.certificate.complete, bool)
    assert_type(tracer.BoundaryDisplay.from_estimator(model, x).partition, tracer.Partition)


def results(boundary: tracer.Boundary, x: Array) -> None:
    """Numbers of a boundary."""
    for curve in boundary:
        assert_type(curve.points, Array)
        assert_type(curve(0.5 * curve.length), Array)
        assert_type(curve.tangent([0.0, 1.0]), Array)
        assert_type(curve.closed, bool)
        print([turn.point for turn in curve.turning_points], [end.name for end in curve.ends])
    assert_type(boundary[0].lift(), Array)
    assert_type(boundary.status, tracer.Status)
    assert_type(boundary.certificate.complete, bool)
    assert_type(boundary.nearest(x).distances, Array)
    assert_type(boundary.nearest([(0, 0), (1, 2)]).proven.all(), np.bool_)
    assert_type(boundary.distance(x), Array)
    assert_type(boundary.area("yes"), float)
    print(boundary.classify(x), len(boundary), boundary.branch_points)
    boundary.save("boundary.npz")
    assert_type(tracer.Boundary.load("boundary.npz"), tracer.Boundary)
    seeded = tracer.trace_from(lambda x1, x2: x1 - x2, (0.9, 0.1), [(-2, 2), (-2, 2)])
    assert_type(seeded, tracer.Curve)
    roots = tracer.solve(lambda x1, x2: x1 - x2, [(-2, 2), (-2, 2)], x2=0.3)
    assert_type(roots.points, Array)
    assert_type(roots[0], float)
    assert_type(list(roots), list[float])


def pictures(boundary: tracer.Boundary, model: object, x: Array, y: list[str]) -> None:
    """Displays."""
    assert_type(boundary.plot(shading=True), tracer.BoundaryDisplay)
    boundary.plot(X=x, y=y, classes=("no", "yes")).figure_.savefig("boundary.png")
    divided = tracer.partition(tracer.example("iris")[0], ((0, 8), (-1, 3)))
    assert_type(divided, tracer.Partition)
    assert_type(divided.plot(), tracer.PartitionDisplay)
    divided.plot(junctions=True).ax_.set_title("iris")
    for region in divided.regions:
        print(region.label, region.area, len(region.pieces))
    display = tracer.BoundaryDisplay.from_estimator(model, x, y=y, eps=0.5)
    display.figure_.savefig("display.png")


def sweep(problems: list[tuple[tracer.Network, list[tuple[float, float]]]]) -> None:
    """Many boundaries."""
    with ThreadPoolExecutor(2) as pool:
        for outcome in tracer.trace_many(problems, pool, folder="sweep"):
            assert_type(outcome, tracer.Outcome)
