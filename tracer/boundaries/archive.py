"""A boundary as one `.npz` file: arrays of numbers and texts, nothing that is executed on reading.

A network, or a kernel model, is kept as its JSON; a `Function` cannot be kept, and its curves are read
back with the stored prediction alone. Before an array is read, the size its header claims is held
against the bytes that are there.
"""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tracer.atlas.certificate import Certificate, Proof, Status
from tracer.boundaries.boundary import Boundary, Stats
from tracer.boundaries.clusters import Cluster
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.pieces import DEGREE, Pieces
from tracer.curves.singular import BranchPoint
from tracer.curves.turning import TurningPoint
from tracer.fields import kernel_json, network_json
from tracer.fields.box import Box
from tracer.fields.checks import path as checked
from tracer.fields.checks import said, shown
from tracer.fields.exponential_sum import ExponentialSum
from tracer.fields.field import Field
from tracer.fields.kernel import KernelField
from tracer.fields.network import Network

Array = NDArray[np.float64]

VERSION = 2
_ENDS = list(End)
_PROOF = ("empty", "charts", "dependent", "crossings")


def write(boundary: Boundary, path: Path) -> None:
    """Write everything but a `Function` to `path`."""
    kind, network = field_text(boundary.field)
    arrays: dict[str, Any] = {
        "version": VERSION,
        "field": kind,
        "network": network,
        "bounds": boundary.bounds,
        **_certificate_arrays(boundary.certificate),
        **_cluster_arrays(boundary.clusters),
        "evaluations": [boundary.stats.cells, boundary.stats.evaluations],
        "phases": np.array(list(boundary.stats.seconds), dtype=np.str_),
        "seconds": np.array(list(boundary.stats.seconds.values()), dtype=np.float64),
        "curves": len(boundary.curves),
        **_branch_arrays("boundary", boundary.branch_points),
    }
    for k, curve in enumerate(boundary.curves):
        arrays |= _curve_arrays(f"curve{k}", curve)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def read(path: str | os.PathLike) -> Boundary:
    """Read what `write` wrote; see `Boundary.load`."""
    path = checked("path", path)
    if not path.is_file():
        raise FileNotFoundError(f"path must be a file that exists; got {shown(str(path))}")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_claims(archive, os.path.getsize(path))
        with np.load(path, allow_pickle=False) as arrays:
            read_only = dict(arrays)
        for array in read_only.values():
            array.flags.writeable = False
        return _boundary(read_only)
    except (
        zipfile.BadZipFile,
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        EOFError,
        OSError,
        NotImplementedError,
        OverflowError,
        RuntimeError,
    ) as error:
        raise ValueError(
            f"path must be a boundary saved as .npz, {shown(str(path))} is none: {said(error)}"
        ) from None


def _check_claims(archive: zipfile.ZipFile, size: int) -> None:
    """Every member is stored as it is and no array claims more numbers than there are bytes."""
    for member in archive.infolist():
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
            raise ValueError(f"{member.filename} claims {member.file_size} bytes in a file of {size}")
        with archive.open(member) as stream:
            version = npy.read_magic(stream)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = header(stream)
        claimed = int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize
        if dtype.hasobject or claimed > member.file_size:
            raise ValueError(f"{member.filename} claims an array of shape {shape}")


def _boundary(a: dict[str, Any]) -> Boundary:
    if int(a["version"]) != VERSION:
        raise ValueError(f"version must be {VERSION}; got {int(a['version'])}")
    box = Box.from_bounds(a["bounds"])
    field = _field(str(a["field"]), str(a["network"]))
    seconds = dict(zip(a["phases"].tolist(), a["seconds"].tolist(), strict=True))
    proven_box = Box.from_bounds(a["certificate.bounds"])
    if not (proven_box.contains(box.lower) and proven_box.contains(box.upper)):
        raise ValueError(f"the proof must hold in all of the box {box}; it holds in {proven_box}")
    curves = tuple(_curve(f"curve{k}", a, field, proven_box) for k in range(int(a["curves"])))
    return Boundary(
        curves,
        _certificate(a, proven_box, curves),
        _branch_points("boundary", a),
        box,
        field,
        Stats(int(a["evaluations"][0]), int(a["evaluations"][1]), seconds),
        _clusters(a),
    )


def field_text(field: Field | None) -> tuple[str, str]:
    """The kind of a field and its JSON; "none" of one that cannot be kept."""
    if isinstance(field, Network):
        return "network", network_json.dumps(field)
    if isinstance(field, ExponentialSum):
        return "exponential sum", network_json.dumps(field.margin)
    if isinstance(field, KernelField):
        return "kernel", kernel_json.dumps(field)
    return "none", ""


def _field(kind: str, text: str) -> Field | None:
    if kind == "network":
        return network_json.loads(text)
    if kind == "exponential sum":
        return ExponentialSum(network_json.loads(text))
    if kind == "kernel":
        return kernel_json.loads(text)
    return None


def _certificate_arrays(certificate: Certificate) -> dict[str, Any]:
    arrays = {
        "certificate.status": certificate.status.name,
        "certificate.bounds": certificate.bounds,
        "certificate.undecided": certificate.undecided,
        "certificate.counts": [certificate.cells, certificate.crossings],
        "certificate.reason": certificate.reason,
    }
    proof = certificate.proof
    return arrays if proof is None else arrays | {f"proof.{name}": getattr(proof, name) for name in _PROOF}


def _certificate(a: dict[str, Any], box: Box, curves: tuple[Curve, ...]) -> Certificate:
    proof = None
    if "proof.empty" in a:
        parts = {name: a[f"proof.{name}"] for name in _PROOF}
        proof = Proof(**parts, curves=tuple(curve.points for curve in curves))
    cells, crossings = a["certificate.counts"].tolist()
    status, undecided = Status[str(a["certificate.status"])], a["certificate.undecided"]
    if undecided.shape != (len(undecided), 2, 2):
        raise ValueError(f"undecided cells must be pairs of corners; got shape {undecided.shape}")
    if status is Status.PROVEN and (len(undecided) or not all(curve.proven for curve in curves)):
        raise ValueError("a proven boundary has proven curves, and no undecided cells")
    return Certificate(
        status,
        box.bounds,
        undecided,
        cells,
        crossings,
        str(a["certificate.reason"]),
        proof,
    )


def _cluster_arrays(clusters: tuple[Cluster, ...]) -> dict[str, Any]:
    found = [k for k, cluster in enumerate(clusters) if cluster.branch_point is not None]
    return {
        "clusters.bounds": np.array([cluster.bounds for cluster in clusters]).reshape(-1, 2, 2),
        "clusters.arcs": np.array([cluster.arcs for cluster in clusters], dtype=np.int64),
        "clusters.found": np.array(found, dtype=np.int64),
        **_branch_arrays("clusters", tuple(c.branch_point for c in clusters if c.branch_point is not None)),
    }


def _clusters(a: dict[str, Any]) -> tuple[Cluster, ...]:
    points = dict(zip(a["clusters.found"].tolist(), _branch_points("clusters", a), strict=True))
    pairs = zip(a["clusters.bounds"], a["clusters.arcs"].tolist(), strict=True)
    return tuple(Cluster(bounds, arcs, points.get(k)) for k, (bounds, arcs) in enumerate(pairs))


def _curve_arrays(name: str, curve: Curve) -> dict[str, Any]:
    turning = curve.turning_points
    return {
        f"{name}.points": curve.points,
        f"{name}.ends": np.array([_ENDS.index(end) for end in curve.ends], dtype=np.int64),
        f"{name}.turning": np.array([[*t.point, t.s, t.coordinate] for t in turning]).reshape(-1, 4),
        f"{name}.error_bound": curve.error_bound,
        f"{name}.proven": curve.proven,
        f"{name}.pieces": curve.pieces.coefficients,
        f"{name}.tolerance": curve.tolerance,
        **_branch_arrays(name, curve.branch_points),
    }


def _curve(name: str, a: dict[str, Any], field: Field | None, box: Box) -> Curve:
    points, pieces = a[f"{name}.points"], a[f"{name}.pieces"]
    if points.shape != (len(pieces) + 1, 2) or pieces.shape != (len(pieces), DEGREE + 1, 3):
        raise ValueError(f"{name} has points of shape {points.shape} and pieces of shape {pieces.shape}")
    if not np.isfinite(points).all() or not np.isfinite(pieces).all():
        raise ValueError(f"{name} must be finite")
    ends, error_bound = a[f"{name}.ends"], a[f"{name}.error_bound"]
    if ends.shape not in ((0,), (2,)) or not np.isin(ends, np.arange(len(_ENDS))).all():
        raise ValueError(f"{name} must have no ends or two; got {ends.tolist()}")
    if not len(ends) and not np.array_equal(points[0], points[-1]):
        raise ValueError(f"{name} is closed, so it must repeat its first point")
    if error_bound.shape != points.shape[:1] or not (error_bound >= 0).all():
        raise ValueError(f"{name} must have an error bound, not negative, for each of {len(points)} points")
    return Curve(
        points,
        tuple(_ENDS[k] for k in ends),
        tuple(TurningPoint(row[:2], float(row[2]), int(row[3])) for row in a[f"{name}.turning"]),
        _branch_points(name, a),
        error_bound,
        bool(a[f"{name}.proven"]),
        box,
        field,
        Pieces(pieces),
        float(a[f"{name}.tolerance"]),
    )


def _branch_arrays(name: str, points: tuple[BranchPoint, ...]) -> dict[str, Any]:
    tangents = [t for p in points for t in p.tangents]
    return {
        f"{name}.branch_points": np.array([p.point for p in points]).reshape(-1, 2),
        f"{name}.branches": np.array([len(p.tangents) for p in points], dtype=np.int64),
        f"{name}.tangents": np.array(tangents).reshape(-1, 2),
    }


def _branch_points(name: str, a: dict[str, Any]) -> tuple[BranchPoint, ...]:
    tangents = np.split(a[f"{name}.tangents"], np.cumsum(a[f"{name}.branches"])[:-1])
    return tuple(BranchPoint(p, t) for p, t in zip(a[f"{name}.branch_points"], tangents, strict=False))
