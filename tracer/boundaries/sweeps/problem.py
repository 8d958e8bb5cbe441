"""One problem of many: a field, its box, and the limits of tracing it.

Its fingerprint is a hash of the field's JSON, in which floats are written so that reading gives the same
floats, of the box, and of the limits. A problem has the same fingerprint in every process, and a change of
one bit changes the fingerprint.
"""

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tracer.boundaries.archive import model_text
from tracer.boundaries.coercion import as_field
from tracer.boundaries.work import Limits
from tracer.fields.box import Box
from tracer.fields.checks import said, shown
from tracer.fields.field import Field

DIGITS = 16


@dataclass(frozen=True, eq=False)
class Problem:
    """A field, its box and the limits of tracing it; `index` is its place among the problems."""

    index: int
    field: Field
    box: Box
    limits: Limits

    @classmethod
    def of(cls, index: int, field: Any, bounds: Any, limits: Mapping[str, Any]) -> "Problem":
        """A problem from the arguments of `tracer.trace`, with its errors."""
        return cls(index, as_field(field), Box.from_bounds(bounds), Limits.of(**limits))

    @property
    def work(self) -> tuple[Field, Any, dict[str, Any]]:
        """Field, bounds and keywords, for `tracer.trace`."""
        return self.field, self.box.bounds, self.limits._asdict()

    def packed(self) -> bytes:
        """The work, pickled.

        Raises
        ------
        TypeError
            If the field cannot be pickled.
        """
        try:
            return pickle.dumps(self.work)
        # The __reduce__ of a user's field may raise anything.
        except Exception as error:
            raise TypeError(
                f"problem {self.index}: the field {shown(self.field)} must be one that can be pickled, "
                "to be sent to another process; a tracer.Function can if its callables are defined at the "
                f"top of a module, a lambda cannot ({said(error)})"
            ) from None

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digits that change with the field, the box and the limits.

        Raises
        ------
        TypeError
            If the field cannot be written to a file.
        """
        kind, text = model_text(self.field)
        if kind == "none":
            raise TypeError(
                f"problem {self.index}: with folder= the field must be one that can be kept in a file: a "
                f"tracer.Network, a kernel model or a tracer.ExponentialSum; got {shown(self.field)}"
            )
        whole = json.dumps([kind, text, self.box.bounds, self.limits])
        return hashlib.sha256(whole.encode()).hexdigest()[:DIGITS]


def checked(index: int, given: Any) -> tuple[Any, Any, Mapping[str, Any]]:
    """The field, bounds and keywords of a given problem; their values are not checked.

    Raises
    ------
    TypeError
        If it is not ``(field, bounds)`` or ``(field, bounds, keywords)``, with keywords of `tracer.trace`.
    """
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise TypeError(
            f"problem {index} must be (field, bounds) or (field, bounds, keywords); got {_shown(given)}"
        )
    field, bounds, keywords = given if len(given) == 3 else (*given, {})
    if not isinstance(keywords, Mapping) or not set(keywords) <= set(Limits._fields):
        raise TypeError(
            f"problem {index}: keywords must be a dictionary of {', '.join(Limits._fields)}; "
            f"got {shown(keywords)}"
        )
    return field, bounds, keywords


def _shown(given: Any) -> str:
    kind = type(given).__name__
    return f"a {kind} of {len(given)}" if isinstance(given, tuple | list) else shown(given)
