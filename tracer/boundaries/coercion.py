"""Conversion of a user's argument to a field; an error names the line of code that makes it one."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tracer.fields.box import Box
from tracer.fields.checks import kinds_of, shown
from tracer.fields.classifier import Classifier, SeveralFields
from tracer.fields.evaluations import Evaluations
from tracer.fields.field import Field
from tracer.fields.function import Function
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.model import Model

# Points at which a callable is checked first, in shares of the box: on no axis of symmetry.
PROBES = np.array([[0.137, 0.291], [0.352, 0.823], [0.571, 0.447], [0.783, 0.106], [0.914, 0.668]])

# What `as_field` takes.
FieldLike = Field | Callable[[Any, Any], Any]


def as_field(field: Any, name: str = "field") -> Field:
    """Convert a Field, a network of two inputs and one output, or a callable of (x1, x2) to a Field.

    Errors call it by the `name` of the argument.

    Raises
    ------
    TypeError
        If it is none of these; the message contains the line of code that makes it one.
    """
    if isinstance(field, Model):
        if field.n_outputs != 1:
            level = f", or {field.kind}.level(0, value)" if not isinstance(field, KernelField) else ""
            raise TypeError(
                f"{name} must have one output, this {field.kind} has {field.n_outputs}: "
                f"pass {field.kind}.margin(0, 1){level}"
            )
        return _of_two_inputs(name, field)
    kind = type(field).__name__
    if isinstance(field, type):
        raise TypeError(f"{name} must be a function of two variables, got the class {shown(field)}")
    if "torch.nn.modules.module.Module" in kinds_of(field):
        raise TypeError(
            f"{name} must be a function of two variables, got the module {kind}: "
            "pass tracer.as_network(module).margin(0, 1), or its level(0, value) if it has one output"
        )
    if has(field, "predict"):
        read = "tracer.as_network(estimator).margin(0, 1), or its level(0, value) if it has one output"
        raise TypeError(
            f"{name} must be a function of two variables, got the estimator {kind}: pass "
            f"{read if is_of('sklearn', field) else function_of(field)}"
        )
    if all(has(field, method) for method in ("value", "value_and_gradient")):
        return field
    if callable(field):
        return Function(field)
    raise TypeError(f"{name} must be a Field, a Network or a callable of (x1, x2); got {shown(field)}")


def as_classifier(network: Any) -> Classifier:
    """Convert a network or kernel model of two inputs and several outputs, or a list of fields.

    Raises
    ------
    TypeError
        If it is none of these; the message contains the line of code that makes it one.
    ValueError
        If the list has fewer than two fields, or they lie on different planes.
    """
    if isinstance(network, list | tuple):
        return _several(network)
    if not isinstance(network, Model):
        cure = "of a model of scikit-learn, torch or Keras pass tracer.as_network(model)"
        if callable(network) and not has(network, "predict") and not is_of("torch", network):
            cure = (
                "pass a list of functions, one for each class, or trace one alone by tracer.trace(f, bounds)"
            )
        raise TypeError(
            "network must be a tracer.Network, a kernel model or a list [f, g, …] of fields; "
            f"got {shown(network)}: {cure}"
        )
    if network.n_outputs < 2:
        raise TypeError(
            f"network must have several outputs, this one has 1: pass {network.kind}.level(0, value) to "
            "tracer.trace"
        )
    return _of_two_inputs("network", network)


def _several(given: Sequence[Any]) -> SeveralFields:
    """The classifier of some fields; a field that is given twice is one field."""
    if len(given) < 2:
        raise ValueError(f"network must be two fields or more, if it is a list of them; got {shown(given)}")
    made = {id(field): as_field(field, f"network[{k}]") for k, field in enumerate(given)}
    fields = tuple(made[id(field)] for field in given)
    planes = [plane for field in fields if (plane := getattr(field, "plane", None)) is not None]
    axes = {(p.origin.tobytes(), p.u.tobytes(), p.v.tobytes()) for p in planes}
    if len(axes) > 1:
        raise ValueError(f"network must be fields on one plane; got {len(axes)} planes: restrict all to one")
    return SeveralFields(fields)


def _of_two_inputs(name: str, model: Any) -> Any:
    if model.n_inputs == 2:
        return model
    if model.n_inputs == 1:
        cure = f"tracer.Function(lambda x1, x2: {name}(x1[:, None])[:, 0]), a function of x1 alone"
        raise TypeError(f"{name} must have two inputs, this {model.kind} has 1: pass {cure}")
    raise TypeError(
        f"{name} must have two inputs, this {model.kind} has {model.n_inputs}: choose a plane, pass "
        f"{name}.restrict(tracer.Plane.through(a, b, c)), through three inputs such as images, or "
        f"{name}.restrict(tracer.Plane.of_features(i, j, at=x)), of two features"
    )


# Other people's models ------------------------------------------------------------------------------


def has(thing: Any, name: str) -> bool:
    """Whether `thing` has an attribute `name`; False if a user's class raises any exception."""
    try:
        return hasattr(thing, name)
    except Exception:
        return False


def is_of(library: str, thing: Any) -> bool:
    """Whether the class of `thing`, or one of its base classes, belongs to a library."""
    return any(kind.startswith(f"{library}.") for kind in kinds_of(thing))


def function_of(estimator: Any) -> str:
    """The expression, as text, of an estimator's field: a margin of two classes, or a level of a regressor.

    It uses the first of `decision_function`, `predict_proba` and `predict` that the estimator has. With more
    than two features the field is restricted to a plane.
    """
    two = getattr(estimator, "n_features_in_", 2) == 2
    x = "np.column_stack([x1, x2])" if two else "plane.lift(np.column_stack([x1, x2]))"
    many = len(getattr(estimator, "classes_", ())) > 2
    where = "" if two else ", where plane is a tracer.Plane(origin, u, v)"
    if has(estimator, "decision_function"):
        scores = f"estimator.decision_function({x})"
        values = f"np.subtract(*{scores}.T[:2])" if many else scores
    elif has(estimator, "predict_proba"):
        scores = f"estimator.predict_proba({x})"
        values = f"np.subtract(*{scores}.T[:2])" if many else f"{scores}[:, 1] - 0.5"
    else:
        values = f"estimator.predict({x}) - level"
    return f"tracer.Function(lambda x1, x2: {values}){where}"


def check_callable(field: Field, box: Box, deadline: float) -> None:
    """Check a callable at a few points: what it raises, its given gradient, its bounds against its values.

    Raises
    ------
    TypeError
        If it takes single numbers only.
    ValueError
        If the given gradient is that of another function, or a value depends on the other points in the call.
    Overtime
        At the `deadline`, of `time.perf_counter`.
    """
    if isinstance(field, Function):
        field.check(box.lower + PROBES * box.sides, partial(Evaluations(field, deadline).need_time, 0.0))
