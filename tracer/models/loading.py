"""One verb for all files: the suffix says which reader."""

import os
from collections.abc import Callable
from pathlib import Path

from tracer.fields import network_json
from tracer.fields.network import Network

READERS: dict[str, Callable[[str | os.PathLike], Network]] = {".json": network_json.load}


def load(path: str | os.PathLike) -> Network:
    """Read a network from a file.

    Parameters
    ----------
    path : path
        ``.json``: ``{"layers": [{"W": out × in, "b": out, "activation": name}, …]}``.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If the suffix is unknown, or the file does not hold a network.
    FileNotFoundError
        If there is no such file.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"path must end in one of {', '.join(READERS)}; got {os.fspath(path)!r}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must be a file that exists; got {os.fspath(path)!r}")
    return READERS[suffix](path)
