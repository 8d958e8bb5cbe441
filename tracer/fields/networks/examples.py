"""Networks that come with the library, each with a box to trace it in.

`paper` is a 2-3-2 network of sigmoids, the shape that the paper solves; `moons` and `noisy-moons` are
classifiers fitted to two half moons, with little noise and with much; `iris` classifies three species
by their petals; `xor` has a boundary that crosses itself, exactly.
"""

from importlib.resources import files

from tracer.fields.checks import shown
from tracer.fields.networks import serialization as network_json
from tracer.fields.networks.network import Network

Bounds = tuple[tuple[float, float], tuple[float, float]]

EXAMPLES: dict[str, Bounds] = {
    "paper": ((-3.0, 3.0), (-3.0, 3.0)),
    "moons": ((-2.354620411771002, 3.255363020128324), (-1.9320638231557181, 2.341610445815469)),
    "noisy-moons": ((-2.7025478584780065, 3.7906665812874003), (-2.261359222717923, 2.8307385193432513)),
    "iris": ((0.0, 8.0), (-0.5, 3.0)),
    "xor": ((-0.5, 1.5), (-0.5, 1.5)),
}


def example(name: str) -> tuple[Network, Bounds]:
    """A built-in network and the box to trace it in.

    Parameters
    ----------
    name : {"paper", "moons", "noisy-moons", "iris", "xor"}

    Returns
    -------
    network : Network
        Its outputs are the classes: ``network.margin(0, 1)`` is the boundary of the first two.
    bounds : tuple
        ``((lo, hi), (lo, hi))``.

    Raises
    ------
    ValueError
        If there is no example of that name.

    Examples
    --------
    >>> import tracer
    >>> network, bounds = tracer.example("iris")
    >>> network.n_inputs, network.classes
    (2, ('setosa', 'versicolor', 'virginica'))
    """
    if not isinstance(name, str) or name not in EXAMPLES:
        raise ValueError(f"name must be one of {', '.join(EXAMPLES)}; got {shown(name)}")
    resource = files("tracer.fields.networks") / "trained" / f"{name}.json"
    return network_json.loads(resource.read_text(encoding="utf-8"), source=name), EXAMPLES[name]
