"""Kernel fields as JSON: each float is written as the shortest decimal that reads back to the same float."""

import json
from typing import Any

from tracer.fields.kernels.gaussians import Gaussians
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.kernels.powers import Powers
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.serialization import label_forms, plane_form, plane_of


def dumps(field: KernelField) -> str:
    """The field as a JSON text."""
    return json.dumps(
        {
            "terms": _terms_form(field.terms),
            "last": field.last.to_json(),
            **plane_form(field.plane),
            **label_forms(field),
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
    return KernelField(
        _terms(form["terms"]),
        Layer.from_json(form["last"]),
        plane_of(form),
        form.get("classes"),
        form.get("inputs"),
        form.get("sides"),
    )


def _terms_form(terms: Gaussians | Powers) -> dict[str, Any]:
    form: dict[str, Any] = {"inner": terms.inner.to_json()}
    if isinstance(terms, Powers):
        return form | {"degree": terms.degree}
    arrays = ("centres", "weights", "weight_radius")
    return form | {name: getattr(terms, name).tolist() for name in arrays}


def _terms(form: dict[str, Any]) -> Gaussians | Powers:
    inner = Layer.from_json(form["inner"])
    if "degree" in form:
        return Powers(inner, form["degree"])
    return Gaussians(form["centres"], form["weights"], inner, form["weight_radius"])
