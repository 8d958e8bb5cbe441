"""What users hand over, as a field; what cannot be one, with the line that cures it."""

from typing import Any

from tracer.fields.field import Field
from tracer.fields.function import Function
from tracer.fields.kernel import KernelField
from tracer.fields.network import Network


def as_field(field: Any) -> Field:
    """A Field, a network of two inputs and one output, or a callable of (x1, x2).

    Raises
    ------
    TypeError
        If it is none of these; the message holds the line that makes it one.
    """
    if isinstance(field, Network | KernelField):
        kind = "network" if isinstance(field, Network) else "model"
        if field.n_outputs != 1:
            raise TypeError(
                f"field must have one output, this {kind} has {field.n_outputs}: "
                f"pass {kind}.margin(0, 1), or {kind}.level(0, value)"
            )
        return _of_two_inputs("field", field)
    name, libraries = (
        type(field).__name__,
        {kind.__module__.partition(".")[0] for kind in type(field).__mro__},
    )
    if "torch" in libraries:
        raise TypeError(
            f"field must be a function of two variables, got the module {name}: "
            "pass tracer.as_network(module).margin(0, 1), or its level(0, value) if it has one output"
        )
    if hasattr(field, "predict"):
        read = "tracer.as_network(estimator).margin(0, 1), or " if "sklearn" in libraries else ""
        raise TypeError(
            f"field must be a function of two variables, got the estimator {name}: pass {read}"
            f"tracer.Function(lambda x1, x2: {_margin_of(field)})"
        )
    if isinstance(field, Field):
        return field
    if callable(field):
        return Function(field)
    raise TypeError(f"field must be a Field, a Network or a callable of (x1, x2); got {field!r}")


def as_classifier(network: Any) -> Network:
    """A network of two inputs and several outputs.

    Raises
    ------
    TypeError
        If it is none; the message holds the line that makes it one.
    """
    if isinstance(network, KernelField):
        raise TypeError(
            "network must be a tracer.Network, a kernel model of two classes has one boundary: "
            "pass model.margin(0, 1) to tracer.trace"
        )
    if not isinstance(network, Network):
        raise TypeError(
            f"network must be a tracer.Network, got {type(network).__name__}: pass tracer.as_network(model)"
        )
    if network.n_outputs < 2:
        raise TypeError(
            "network must have several outputs, this one has 1: pass network.level(0, value) to tracer.trace"
        )
    return _of_two_inputs("network", network)


def _of_two_inputs(name: str, model: Any) -> Any:
    if model.n_inputs != 2:
        kind = "network" if isinstance(model, Network) else "model"
        raise TypeError(
            f"{name} must have two inputs, this {kind} has {model.n_inputs}: "
            f"pass {name}.restrict(tracer.Plane(origin, u, v)), or of two of them "
            f"{name}.restrict(tracer.Plane.of_features(i, j, at=x))"
        )
    return model


def _margin_of(estimator: Any) -> str:
    """The expression of an estimator's margin at columns x1, x2, by what it can do."""
    columns = "(np.column_stack([x1, x2]))"
    if hasattr(estimator, "decision_function"):
        return f"estimator.decision_function{columns}"
    if hasattr(estimator, "predict_proba"):
        return f"estimator.predict_proba{columns}[:, 1] - 0.5"
    return f"estimator.predict{columns} - level"
