"""Kernel fields as JSON: each float is written as the shortest decimal that reads back to the same float."""

import json

from tracer.fields.kernels.gaussians import Gaussians
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks import serialization as network_json
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.serialization import label_forms, plane_form, plane_of

ARRAYS = ("centres", "weights", "weight_radius")


def dumps(field: KernelField) -> str:
    """The field as a JSON text."""
    return json.dumps(
        {
            "terms": {"inner": field.terms.inner.to_json()}
            | {name: getattr(field.terms, name).tolist() for name in ARRAYS},
            "network": network_json.form_of(field.network),
            **plane_form(field.plane),
            **label_forms(field, "inputs"),
        }
    )


def loads(text: str) -> KernelField:
    """The field in a text that `dumps` wrote.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the text is not a kernel field.
    """
    form = json.loads(text)
    terms = form["terms"]
    return KernelField(
        Gaussians(inner=Layer.from_json(terms["inner"]), **{name: terms[name] for name in ARRAYS}),
        network_json.of_form(form["network"], "the text"),
        plane_of(form),
        form.get("inputs"),
    )
