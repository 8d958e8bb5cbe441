"""Pickles, which the version that wrote them reads, and no other.

A pickle holds the attributes of objects by name, whatever they mean. Those of another version would load, and
fail later or mean something else, so they are refused. Files are for keeping.
"""

from collections.abc import Callable
from typing import Any

from tracer._version import __version__

_WRITER = "version of tracer"


class OfOneVersion:
    """A class whose attributes are pickled with the version."""

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), _WRITER: __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        check(type(self).__name__, state.pop(_WRITER, None))
        vars(self).update(state)


def rebuilt(version: str, make: Callable[..., Any], *parts: Any) -> Any:
    """``make(*parts)`` of a pickle of this version."""
    check(make.__name__.strip("_"), version)
    return make(*parts)


def check(name: str, version: str | None) -> None:
    """Raise a ValueError unless a pickle is of this version."""
    if version != __version__:
        raise ValueError(
            f"a pickle of {name} is of version {version or 'unknown'} of tracer, and this is {__version__}: "
            "make it anew, or read it with that version; save(path) writes a file for later ones"
        )
