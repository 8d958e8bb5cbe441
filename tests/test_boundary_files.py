"""Boundaries saved and read back; what is not a boundary is refused before anything is built."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from problems import BOX, T2, T3

import tracer


@pytest.fixture(scope="module")
def boundary():
    return tracer.trace(T3, BOX, max_cells=2500)


def assert_same(a, b):
    assert repr(a) == repr(b)
    assert a.stats == b.stats
    assert np.array_equal(a.certificate.undecided, b.certificate.undecided)
    assert len(a.branch_points) == len(b.branch_points)
    for p, q in zip(a, b, strict=True):
        assert np.array_equal(p.points, q.points)
        assert np.array_equal(p.error_bound, q.error_bound)
        assert np.array_equal(p.pieces.coefficients, q.pieces.coefficients)
        assert p.ends == q.ends
        assert [repr(t) for t in p.turning_points] == [repr(t) for t in q.turning_points]
        s = np.linspace(0, p.length, 9)
        assert np.array_equal(p(s), q(s))


def test_npz_comes_back_whole(boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz")
    assert_same(boundary, back)
    assert isinstance(back.field, tracer.Network)


def test_a_restricted_margin_comes_back_with_plane_and_radii(tmp_path):
    network, _ = tracer.example("paper")
    field = network.margin(0, 1).restrict(tracer.Plane([0.1, 0], [0.8, 0.6], [-0.6, 0.8]))
    boundary = tracer.trace(field, BOX, max_cells=900)
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz")
    assert np.array_equal(back.field.layers[0].weight_radius, field.layers[0].weight_radius)
    assert np.array_equal(back[0].lift(), boundary[0].lift())


def test_an_exponential_sum_comes_back(tmp_path):
    boundary = tracer.trace(tracer.ExponentialSum(T3), BOX, max_cells=900)
    boundary.save(tmp_path / "b.npz")
    assert isinstance(tracer.Boundary.load(tmp_path / "b.npz").field, tracer.ExponentialSum)


def test_a_function_comes_back_without_its_field_but_with_its_curve(tmp_path):
    field = tracer.Function(lambda x, y: x**2 + y**2 - 1, lambda x, y: (2 * x, 2 * y))
    boundary = tracer.trace(field, BOX, max_cells=900)
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz")
    assert back.field is None
    (curve,) = back
    x = curve(np.linspace(0, curve.length, 500))
    assert np.hypot(*x.T) == pytest.approx(1, abs=6e-10)
    assert np.abs((x * curve.tangent(np.linspace(0, curve.length, 500))).sum(1)).max() < 1e-7
    assert len(curve.polyline(1e-3)) > 10


def test_branch_points_come_back(tmp_path):
    network, bounds = tracer.example("xor")
    boundary = tracer.trace(network.margin(0, 1), bounds, max_cells=2500)
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz")
    assert np.array_equal(back.branch_points[0].tangents, boundary.branch_points[0].tangents)
    assert all(len(c.branch_points) == 1 for c in back)


def test_csv_and_geojson_hold_the_polylines(boundary, tmp_path):
    loop = tracer.trace(T2, BOX, max_cells=2500)
    for name, b in (("open", boundary), ("closed", loop)):
        b.save(tmp_path / f"{name}.csv")
        b.save(tmp_path / f"{name}.geojson")
        rows = list(csv.reader((tmp_path / f"{name}.csv").read_text().splitlines()))
        assert rows[0] == ["curve", "closed", "x1", "x2"]
        x = np.array(rows[1:], float)[:, 2:]
        assert np.abs(b.field.value(x)).max() < 1e-12
        features = json.loads((tmp_path / f"{name}.geojson").read_text())["features"]
        assert len(features) == len(b)
    ring = features[0]["geometry"]
    assert ring["type"] == "Polygon"
    p = np.array(ring["coordinates"][0])
    assert np.array_equal(p[0], p[-1])
    assert (p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1]).sum() > 0


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_pictures_are_written(boundary, tmp_path, suffix):
    boundary.save(tmp_path / f"b{suffix}")
    start = (tmp_path / f"b{suffix}").read_bytes()[:60]
    assert {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF"}[suffix] in start


def test_bad_targets_are_errors_and_leave_nothing(boundary, tmp_path):
    with pytest.raises(ValueError, match="path must end in"):
        boundary.save(tmp_path / "b.docx")
    with pytest.raises(FileNotFoundError, match="folder that exists"):
        boundary.save(tmp_path / "nowhere" / "b.npz")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_save_leaves_the_old_file(boundary, tmp_path, monkeypatch):
    target = tmp_path / "b.csv"
    target.write_text("old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tracer.Curve, "polyline", interrupt)
    with pytest.raises(KeyboardInterrupt):
        boundary.save(target)
    assert [p.name for p in tmp_path.iterdir()] == ["b.csv"]
    assert target.read_text() == "old"


def test_truncated_files_are_refused(boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    data = (tmp_path / "b.npz").read_bytes()
    for size in (0, 1, 100, len(data) // 2, len(data) - 1):
        (tmp_path / "cut.npz").write_bytes(data[:size])
        with pytest.raises(ValueError, match="path must be a boundary"):
            tracer.Boundary.load(tmp_path / "cut.npz")
    with pytest.raises(FileNotFoundError):
        tracer.Boundary.load(tmp_path / "none.npz")


def altered(source, target, name, data):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            new.writestr(member.filename, data if member.filename == name else old.read(member))


def test_a_matrix_of_1e12_entries_is_refused_before_it_is_made(boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
    )
    altered(tmp_path / "b.npz", tmp_path / "huge.npz", "certificate.undecided.npy", header.getvalue())
    with pytest.raises(ValueError, match=r"claims an array of shape \(1000000, 1000000\)"):
        tracer.Boundary.load(tmp_path / "huge.npz")


def test_pickles_are_refused(boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    stream = io.BytesIO()
    np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
    altered(tmp_path / "b.npz", tmp_path / "evil.npz", "certificate.undecided.npy", stream.getvalue())
    with pytest.raises(ValueError, match="path must be a boundary"):
        tracer.Boundary.load(tmp_path / "evil.npz")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("curve0.ends", np.array([0])),
        ("curve0.ends", np.array([-1, -1])),
        ("curve0.ends", np.array([], dtype=np.int64)),
        ("curve0.error_bound", np.zeros(2)),
        ("curve0.proven", np.array(False)),
        ("certificate.undecided", np.zeros((1, 2, 2))),
        ("certificate.undecided", np.zeros(7)),
        ("certificate.bounds", np.array([[0.0, 1.0], [0.0, 1.0]])),
    ],
)
def test_a_proof_that_does_not_hold_together_is_refused(member, value, tmp_path):
    tracer.trace(T3, BOX).save(tmp_path / "b.npz")
    stream = io.BytesIO()
    np.save(stream, value)
    altered(tmp_path / "b.npz", tmp_path / "damaged.npz", f"{member}.npy", stream.getvalue())
    with pytest.raises(ValueError, match="path must be a boundary"):
        tracer.Boundary.load(tmp_path / "damaged.npz")
