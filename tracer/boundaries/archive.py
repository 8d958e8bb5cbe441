"""A boundary as one `.npz` file: arrays of numbers and texts, nothing that is executed on reading.

`SHARED` lists the arrays of every result, `COLUMNS` those of a boundary. Data of several curves are
concatenated, and their sizes are stored with them. A network, or a kernel model, is stored as JSON; a
`Function` cannot be stored, and its curves are read back with their predictions alone.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.certificate import Certificate, Proof, Status
from tracer.atlas.places import Place
from tracer.boundaries import columns
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.clusters import Cluster
from tracer.boundaries.coercion import as_field
from tracer.boundaries.columns import Column
from tracer.boundaries.consistency import contradictions
from tracer.boundaries.result import Stats
from tracer.curves.branch_points import BranchPoint
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.pieces import DEGREE, Pieces
from tracer.curves.turning import TurningPoint
from tracer.fields.box import Box
from tracer.fields.files.budget import reading
from tracer.fields.kernels import serialization as kernel_json
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.kernels.latent import LatentProbability
from tracer.fields.networks import serialization as network_json
from tracer.fields.networks.exponential_sum import ExponentialSum
from tracer.fields.networks.network import Network

VERSION = 6
SHARED = {
    columns.VERSION: Column("i8"),
    columns.KIND: Column("U"),
    "field": Column("U"),
    "network": Column("U"),
    "bounds": Column("f8", "2 2"),
    "stats.cells": Column("i8", "", "0 or more"),
    "stats.evaluations": Column("i8", "", "0 or more"),
    "stats.phases": Column("U", "phases"),
    "stats.seconds": Column("f8", "phases"),
    "certificate.status": Column("U"),
    "certificate.bounds": Column("f8", "2 2"),
    "certificate.undecided": Column("f8", "undecided 2 2"),
    "certificate.cells": Column("i8", "", "0 or more"),
    "certificate.crossings": Column("i8", "", "0 or more"),
    "certificate.reason": Column("U"),
    "certificate.places": Column("U"),
    "proof": Column("b1"),
    "proof.empty": Column("f8", "empty 2 2"),
    "proof.outside": Column("f8", "outside 2 2"),
    "proof.charts": Column("f8", "charts 2 2"),
    "proof.zoomed": Column("f8", "zoomed 2 2"),
    "proof.dependent": Column("i8", "charts", "0 or more"),
    "proof.crossings": Column("f8", "crossings 2"),
    "curves.sizes": Column("i8", "curves", "0 or more"),
    "curves.points": Column("f8", "points 2"),
    "curves.error_bound": Column("f8", "points", "0 or more"),
    "curves.pieces": Column("f8", f"pieces {DEGREE + 1} 3"),
    "curves.proven": Column("b1", "curves"),
    "curves.tolerance": Column("f8", "curves"),
    # For a closed curve −1, twice.
    "curves.ends": Column("i8", "curves 2", "-1 or more"),
    "turning.sizes": Column("i8", "curves", "0 or more"),
    "turning.point": Column("f8", "turning 2"),
    "turning.s": Column("f8", "turning"),
    "turning.coordinate": Column("i8", "turning", "0 or more"),
}
COLUMNS = SHARED | {
    # In the folder of a sweep, the fingerprint of the problem that this boundary answers.
    "problem": Column("U"),
    # Each branch point is stored once; other columns refer to it by its number, −1 for none.
    "branches.point": Column("f8", "branches 2"),
    "branches.sizes": Column("i8", "branches", "0 or more"),
    "branches.tangents": Column("f8", "tangents 2"),
    "branch_points": Column("i8", "of_boundary", "0 or more"),
    "clusters.bounds": Column("f8", "clusters 2 2"),
    "clusters.arcs": Column("i8", "clusters", "0 or more"),
    "clusters.branch": Column("i8", "clusters", "-1 or more"),
    "clusters.place": Column("i8", "clusters", "0 or more"),
    "clusters.touched": Column("f8", "clusters", "0 or more"),
    "curves.branches": Column("i8", "curves 2", "-1 or more"),
}
_PROOF = ("empty", "outside", "charts", "zoomed", "dependent", "crossings")
# The number of a place in a file is its place here.
_PLACES = list(Place)
# The number of an end in a file.
_END_NUMBERS = {end: k for k, end in enumerate(End)}


def write(boundary: Boundary, path: Path, problem: str = "") -> None:
    """Write everything but a `Function` to `path`; `problem` is the fingerprint of a problem of a sweep."""
    shared = shared_values(boundary, boundary.curves, boundary.field)
    given = shared | _branch_values(boundary) | {"problem": problem}
    columns.write(path, COLUMNS, columns.attributes(COLUMNS, given, clusters=boundary.clusters))


def read(path: str | os.PathLike[str], problem: str | None = None) -> Boundary:
    """Read a boundary that `write` wrote; see `Boundary.load`. `problem`, if given, is its fingerprint."""

    def build(a: Mapping[str, NDArray]) -> Boundary:
        if problem is not None and a["problem"].item() != problem:
            raise ValueError("it answers another problem than its name says")
        return _boundary(a)

    return result_in(path, "boundary", COLUMNS, build, contradictions)


def _boundary(a: Mapping[str, NDArray]) -> Boundary:
    field = stored_model(a["field"].item(), a["network"].item(), as_field)
    branches = _branches(a)
    at_ends = [tuple(_picked(branches, numbers)) for numbers in a["curves.branches"]]
    curves = curves_in(a, [field] * len(at_ends), at_ends)
    return Boundary(
        curves,
        certificate_in(a, curves),
        tuple(_picked(branches, a["branch_points"])),
        Box.from_bounds(a["bounds"]),
        field,
        stats_in(a),
        tuple(_clusters(a, branches)),
    )


def _clusters(a: Mapping[str, NDArray], branches: list[BranchPoint]) -> Iterator[Cluster]:
    if (a["clusters.place"] >= len(_PLACES)).any():
        raise ValueError(f"clusters.place must be less than {len(_PLACES)}")
    names = ("clusters.bounds", "clusters.arcs", "clusters.branch", "clusters.place", "clusters.touched")
    for bounds, arcs, branch, place, touched in zip(*(a[name] for name in names), strict=True):
        point = next(iter(_picked(branches, branch[None])), None)
        yield Cluster(bounds, int(arcs), point, _PLACES[place], float(touched))


def kind_in(path: str | os.PathLike[str]) -> str:
    """The kind of result that a file says it holds; an empty text if it cannot be read."""
    try:
        return columns.kind_of(path)
    except (ValueError, OSError):
        return ""


# What all results share -----------------------------------------------------------------------------


def result_in(
    path: str | os.PathLike[str],
    kind: str,
    table: columns.Table,
    build: Callable[[Mapping[str, NDArray]], Any],
    contradictions: Callable[[Any], Iterator[str]],
) -> Any:
    """The result of a kind in a file, built from the columns of its table; errors as of `Boundary.load`."""
    with reading(path, f"a {kind} saved as .npz") as (file, _):
        a = columns.read(file, table, kind, VERSION)
        with np.errstate(all="ignore"):
            result = build(a)
            for sentence in contradictions(result):
                raise ValueError(sentence)
    return result


def shared_values(result: Any, curves: Sequence[Curve], model: Any) -> dict[str, Any]:
    """The values of the `SHARED` columns."""
    certificate, stats = result.certificate, result.stats
    kind, network = model_text(model)
    given = {
        columns.VERSION: VERSION,
        columns.KIND: certificate.of,
        "field": kind,
        "network": network,
        "bounds": result.bounds,
        "stats.phases": list(stats.seconds),
        "stats.seconds": list(stats.seconds.values()),
        "certificate.status": certificate.status.name,
        "proof": certificate.proof is not None,
        "curves.sizes": [len(curve.points) for curve in curves],
        "curves.pieces": _joined([curve.pieces.coefficients for curve in curves]),
        "curves.ends": [[_END_NUMBERS[end] for end in curve.ends] or (-1, -1) for curve in curves],
        "turning.sizes": [len(curve.turning_points) for curve in curves],
    }
    turning = [point for curve in curves for point in curve.turning_points]
    things = {"stats": stats, "certificate": certificate, "proof": certificate.proof}
    return columns.attributes(SHARED, given, **things, curves=tuple(curves), turning=turning)


def model_text(model: Any) -> tuple[str, str]:
    """The kind of a model and its JSON; "none" and an empty text for one that cannot be stored."""
    if isinstance(model, Network):
        return "network", network_json.dumps(model)
    if isinstance(model, ExponentialSum):
        return "exponential sum", network_json.dumps(model.margin)
    if isinstance(model, KernelField | LatentProbability):
        return "kernel", kernel_json.dumps(model)
    texts = [model_text(field) for field in getattr(model, "fields", ())]
    return ("several", json.dumps(texts)) if texts and ("none", "") not in texts else ("none", "")


_MODELS: dict[str, Callable[[str], Any]] = {
    "network": network_json.loads,
    "exponential sum": lambda text: ExponentialSum(network_json.loads(text)),
    "kernel": kernel_json.loads,
    "several": lambda text: [_MODELS[kind](one) for kind, one in json.loads(text)],
}


def stored_model(kind: str, text: str, convert: Callable[[Any], Any]) -> Any:
    """The model that `model_text` stored, converted and thereby checked; None if there is none."""
    if (kind, text) == ("none", ""):
        return None
    if kind not in _MODELS:
        raise ValueError(f"field must be one of none, {', '.join(_MODELS)}; got {kind[:40]!r}")
    try:
        return convert(_MODELS[kind](text))
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise ValueError(f"network must be the JSON of a {kind} on the plane: {str(error)[:200]}") from None


def stats_in(a: Mapping[str, NDArray]) -> Stats:
    """The cost of a result."""
    seconds = dict(zip(a["stats.phases"].tolist(), a["stats.seconds"].tolist(), strict=True))
    return Stats(a["stats.cells"].item(), a["stats.evaluations"].item(), seconds)


def certificate_in(a: Mapping[str, NDArray], curves: tuple[Curve, ...]) -> Certificate:
    """The certificate of a result with some curves."""
    proof, status = None, a["certificate.status"].item()
    if status not in Status.__members__:
        raise ValueError(
            f"certificate.status must be one of {', '.join(Status.__members__)}; got {status[:40]!r}"
        )
    if a["proof"]:
        proof = Proof(**{name: a[f"proof.{name}"] for name in _PROOF}, traced=curves)
    elif any(a[f"proof.{name}"].size for name in _PROOF):
        raise ValueError("proof says that there is none, and there are cells or crossings of one")
    cells, crossings, reason = (a[f"certificate.{name}"].item() for name in ("cells", "crossings", "reason"))
    bounds = Box.from_bounds(a["certificate.bounds"]).bounds
    of = a[columns.KIND].item()
    return Certificate(
        Status[status],
        bounds,
        a["certificate.undecided"],
        cells,
        crossings,
        reason,
        proof,
        of,
        a["certificate.places"].item(),
    )


def curves_in(
    a: Mapping[str, NDArray], fields: Sequence[Any], branches: Sequence[tuple[BranchPoint, ...]]
) -> tuple[Curve, ...]:
    """The curves of a result; for each its field, and the branch points at its ends."""
    sizes, ends, every = a["curves.sizes"], a["curves.ends"], list(End)
    if (sizes < 2).any() or (ends >= len(every)).any() or ((ends < 0).sum(axis=1) == 1).any():
        raise ValueError(
            "curves.sizes and curves.ends must be two points or more, and two ends or none, of each"
        )
    pairs = zip(a["turning.point"], a["turning.s"].tolist(), a["turning.coordinate"].tolist(), strict=True)
    box = Box.from_bounds(a["certificate.bounds"])
    rows = zip(
        cut("curves.points", a["curves.points"], sizes),
        [tuple(every[k] for k in numbers if k >= 0) for numbers in ends.tolist()],
        map(tuple, cut("turning", [TurningPoint(*row) for row in pairs], a["turning.sizes"])),
        branches,
        cut("curves.error_bound", a["curves.error_bound"], sizes),
        a["curves.proven"].tolist(),
        [box] * len(sizes),
        fields,
        map(Pieces, cut("curves.pieces", a["curves.pieces"], sizes - 1)),
        a["curves.tolerance"].tolist(),
        strict=True,
    )
    return tuple(Curve(*row) for row in rows)


# Branch points --------------------------------------------------------------------------------------


def _branch_values(boundary: Boundary) -> dict[str, Any]:
    """The columns of branch points, each stored once, and of the references to them."""
    of_clusters = [cluster.branch_point for cluster in boundary.clusters]
    of_curves = [curve.branch_points for curve in boundary.curves]
    found = [*boundary.branch_points, *filter(None, of_clusters), *(p for some in of_curves for p in some)]
    points = list({id(p): p for p in found}.values())
    number = {id(None): -1, **{id(p): k for k, p in enumerate(points)}}
    return {
        "branch_points": [number[id(p)] for p in boundary.branch_points],
        "clusters.branch": [number[id(p)] for p in of_clusters],
        "clusters.place": [_PLACES.index(cluster.place) for cluster in boundary.clusters],
        "curves.branches": [([number[id(p)] for p in some] + [-1, -1])[:2] for some in of_curves],
        "branches.point": [p.point for p in points],
        "branches.sizes": [len(p.tangents) for p in points],
        "branches.tangents": _joined([p.tangents for p in points]),
    }


def _branches(a: Mapping[str, NDArray]) -> list[BranchPoint]:
    tangents = cut("branches.tangents", a["branches.tangents"], a["branches.sizes"])
    return [BranchPoint(p, t) for p, t in zip(a["branches.point"], tangents, strict=True)]


def _picked(branches: list[BranchPoint], numbers: NDArray) -> list[BranchPoint]:
    """The branch points with these numbers; −1 stands for none."""
    if (numbers >= len(branches)).any():
        raise ValueError(f"branch points must be among the {len(branches)}; got {numbers.tolist()}")
    return [branches[k] for k in numbers.tolist() if k >= 0]


def _joined(parts: list[NDArray]) -> Any:
    return np.concatenate(parts) if parts else []


def cut(name: str, together: Any, sizes: NDArray) -> list[Any]:
    """Split concatenated data into parts of the given sizes."""
    if sum(sizes.tolist()) != len(together):
        raise ValueError(f"{name} must hold {sum(sizes.tolist())}; got {len(together)}")
    last = np.cumsum(sizes).tolist()
    return [together[a:b] for a, b in zip([0, *last][:-1], last, strict=True)]
