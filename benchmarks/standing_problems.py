"""The problems that several benchmarks ask about, by name.

T1 to T5 are networks with one layer of sigmoids, ``F = Σ v_k σ(a_k x1 + b_k x2 + c_k) + d``: T1 has one open
curve, T2 and T5 a large and a small closed one, T4 a thin hairpin; T3 is paper. That, moons and noisy-moons
come with the library. Any other name is one of a published network, network/problem,
where ../shared/networks beside this checkout holds it; those are no part of the project.
"""

import json
from pathlib import Path
from typing import Any

import tracer

SHARED = Path(__file__).resolve().parents[2] / "shared"
# Rows (a, b, c), then v and d.
T1_ROWS = ((4.0, 1.0, 0.5), (-2.0, 3.5, -1.0), (1.5, -3.0, 0.7))
T1_OUT = (3.0, -2.5, 2.0)
T1_LEVEL = -1.1
T1_BOUNDS = ((-3.0, 3.0), (-3.0, 3.0))
_LOOP = ((6.0, 0.0, 6.0), (-6.0, 0.0, 6.0), (0.0, 6.0, 6.0), (0.0, -6.0, 6.0))
_PAPER = ((1.5, 4.5, -3.0), (4.5, -3.0, -1.0), (-1.5, 3.75, -1.0))
# Rows (a, b, c), v and d, all on the box of T1.
SIGMOIDS = {
    "T1": (T1_ROWS, T1_OUT, T1_LEVEL),
    "T2": (_LOOP, (1.0, 1.0, 1.0, 1.0), -3.5),
    "paper": (_PAPER, (-3.0, 2.5, 1.5), -0.5),
    "T4": (((0.0, 150.0, 1.5), (0.0, 150.0, -1.5), (3.0, 0.0, 0.0)), (1.0, -1.0, -0.8), 0.0),
    "T5": (_LOOP, (1.0, 1.0, 1.0, 1.0), -3.985),
}


def sigmoids(rows: Any, out: Any, level: float) -> tracer.Network:
    """A network of one layer of sigmoids, from its rows (a, b, c), v and d."""
    hidden = tracer.Layer([row[:2] for row in rows], [row[2] for row in rows], "sigmoid")
    return tracer.Network([hidden, tracer.Layer([out], [level])])


def t1() -> tracer.Network:
    """The network of T1."""
    return sigmoids(*SIGMOIDS["T1"])


def problem(name: str) -> tuple[Any, Any] | None:
    """A field and its box; None where the network is not at hand."""
    if name in SIGMOIDS and name != "paper":
        return sigmoids(*SIGMOIDS[name]), T1_BOUNDS
    if "/" in name:
        return published(name)
    network, bounds = tracer.example(name)
    return network.margin(0, 1), bounds


def published(name: str) -> tuple[Any, Any] | None:
    """A problem of a network in ../shared/networks; without a name of its own, the first."""
    network, which = name.split("/")
    path = SHARED / "networks" / network / f"{network}.json"
    if not path.is_file():
        return None
    posed = json.loads(path.read_text())["problems"]
    p = next(p for p in posed if which in ("", p["name"]))
    return posed_field(path, p), p["box"]


def posed_field(path: Path, p: dict[str, Any]) -> Any:
    """The field of one problem of a published network."""
    network = tracer.load(path)
    field = network.margin(p["i"], p["j"]) if "i" in p else network.level(p["output"], p["level"])
    return field.restrict(tracer.Plane(p["origin"], p["u"], p["v"]))
