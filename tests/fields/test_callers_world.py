"""Every public verb and member, where the caller has NumPy raise its floating-point errors, and warnings too.

The members are those that the objects have: what is new is tried too. Numbers are at the ends of float64,
where products overflow, underflow and lose their digits. What is asked is only that nothing leaks: a call
returns, or raises what it documents.
"""

import inspect
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

import tracer

BOX = [(-1.0, 1.0), (-1.0, 1.0)]
TINY, HUGE = 5e-324, 1.7e308
POINTS = np.array([[0.1, 0.2], [HUGE, -HUGE], [TINY, -1e-310], [1e160, 1e-160]])
DATA, LABELS = np.array([[0.0, 0.1], [1.0, 0.9], [0.2, 0.0], [0.8, 1.0]]), [0, 1, 0, 1]
# Arguments by their names; what has one without a value here is not called.
ARGUMENTS = {
    "classes": None,
    "inner": tracer.Plane([TINY, 0], [1e-170, 0], [0, 1e170]),
    "output": 0,
    "p": 0.5,
    "plane": tracer.Plane([TINY, 0], [1e-170, 0], [0, 1e170]),
    "points": POINTS,
    "s": [0.0, TINY, 0.3, HUGE, -HUGE],
    "side": 1,
    "st": POINTS,
    "tolerance": 1e-3,
    "value": TINY,
    "x": POINTS,
    "point": np.array([0.1, 0.2]),
    "i": 0,
    "j": 1,
}
# ImportError: pandas may be missing.
DOCUMENTED = (ValueError, TypeError, NotImplementedError, AttributeError, ImportError)


@pytest.fixture(autouse=True)
def strict():
    with np.errstate(all="raise"):
        yield
    plt.close("all")


def members(thing):
    """The public members of an object that can be had, or called, by their names."""
    for name in sorted(name for name in dir(thing) if not name.startswith("_")):
        static = inspect.getattr_static(thing, name)
        # A class method makes another object.
        if isinstance(static, classmethod | staticmethod):
            continue
        if inspect.isfunction(static):
            member = getattr(thing, name)
            parameters = inspect.signature(member).parameters.values()
            if all(p.name in ARGUMENTS or p.default is not p.empty for p in parameters):
                yield name, member, {p.name: ARGUMENTS[p.name] for p in parameters if p.name in ARGUMENTS}
        else:
            yield name, partial(getattr, thing, name), {}
    if callable(thing) and type(thing).__module__.startswith("tracer"):
        argument = next(iter(inspect.signature(thing).parameters))
        yield "()", thing, {argument: ARGUMENTS[argument]}


def leaks(thing):
    """What the members of an object raise that they do not document."""
    found = [f"repr: {error!r}" for error in raised(lambda: repr(thing))]
    for name, call, arguments in members(thing):
        found += [f"{type(thing).__name__}.{name}: {error!r}" for error in raised(call, **arguments)]
    return found


def raised(call, **arguments):
    try:
        call(**arguments)
    except DOCUMENTED:
        pass
    except Exception as error:
        yield error


def network(weight, bias, activation, scale):
    hidden = tracer.Layer(weight, bias, activation)
    return tracer.Network([hidden, tracer.Layer([[scale, -scale], [-scale, 2 * scale]], [0.1 * scale, 0.0])])


NETWORKS = {
    f"{activation} {size:g} {scale:g}": network(
        size * np.array([[1.0, 2], [3, -1]]), [0.1, 0.2], activation, scale
    )
    for activation in ("tanh", "sigmoid", "relu", "softplus", "gelu")
    for size, scale in ((1.0, 1.0), (1e154, 1e154), (1e-200, 1e-200), (TINY, 1.0), (1e300, TINY))
    if size in (1.0, 1e154) or activation in ("tanh", "relu")
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_at_the_ends_of_float64(name):
    each = NETWORKS[name]
    made = [*_made(each.margin, 0, 1), *_made(each.restrict, ARGUMENTS["plane"])]
    found = [leak for thing in (each, each.layers[0], *made) for leak in leaks(thing)]
    found += [
        str(error)
        for call in (each.level, each.probability)
        for at in (TINY, 0.5, HUGE, -TINY)
        for error in raised(call, output=0, **{"value" if call == each.level else "p": at})
    ]
    assert found == []


@pytest.mark.parametrize("name", [name for name in NETWORKS if "tanh" in name or "relu 1 " in name])
def test_verbs_at_the_ends_of_float64(name):
    each, found = NETWORKS[name], []
    for bounds in (BOX, [(-1e-300, 1e-300), (-1e300, 1e300)]):
        for verb in (tracer.trace, tracer.solve, tracer.trace_from):
            more = {tracer.solve: {"x1": 0.0}, tracer.trace_from: {"seed": [0.0, 0.0], "max_steps": 50}}.get(
                verb, {}
            )
            limits = {"max_cells": 100} if verb is tracer.trace else {}
            for field in _made(each.margin, 0, 1):
                arguments = {"field": field, "bounds": bounds, **more, **limits}
                found += [f"{verb.__name__}: {error!r}" for error in raised(verb, **arguments)]
        found += [
            f"{error!r}" for error in raised(tracer.partition, network=each, bounds=bounds, max_cells=100)
        ]
    assert found == []


PLANES = [
    ([0, 0], [size, 0], [0, other]) for size in (TINY, 1e-200, 1.0, 1e200, HUGE) for other in (size, 1.0)
]


@pytest.mark.parametrize("vectors", [*PLANES, ([HUGE, -HUGE], [1, 1], [1, 1 + 1e-9])])
def test_planes_at_the_ends_of_float64(vectors):
    found = [
        repr(error) for error in raised(tracer.Plane, **dict(zip(("origin", "u", "v"), vectors, strict=True)))
    ]
    for plane in () if found else _made(tracer.Plane, *vectors):
        found += leaks(plane)
        for made in _made(NETWORKS["tanh 1 1"].margin(0, 1).restrict, plane):
            found += [repr(error) for error in raised(made.value_and_gradient, x=POINTS)]
    for error in raised(tracer.Plane.through, a=vectors[0], b=vectors[1], c=vectors[2]):
        found.append(repr(error))
    assert found == []


def _made(make, *arguments):
    try:
        return [make(*arguments)]
    except DOCUMENTED:
        return []


def test_results_and_their_parts():
    circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 0.5)
    xor, bounds = tracer.example("xor")
    iris, its_bounds = tracer.example("iris")
    boundaries = [
        tracer.trace(circle, BOX),
        tracer.trace(NETWORKS["tanh 1 1"].margin(0, 1), BOX),
        tracer.trace(xor.margin(0, 1), bounds, max_cells=300),
        tracer.trace(lambda x1, x2: np.where(x1 > 0.1, x2, -1.0), BOX, max_cells=300),
        tracer.Boundary.of_curve(tracer.trace_from(circle, [0.7, 0.1], BOX)),
    ]
    partition = tracer.partition(iris, its_bounds, max_cells=600)
    things = [*boundaries, partition, circle, tracer.ExponentialSum(NETWORKS["sigmoid 1 1"].margin(0, 1))]
    things += [part for b in boundaries for part in (b.certificate, *b.curves, *b.clusters, *b.branch_points)]
    things += [*partition.regions, *partition.arcs, *partition.junctions, *partition.regions[0].pieces]
    things += [tracer.solve(circle, BOX, x1=0.1), boundaries[0].nearest(POINTS)]
    assert [leak for thing in things for leak in leaks(thing)] == []


@pytest.mark.parametrize("estimator", [LogisticRegression(), SVC()])
@pytest.mark.parametrize("scale", [1.0, 1e150])
def test_displays_of_estimators(estimator, scale):
    with np.errstate(all="ignore"):
        estimator.fit(DATA, LABELS)
    model = tracer.as_network(estimator)
    assert leaks(model) + leaks(model.margin(0, 1)) == []
    X = DATA * scale
    found = list(
        raised(tracer.BoundaryDisplay.from_estimator, estimator=estimator, X=X, y=LABELS, max_cells=300)
    )
    assert found == []
