"""Kernel fields as JSON: each float is written as the shortest decimal that reads back to the same float."""

import json

from tracer.fields.kernels.gaussians import Gaussians
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.kernels.latent import LatentProbability
from tracer.fields.labels import checked_sides
from tracer.fields.networks import serialization as network_json
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.serialization import label_forms, plane_form, plane_of

ARRAYS = ("centres", "weights", "weight_radius")


def dumps(field: KernelField | LatentProbability) -> str:
    """The field as a JSON text."""
    if isinstance(field, LatentProbability):
        networks = {"network": field.mean, "variance": field.variance}
        of_kind = {"output": field.output, "p": field.p, **label_forms(field, "sides")}
    else:
        networks, of_kind = {"network": field.network, "variance": field.variance}, {}
    forms = {name: network_json.form_of(part) for name, part in networks.items() if part is not None}
    return json.dumps(
        {
            "terms": {"inner": field.terms.inner.to_json()}
            | {name: getattr(field.terms, name).tolist() for name in ARRAYS},
            **forms,
            **of_kind,
            **plane_form(field.plane),
            **label_forms(field, "inputs"),
        }
    )


def loads(text: str) -> KernelField | LatentProbability:
    """The field in a text that `dumps` wrote.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the text is not a kernel field.
    """
    form = json.loads(text)
    terms = form["terms"]
    kernels = Gaussians(inner=Layer.from_json(terms["inner"]), **{name: terms[name] for name in ARRAYS})
    network, plane = network_json.of_form(form["network"], "the text"), plane_of(form)
    inputs, variance = form.get("inputs"), form.get("variance")
    if variance is not None:
        variance = network_json.of_form(variance, "the text")
    if "p" not in form:
        return KernelField(kernels, network, plane, inputs, variance)
    if variance is None:
        raise ValueError("where a probability is p needs the variance of its latent function")
    sides = checked_sides(form.get("sides"))
    if sides is not None and len(sides) != 2:
        raise ValueError(f"sides must be those of two classes; got {len(sides)}")
    labels = {"inputs": inputs, "sides": sides}
    return LatentProbability(kernels, network, variance, form["output"], form["p"], plane, **labels)
