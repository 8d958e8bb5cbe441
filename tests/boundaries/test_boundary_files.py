"""Boundaries saved and read back; what is not a boundary is refused before anything is built."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from scipy.special import ellipe

import forgeries
import tracer
from cases.mutations import kernel_machines
from cases.problems import BOX, SHARED, T1, T2, T3, needs_shared
from forgeries import CONTRADICTORY, FORGERIES, changed, numbers_of, save_numbers


@pytest.fixture(scope="module")
def boundary():
    return tracer.trace(T3, BOX, max_cells=2500)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The numbers in the files of three boundaries."""
    path = tmp_path_factory.mktemp("saved") / "b.npz"
    numbers = {}
    for name, network in (("T1", T1), ("T2", T2), ("T3", T3)):
        tracer.trace(network, BOX).save(path)
        numbers[name] = numbers_of(path)
    return numbers


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
        with pytest.raises(ValueError, match="cannot be read as a boundary"):
            tracer.Boundary.load(tmp_path / "cut.npz")
    with pytest.raises(FileNotFoundError):
        tracer.Boundary.load(tmp_path / "none.npz")


def altered(source, target, name, data):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            new.writestr(member.filename, data if member.filename == name else old.read(member))


def member_of(value):
    stream = io.BytesIO()
    np.save(stream, value, allow_pickle=True)
    return stream.getvalue()


def refused(path, why):
    """Loading says that the file is no boundary, by its name, and why."""
    with pytest.raises(ValueError, match=rf"{path.name}' cannot be read as a boundary saved as \.npz: {why}"):
        tracer.Boundary.load(path)


def test_a_matrix_of_1e12_entries_is_refused_before_it_is_made(boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
    )
    altered(tmp_path / "b.npz", tmp_path / "huge.npz", "certificate.undecided.npy", header.getvalue())
    refused(tmp_path / "huge.npz", r"certificate.undecided claims an array of shape \(1000000, 1000000\)")


@pytest.mark.parametrize(
    "value", [np.array([{}], dtype=object), np.ones(2, complex), np.ones(2, np.float16), np.ones(2, "M8[s]")]
)
def test_what_is_no_plain_number_is_refused(value, boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    altered(tmp_path / "b.npz", tmp_path / "odd.npz", "certificate.undecided.npy", member_of(value))
    refused(tmp_path / "odd.npz", "certificate.undecided must be an array of")


HEADERS = [
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1" * 40_000 + b"x), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': " + b"-" * 9000 + b"1, }",
    b"(" * 9000,
    b"'" * 3,
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_headers_are_not_read_as_python(header, boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    altered(tmp_path / "b.npz", tmp_path / "odd.npz", "certificate.undecided.npy", data)
    refused(tmp_path / "odd.npz", "certificate.undecided must be an array of")


def test_members_claim_no_more_than_there_is(boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    whole = numbers_of(tmp_path / "b.npz")
    np.savez_compressed(tmp_path / "packed.npz", **whole)
    refused(tmp_path / "packed.npz", ".*")
    np.savez_compressed(tmp_path / "bomb.npz", **whole, more=np.zeros(10**7))
    refused(tmp_path / "bomb.npz", r"its \d+ members claim 80\d{6} bytes")
    np.savez(tmp_path / "more.npz", **whole, more=np.zeros(1))
    refused(tmp_path / "more.npz", r".*lacking or odd: \['more'\]")
    (tmp_path / "polyglot.npz").write_bytes(member_of(np.zeros(3)) + (tmp_path / "b.npz").read_bytes())
    refused(tmp_path / "polyglot.npz", "it does not begin as one")


# What is proven is bound to its numbers ---------------------------------------------------------------


@pytest.mark.parametrize("forge", FORGERIES, ids=[forge.__name__ for forge in FORGERIES])
def test_a_forged_file_is_refused_and_mostly_even_with_a_digest_of_its_own(forge, saved, tmp_path):
    forged = changed(np.random.default_rng(3), forge, saved["T3"], saved["T2"])
    save_numbers(tmp_path / "forged.npz", forged)
    refused(tmp_path / "forged.npz", "its digest does not fit its numbers")
    if forge in CONTRADICTORY:
        save_numbers(tmp_path / "forged.npz", forged, anew=True)
        refused(tmp_path / "forged.npz", "(?!its digest).*")


def test_no_forged_file_of_random_networks_loads_with_its_old_digest(fresh_seed, tmp_path):
    wrong, tally = forgeries.run(100, fresh_seed, tmp_path)
    assert wrong == []
    assert tally.total() > 100


def test_a_file_without_a_digest_is_refused_with_the_cure(boundary, tmp_path):
    boundary.save(tmp_path / "b.npz")
    numbers = numbers_of(tmp_path / "b.npz")
    digest = numbers.pop("digest")
    np.savez(tmp_path / "none.npz", **numbers)
    refused(tmp_path / "none.npz", r".*lacking or odd: \['digest'\]")
    for old in ({"version": np.array(3)}, {"version": np.array([6, 6])}, {"version": np.array("6")}):
        np.savez(tmp_path / "old.npz", **{**numbers, **old}, digest=digest)
        refused(tmp_path / "old.npz", r"its version must be 6, got .*, trace the boundary again")


def test_points_beside_the_boundary_of_their_network_are_contradicted(saved, tmp_path):
    # By so little that no empty cell has a root.
    network = json.loads(str(saved["T3"]["network"]))
    network["layers"][-1]["b"][0] += 1e-9
    forged = saved["T3"] | {"network": np.array(json.dumps(network))}
    save_numbers(tmp_path / "forged.npz", forged, anew=True)
    refused(tmp_path / "forged.npz", "within their error bounds there is certainly no root")


def test_a_proof_of_another_network_is_contradicted_by_its_numbers(saved, tmp_path):
    forged = saved["T3"] | {"network": saved["T1"]["network"]}
    save_numbers(tmp_path / "forged.npz", forged, anew=True)
    refused(tmp_path / "forged.npz", "(F certainly has a root in|within their error bounds)")


TEXTS = ["", "[", "[]", "{}", '{"layers": []}', "[" * 100_000, '{"terms": 1, "last": {"W": [[1]], "b": [0]}}']


@pytest.mark.parametrize("of", ["network", "exponential sum", "kernel", "none", "pickle"])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_field_that_is_none_is_refused(of, text, saved, tmp_path):
    forged = saved["T3"] | {"field": np.array(of), "network": np.array(text)}
    save_numbers(tmp_path / "forged.npz", forged, anew=True)
    if (of, text) == ("none", ""):
        assert tracer.Boundary.load(tmp_path / "forged.npz").field is None
    else:
        refused(tmp_path / "forged.npz", "(field|network) must be")


@pytest.mark.parametrize("part", ["terms", "network", "variance", "output", "p", "sides"])
def test_a_probability_of_which_a_part_is_missing_is_refused(part, tmp_path):
    process = tracer.as_network(kernel_machines()[1]).probability(1, 0.7)
    tracer.trace(process, [(-2, 2), (-2, 2)], max_cells=2500).save(tmp_path / "b.npz")
    numbers = numbers_of(tmp_path / "b.npz")
    form = json.loads(numbers["network"].item())
    if part == "sides":
        del form[part][1]
    else:
        del form[part]
    save_numbers(tmp_path / "forged.npz", numbers | {"network": np.array(json.dumps(form))}, anew=True)
    refused(tmp_path / "forged.npz", "(network must be the JSON of a kernel|F certainly has a root in)")


def test_what_was_loaded_is_saved_as_the_same_numbers(tmp_path):
    network, bounds = tracer.example("xor")
    for boundary in (tracer.trace(network.margin(0, 1), bounds), tracer.trace(T3, BOX)):
        boundary.save(tmp_path / "b.npz")
        back = tracer.Boundary.load(tmp_path / "b.npz")
        back.save(tmp_path / "again.npz")
        assert numbers_of(tmp_path / "b.npz")["digest"] == numbers_of(tmp_path / "again.npz")["digest"]
        assert all(cluster.branch_point in back.branch_points for cluster in back.clusters)
        assert np.array_equal(back.nearest([[0.1, 0.2]]).proven, boundary.nearest([[0.1, 0.2]]).proven)


@pytest.mark.parametrize("steps", [1, 2, 5, 1000])
def test_a_curve_from_a_seed_comes_back(steps, tmp_path):
    curve = tracer.trace_from(T1, tracer.trace(T1, BOX)[0](1.0), BOX, max_steps=steps)
    boundary = tracer.Boundary.of_curve(curve)
    boundary.save(tmp_path / "b.npz")
    assert_same(boundary, tracer.Boundary.load(tmp_path / "b.npz"))


@needs_shared
@pytest.mark.parametrize("path", sorted((SHARED / "faults").glob("*.npz")), ids=lambda path: path.stem)
def test_files_that_hurt_are_refused(path):
    refused(path, "")


@pytest.mark.parametrize("seed", [12, 63])
def test_what_a_budget_has_ended_comes_back(seed, tmp_path):
    # Unproven curves of a field that is steep in box units: their turning points are where they may be.
    rng = np.random.default_rng(seed)
    hidden = tracer.Layer(rng.normal(size=(8, 2)) * 3, rng.normal(size=8) * 3, "tanh")
    network = tracer.Network([hidden, tracer.Layer(rng.normal(size=(1, 8)), rng.normal(size=1) * 0.3)])
    boundary = tracer.trace(network, [(-1e8, 1e8), (-1, 1)], max_cells=400)
    assert boundary.certificate.status is tracer.Status.BUDGET_EXHAUSTED
    boundary.save(tmp_path / "b.npz")
    assert_same(boundary, tracer.Boundary.load(tmp_path / "b.npz"))


@pytest.mark.parametrize("aspect", [30.0, 470.0, 1e4])
def test_boundaries_in_long_boxes_come_back_with_their_lengths(aspect, fresh_seed, tmp_path):
    rng = np.random.default_rng(fresh_seed)
    short = 10.0 ** rng.uniform(-3, 3)
    a, b = (aspect * short, short) if rng.random() < 0.5 else (short, aspect * short)
    boundary = tracer.trace(lambda x, y: (x / a) ** 2 + (y / b) ** 2 - 0.5, [(-a, 1.01 * a), (-1.02 * b, b)])
    long, flat = max(a, b), min(a, b)
    exact = 4 * np.sqrt(0.5) * long * ellipe(1 - (flat / long) ** 2)
    assert boundary.length == pytest.approx(exact, rel=1e-9)
    boundary.save(tmp_path / "it.npz")
    assert tracer.Boundary.load(tmp_path / "it.npz").length == boundary.length
