"""A boundary as one `.npz` file: arrays of numbers and texts, nothing that is executed on reading.

`COLUMNS` lists the arrays. Data of several curves are concatenated, and their sizes are stored with them. A
network, or a kernel model, is stored as JSON; a `Function` cannot be stored, and its curves are read back
with their predictions alone.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.atlas.certificate import Certificate, Proof, Status
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
from tracer.fields.checks import path as checked
from tracer.fields.checks import said, shown
from tracer.fields.field import Field
from tracer.fields.kernels import serialization as kernel_json
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks import serialization as network_json
from tracer.fields.networks.exponential_sum import ExponentialSum
from tracer.fields.networks.network import Network

VERSION = 3
COLUMNS = {
    columns.VERSION: Column("i8"),
    # In the folder of a sweep, the fingerprint of the problem that this boundary answers.
    "problem": Column("U"),
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
    "proof": Column("b1"),
    "proof.empty": Column("f8", "empty 2 2"),
    "proof.charts": Column("f8", "charts 2 2"),
    "proof.dependent": Column("i8", "charts", "0 or more"),
    "proof.crossings": Column("f8", "crossings 2"),
    # Each branch point is stored once; other columns refer to it by its number, −1 for none.
    "branches.point": Column("f8", "branches 2"),
    "branches.sizes": Column("i8", "branches", "0 or more"),
    "branches.tangents": Column("f8", "tangents 2"),
    "branch_points": Column("i8", "of_boundary", "0 or more"),
    "clusters.bounds": Column("f8", "clusters 2 2"),
    "clusters.arcs": Column("i8", "clusters", "0 or more"),
    "clusters.branch": Column("i8", "clusters", "-1 or more"),
    "curves.sizes": Column("i8", "curves", "0 or more"),
    "curves.points": Column("f8", "points 2"),
    "curves.error_bound": Column("f8", "points", "0 or more"),
    "curves.pieces": Column("f8", f"pieces {DEGREE + 1} 3"),
    "curves.proven": Column("b1", "curves"),
    "curves.tolerance": Column("f8", "curves"),
    # For a closed curve −1, twice.
    "curves.ends": Column("i8", "curves 2", "-1 or more"),
    "curves.branches": Column("i8", "curves 2", "-1 or more"),
    "turning.sizes": Column("i8", "curves", "0 or more"),
    "turning.point": Column("f8", "turning 2"),
    "turning.s": Column("f8", "turning"),
    "turning.coordinate": Column("i8", "turning", "0 or more"),
}
_PROOF = ("empty", "charts", "dependent", "crossings")
_ENDS = list(End)


def write(boundary: Boundary, path: Path, problem: str = "") -> None:
    """Write everything but a `Function` to `path`; `problem` is the fingerprint of a problem of a sweep."""
    kind, network = field_text(boundary.field)
    certificate, proof = boundary.certificate, boundary.certificate.proof
    values = {
        columns.VERSION: VERSION,
        "problem": problem,
        "field": kind,
        "network": network,
        "bounds": boundary.bounds,
        "stats.cells": boundary.stats.cells,
        "stats.evaluations": boundary.stats.evaluations,
        "stats.phases": list(boundary.stats.seconds),
        "stats.seconds": list(boundary.stats.seconds.values()),
        "certificate.status": certificate.status.name,
        **{f"certificate.{k}": getattr(certificate, k) for k in ("bounds", "undecided", "cells")},
        **{f"certificate.{k}": getattr(certificate, k) for k in ("crossings", "reason")},
        "proof": proof is not None,
        **{f"proof.{name}": [] if proof is None else getattr(proof, name) for name in _PROOF},
        "clusters.bounds": [cluster.bounds for cluster in boundary.clusters],
        "clusters.arcs": [cluster.arcs for cluster in boundary.clusters],
        **_curve_values(boundary.curves),
        **_branch_values(boundary),
    }
    columns.write(path, COLUMNS, values)


def read(path: str | os.PathLike, problem: str | None = None) -> Boundary:
    """Read a boundary that `write` wrote; see `Boundary.load`. `problem`, if given, is its fingerprint."""
    path = checked("path", path)
    if not path.is_file():
        raise FileNotFoundError(f"path must be a file that exists; got {shown(path)}")
    try:
        a = columns.read(path, COLUMNS, VERSION)
        if problem is not None and a["problem"].item() != problem:
            raise ValueError("it answers another problem than its name says")
        with np.errstate(all="ignore"):
            boundary = _boundary(a)
            for sentence in contradictions(boundary):
                raise ValueError(sentence)
    except ValueError as error:
        raise ValueError(
            f"path must be a boundary saved as .npz, {shown(path)} is none: {said(error)}"
        ) from None
    return boundary


def _boundary(a: Mapping[str, NDArray]) -> Boundary:
    box, proven_box = Box.from_bounds(a["bounds"]), Box.from_bounds(a["certificate.bounds"])
    field = _field(a["field"].item(), a["network"].item())
    branches = _branches(a)
    curves = _curves(a, branches, field, proven_box)
    return Boundary(
        curves,
        _certificate(a, proven_box, curves),
        tuple(_picked(branches, a["branch_points"])),
        box,
        field,
        Stats(
            a["stats.cells"].item(),
            a["stats.evaluations"].item(),
            dict(zip(a["stats.phases"].tolist(), a["stats.seconds"].tolist(), strict=True)),
        ),
        tuple(
            Cluster(bounds, arcs, next(iter(_picked(branches, branch)), None))
            for bounds, arcs, branch in zip(
                a["clusters.bounds"], a["clusters.arcs"].tolist(), a["clusters.branch"][:, None], strict=True
            )
        ),
    )


def field_text(field: Field | None) -> tuple[str, str]:
    """The kind of a field and its JSON; "none" and an empty text for a field that cannot be stored."""
    if isinstance(field, Network):
        return "network", network_json.dumps(field)
    if isinstance(field, ExponentialSum):
        return "exponential sum", network_json.dumps(field.margin)
    if isinstance(field, KernelField):
        return "kernel", kernel_json.dumps(field)
    return "none", ""


_FIELDS = {
    "network": network_json.loads,
    "exponential sum": lambda text: ExponentialSum(network_json.loads(text)),
    "kernel": kernel_json.loads,
}


def _field(kind: str, text: str) -> Field | None:
    if (kind, text) == ("none", ""):
        return None
    if kind not in _FIELDS:
        raise ValueError(f"field must be one of none, {', '.join(_FIELDS)}; got {kind[:40]!r}")
    try:
        return as_field(_FIELDS[kind](text))
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


def _certificate(a: Mapping[str, NDArray], box: Box, curves: tuple[Curve, ...]) -> Certificate:
    proof, status = None, a["certificate.status"].item()
    if status not in Status.__members__:
        raise ValueError(
            f"certificate.status must be one of {', '.join(Status.__members__)}; got {status[:40]!r}"
        )
    if a["proof"]:
        parts = {name: a[f"proof.{name}"] for name in _PROOF}
        proof = Proof(**parts, traced=curves)
    elif any(a[f"proof.{name}"].size for name in _PROOF):
        raise ValueError("proof says that there is none, and there are cells or crossings of one")
    return Certificate(
        Status[status],
        box.bounds,
        a["certificate.undecided"],
        a["certificate.cells"].item(),
        a["certificate.crossings"].item(),
        a["certificate.reason"].item(),
        proof,
    )


def _curve_values(curves: tuple[Curve, ...]) -> dict[str, Any]:
    turning = [point for curve in curves for point in curve.turning_points]
    return {
        "curves.sizes": [len(curve.points) for curve in curves],
        "curves.points": _joined([curve.points for curve in curves]),
        "curves.error_bound": _joined([curve.error_bound for curve in curves]),
        "curves.pieces": _joined([curve.pieces.coefficients for curve in curves]),
        "curves.proven": [curve.proven for curve in curves],
        "curves.tolerance": [curve.tolerance for curve in curves],
        "curves.ends": [[_ENDS.index(end) for end in curve.ends] or (-1, -1) for curve in curves],
        "turning.sizes": [len(curve.turning_points) for curve in curves],
        "turning.point": [t.point for t in turning],
        "turning.s": [t.s for t in turning],
        "turning.coordinate": [t.coordinate for t in turning],
    }


def _curves(
    a: Mapping[str, NDArray], branches: list[BranchPoint], field: Field | None, box: Box
) -> tuple[Curve, ...]:
    sizes, ends = a["curves.sizes"], a["curves.ends"]
    if (sizes < 2).any() or (ends >= len(_ENDS)).any() or ((ends < 0).sum(axis=1) == 1).any():
        raise ValueError(
            "curves.sizes and curves.ends must be two points or more, and two ends or none, of each"
        )
    pairs = zip(a["turning.point"], a["turning.s"].tolist(), a["turning.coordinate"].tolist(), strict=True)
    turning = _cut("turning", [TurningPoint(*row) for row in pairs], a["turning.sizes"])
    return tuple(
        Curve(
            points,
            tuple(_ENDS[k] for k in codes if k >= 0),
            tuple(turns),
            tuple(_picked(branches, branch)),
            error_bound,
            proven,
            box,
            field,
            Pieces(pieces),
            tolerance,
        )
        for points, codes, turns, branch, error_bound, proven, pieces, tolerance in zip(
            _cut("curves.points", a["curves.points"], sizes),
            ends.tolist(),
            turning,
            a["curves.branches"],
            _cut("curves.error_bound", a["curves.error_bound"], sizes),
            a["curves.proven"].tolist(),
            _cut("curves.pieces", a["curves.pieces"], sizes - 1),
            a["curves.tolerance"].tolist(),
            strict=True,
        )
    )


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
        "curves.branches": [([number[id(p)] for p in some] + [-1, -1])[:2] for some in of_curves],
        "branches.point": [p.point for p in points],
        "branches.sizes": [len(p.tangents) for p in points],
        "branches.tangents": _joined([p.tangents for p in points]),
    }


def _branches(a: Mapping[str, NDArray]) -> list[BranchPoint]:
    tangents = _cut("branches.tangents", a["branches.tangents"], a["branches.sizes"])
    return [BranchPoint(p, t) for p, t in zip(a["branches.point"], tangents, strict=True)]


def _picked(branches: list[BranchPoint], numbers: NDArray) -> list[BranchPoint]:
    """The branch points with these numbers; −1 stands for none."""
    if (numbers >= len(branches)).any():
        raise ValueError(f"branch points must be among the {len(branches)}; got {numbers.tolist()}")
    return [branches[k] for k in numbers.tolist() if k >= 0]


def _joined(parts: list[NDArray]) -> Any:
    return np.concatenate(parts) if parts else []


def _cut(name: str, together: Any, sizes: NDArray) -> list[Any]:
    """Split concatenated data into parts of the given sizes."""
    if sum(sizes.tolist()) != len(together):
        raise ValueError(f"{name} must hold {sum(sizes.tolist())}; got {len(together)}")
    last = np.cumsum(sizes).tolist()
    return [together[a:b] for a, b in zip([0, *last][:-1], last, strict=True)]
