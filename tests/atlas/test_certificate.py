"""What a certificate says and shows, and that it is the same each time and after a file."""

import matplotlib as mpl
import numpy as np
import pytest

import tracer
from cases.problems import BOX, SQUARE, T2, T3, WIDE, traced
from cases.random_networks import tanh_network


@pytest.mark.parametrize(
    "field", [T2, T3, tanh_network(1).margin(0, 1), tracer.Function(lambda x, y: x * y - 0.1 * x)]
)
def test_the_same_input_gives_the_same_bits(field):
    a, b = (traced(field, WIDE) for _ in range(2))
    assert len(a) == len(b) > 0
    for p, q in zip(a, b, strict=True):
        assert np.array_equal(p.points, q.points)
        assert np.array_equal(p.error_bound, q.error_bound)
        assert np.array_equal(p.pieces.coefficients, q.pieces.coefficients)
        assert p.ends == q.ends
    assert_same_certificate(a.certificate, b.certificate)


def assert_same_certificate(one, other):
    assert str(one) == str(other)
    assert one.bounds == other.bounds
    assert np.array_equal(one.undecided, other.undecided)
    for name in ("empty", "charts", "dependent", "crossings"):
        assert np.array_equal(getattr(one.proof, name), getattr(other.proof, name))
    assert all(map(np.array_equal, one.proof.curves, other.proof.curves))


def test_a_certificate_draws_its_proof():
    with mpl.rc_context({"backend": "Agg"}):
        from matplotlib.figure import Figure

        boundary = traced(T3, BOX)
        ax = boundary.certificate.plot(Figure().subplots())
        assert ax.get_xlim() == (-3, 3)
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["empty", "solved for x1", "solved for x2", "crossing"]
        ax.figure.canvas.draw()
        crossing = traced(lambda x, y: x * y, [(-1, 1.1), (-1, 1.2)]).certificate.plot(Figure().subplots())
        assert "undecided\n(drawn larger)" in [text.get_text() for text in crossing.get_legend().get_texts()]


def test_a_certificate_without_a_proof_cannot_be_drawn():
    sampled = tracer.trace(lambda x, y: np.floor(x) * 0 + x, SQUARE, max_cells=400)
    with pytest.raises(ValueError, match="plot needs a proof to draw; the status is SAMPLED"):
        sampled.certificate.plot()


def test_the_certificate_says_what_it_claims():
    sentence = str(traced(T2, BOX).certificate)
    assert sentence.startswith("PROVEN: the components of the boundary in [-3, 3] × [-3, 3] and the returned")
    assert "correspond one to one" in sentence
    assert "4 ulp" in sentence
    crossing = traced(lambda x, y: x * y, [(-1, 1.1), (-1, 1.2)]).certificate
    assert str(crossing).startswith("PROVEN_OUTSIDE_CELLS: outside 1 undecided cell, where")
    assert "correspond one to one" not in str(traced(T3, BOX, max_cells=20).certificate)
    side = str(traced(lambda x, y: y, [(0, 1), (0, 1)]).certificate)
    assert "[-1.7e-09, 1]" in side or "[-1.3e-09, 1]" in side


@pytest.mark.parametrize(
    "field", [tracer.Network([tracer.Layer([[1.0, 0.0]], [0.0])]), tracer.Function(lambda x, y: x * y), T2]
)
def test_a_proven_boundary_comes_back_from_its_file(field, tmp_path):
    boundary = traced(field, [(0, 1), (0, 1.5)])
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz")
    assert repr(back) == repr(boundary)
    assert back.bounds == boundary.bounds
    assert_same_certificate(boundary.certificate, back.certificate)
    assert len(back.clusters) == len(boundary.clusters)
    for p, q in zip(boundary.clusters, back.clusters, strict=True):
        assert repr(p) == repr(q)
        assert np.array_equal(p.bounds, q.bounds)
    for p, q in zip(boundary, back, strict=True):
        assert p.proven == q.proven
        assert p.ends == q.ends
        assert np.array_equal(p.points, q.points)
        assert np.array_equal(p.error_bound, q.error_bound)
