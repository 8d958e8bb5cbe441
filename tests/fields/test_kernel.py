"""Kernel fields: bounds against ball arithmetic of the model unfolded; values, margins, planes, files."""

import copy
import pickle
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

import tracer
from oracles.balls import BITS, arb_of, inside
from tracer import Status
from tracer.enclosures.forms.quadratic import Quadratics
from tracer.fields.kernels.gaussians import Gaussians
from tracer.fields.kernels.kernel import KernelField
from tracer.fields.networks.layer import Layer
from tracer.fields.networks.network import Network
from tracer.models.lowering.affine import Affine


@dataclass
class Model:
    """A scaler, a kernel and a plane, with nothing folded: the numbers as a user has them."""

    mean: np.ndarray
    scale: np.ndarray
    centres: np.ndarray
    alpha: np.ndarray
    intercept: float
    weights: np.ndarray  # of Gaussians; or ((γ, r, degree))
    degree: int | None
    plane: tracer.Plane | None

    def field(self):
        inner = Affine.identity(len(self.mean)).plus(-self.mean).over(self.scale)
        last = Layer([self.alpha], [self.intercept])
        if self.degree is None:
            field = KernelField(Gaussians(self.centres, self.weights, inner.layer()), Network([last]))
        else:
            gamma, r = self.weights
            products = inner.matmul(self.centres).times(gamma).plus(r).layer()
            arrays = products.weight, products.bias
            radii = {"weight_radius": products.weight_radius, "bias_radius": products.bias_radius}
            field = Network([Layer(*arrays, "power", degree=self.degree, **radii), last])
        return field if self.plane is None else field.restrict(self.plane)

    def exactly(self, point):
        """F and ∇F at a point of floats: balls."""
        ctx.prec = BITS
        z, dz = self._coordinates([arb_of(x) for x in point])
        F, partials = arb_of(self.intercept), [arb(0), arb(0)]
        for k, (c, a) in enumerate(zip(self.centres, self.alpha, strict=True)):
            value, slopes = self._kernel([arb_of(x) for x in c], z, k)
            F += arb_of(a) * value
            for i in (0, 1):
                partials[i] += arb_of(a) * sum(s * d[i] for s, d in zip(slopes, dz, strict=True))
        return F, partials

    def _coordinates(self, s):
        """z, and its partials by the two coordinates."""
        n = len(self.mean)
        if self.plane is None:
            x, dx = s, [[int(i == j) for i in (0, 1)] for j in range(n)]
        else:
            o, u, v = ([arb_of(t) for t in w] for w in (self.plane.origin, self.plane.u, self.plane.v))
            x, dx = [o[j] + s[0] * u[j] + s[1] * v[j] for j in range(n)], list(zip(u, v, strict=True))
        scale = [arb_of(t) for t in self.scale]
        z = [(x[j] - arb_of(self.mean[j])) / scale[j] for j in range(n)]
        return z, [[d / scale[j] for d in dx[j]] for j in range(n)]

    def _kernel(self, c, z, k):
        if self.degree is None:
            w = [arb_of(t) for t in self.weights[k % len(self.weights)]]
            value = (-sum(a * (y - b) ** 2 for a, y, b in zip(w, z, c, strict=True))).exp()
            return value, [-2 * a * (y - b) * value for a, y, b in zip(w, z, c, strict=True)]
        gamma, r = (arb_of(t) for t in self.weights)
        q = gamma * sum(y * b for y, b in zip(z, c, strict=True)) + r
        return q**self.degree, [self.degree * q ** (self.degree - 1) * gamma * b for b in c]


def random_model(rng, degree=None):
    """Of 2 to 6 inputs, 1 to 30 kernels; units from 1e-3 to 1e3, origins far away or near."""
    n, k = rng.integers(2, 7), rng.integers(1, 31)
    plane = None
    unit = 10 ** rng.uniform(-3, 3, n)
    mean = unit * rng.normal(0, 10 ** rng.uniform(-1, 2), n)
    if n > 2 or rng.uniform() < 0.3:
        u, v = rng.normal(size=(2, n)) * unit
        plane = tracer.Plane(mean + unit * rng.normal(size=n), u, v)
    if degree is None:
        weights = 10 ** rng.uniform(-2, 1, (rng.choice([1, k]), n))
    else:
        weights = np.array([10 ** rng.uniform(-1, 0), rng.choice([0.0, 1.0, rng.normal()])])
    alpha = rng.normal(0, 10 ** rng.uniform(-1, 3), k)
    return Model(mean, unit, rng.normal(size=(k, n)), alpha, rng.normal(), weights, degree, plane)


def random_cells(rng, model, k):
    """Cells of all sizes around the centres; a quarter of the coordinates have no width."""
    low, high = (
        (-3, 3) if model.plane is not None else (model.mean - 3 * model.scale, model.mean + 3 * model.scale)
    )
    center = rng.uniform(low, high, (k, 2))
    radius = (np.subtract(high, low) * np.ones(2)) * 10 ** rng.uniform(-9, 0, (k, 2))
    radius *= rng.choice([0, 1, 1, 1], (k, 2))
    return center - radius, center + radius


def terms(field, x):
    """Values of the kernels at points."""
    return field.terms.value(x) if isinstance(field, KernelField) else Network(field.layers[:1])(x)


DEGREES = [None, 1, 2, 3, 4, 7]


@pytest.mark.parametrize("degree", DEGREES)
def test_no_bound_is_violated(degree, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(6):
        model = random_model(rng, degree)
        lower, upper = random_cells(rng, model, 12)
        found = model.field().enclose(lower, upper)
        share = rng.choice([0.0, 1.0, rng.uniform()], lower.shape)
        x = np.clip(lower + share * (upper - lower), lower, upper)
        assert found.defined.all()
        for k in range(len(x)):
            value, partials = model.exactly(x[k])
            assert inside(value, found.lower[k], found.upper[k]), (model, lower[k], upper[k], x[k])
            for i in np.flatnonzero(lower[k] < upper[k]):
                ends = found.gradient_lower[k, i], found.gradient_upper[k, i]
                assert inside(partials[i], *ends), (model, lower[k], upper[k], x[k], i)


@pytest.mark.parametrize("degree", DEGREES)
def test_bounds_at_points_are_those_of_rounding(degree, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    model = random_model(rng, degree)
    model.mean = np.clip(model.mean, -10 * model.scale, 10 * model.scale)
    x = random_cells(rng, model, 30)[0]
    field = model.field()
    found = field.enclose(x, x)
    value = field.value(x)
    size = np.abs(model.alpha) @ np.abs(terms(field, x)).T + abs(model.intercept)
    for k in range(len(x)):
        exact, _ = model.exactly(x[k])
        assert inside(exact, found.lower[k], found.upper[k])
        assert found.lower[k] <= value[k] <= found.upper[k]
    if model.plane is None and degree is None:
        assert (found.upper - found.lower <= 1e-9 * size).all()


def test_a_bound_that_is_a_little_too_narrow_is_noticed(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    model = random_model(rng)
    lower, upper = random_cells(rng, model, 200)
    found = model.field().enclose(lower, upper)
    missed = 0
    for k in range(len(lower)):
        ends = [model.exactly(x)[0] for x in (lower[k], upper[k])]
        middle, half = 0.5 * (found.lower[k] + found.upper[k]), 0.4 * (found.upper[k] - found.lower[k])
        missed += not all(inside(end, middle - half, middle + half) for end in ends)
    assert missed > 20


@pytest.mark.parametrize("degree", DEGREES)
def test_values_and_gradients_are_those_of_the_model(degree, fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(5):
        model = random_model(rng, degree)
        field = model.field()
        x = random_cells(rng, model, 20)[0]
        value, gradient = field.value_and_gradient(x)
        assert np.array_equal(field.value(x), value) or np.allclose(field.value(x), value, rtol=1e-9)
        for k in range(len(x)):
            F, partials = model.exactly(x[k])
            steep = np.array([float(p) for p in partials])
            scale = np.abs(model.alpha).max() * np.abs(terms(field, x[[k]])).sum() + 1
            assert abs(float(F) - value[k]) <= 1e-9 * scale
            assert np.abs(steep - gradient[k]).max() <= 1e-7 * (np.abs(gradient[k]).max() + scale)


# Polynomials --------------------------------------------------------------------------------------


def _exact(q, radii_signs, x):
    c, l0, l1, q00, q01, q11 = (
        Fraction(a) + s * Fraction(r)
        for a, s, r in zip(q.coefficients[:, 0], radii_signs, q.radii[:, 0], strict=True)
    )
    t0, t1 = (Fraction(a) - Fraction(b) for a, b in zip(x, q.points[0], strict=True))
    value = c + l0 * t0 + l1 * t1 + q00 * t0**2 + q01 * t0 * t1 + q11 * t1**2
    return value, (l0 + 2 * q00 * t0 + q01 * t1, l1 + 2 * q11 * t1 + q01 * t0)


def test_a_quadratic_on_a_cell_holds_the_exact_one(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(300):
        scale = 10.0 ** rng.uniform([-180, -3], [120, 3])[rng.integers(2)]
        coefficients = (
            rng.normal(size=(6, 1)) * 10 ** rng.uniform(-12, 12, (6, 1)) * rng.choice([0, 1, 1], (6, 1))
        )
        radii = np.abs(coefficients) * 10 ** rng.uniform(-17, -3, (6, 1)) * rng.choice([0, 1], (6, 1))
        q = Quadratics(rng.normal(size=(1, 2)) * scale, coefficients, radii)
        center, radius = rng.normal(size=(1, 2)) * scale, scale * 10 ** rng.uniform(-18, 1, (1, 2))
        lower, upper = center - radius, center + radius
        form, r = q.on_cells(lower, upper)
        low, high = form.value_bounds()
        partials = form.gradient_bounds(r)
        x = rng.choice([lower[0], upper[0], center[0], lower[0] + rng.uniform() * (upper[0] - lower[0])])
        x = np.clip(x, lower[0], upper[0])
        value, gradient = _exact(q, rng.integers(-1, 2, 6).tolist(), x)
        assert Fraction(low[0, 0]) <= value <= Fraction(high[0, 0])
        for i in np.flatnonzero(lower[0] < upper[0]):
            assert Fraction(partials[0][0, i]) <= gradient[i] <= Fraction(partials[1][0, i])
        middle, error = (a[0, 0] for a in q.at(x[None]))
        assert abs(Fraction(middle) - value) <= Fraction(error)


def test_exponents_are_known_within_their_radii(fresh_seed):
    rng = np.random.default_rng(fresh_seed)
    for _ in range(60):
        d, scale = int(rng.integers(1, 5)), 10 ** rng.uniform(-3, 3)
        A, b, c = rng.normal(size=(d, 2)), rng.normal(size=d) * scale, rng.normal(size=(2, d)) * scale
        w, s = rng.random((2, d)) / scale**2, rng.choice([0.0, 1e-9]) / scale**2
        terms = Gaussians(c, w, Layer(A, b), np.full((2, d), s))
        x = rng.normal(size=(1, 2)) * scale
        found, radius = terms.polynomials.at(x)
        z = [
            sum(Fraction(a) * Fraction(t) for a, t in zip(A[j], x[0], strict=True)) + Fraction(b[j])
            for j in range(d)
        ]
        for k in range(2):
            for sign in (-1, 0, 1):
                gaps = [(z[j] - Fraction(c[k, j])) ** 2 for j in range(d)]
                weights = [Fraction(w[k, j]) + sign * Fraction(s) for j in range(d)]
                exact = -sum(weight * gap for weight, gap in zip(weights, gaps, strict=True))
                assert abs(exact - Fraction(found[0, k])) <= Fraction(radius[0, k])


def test_around_its_own_point_a_distance_does_not_cancel():
    far = np.array([[1e8, -1e8]])
    terms = Gaussians(far, [[1.0, 1.0]], Affine.identity(2).layer())
    value, radius = terms.at(far + 0.5)
    assert value[0, 0] == pytest.approx(np.exp(-0.5), abs=1e-14)
    # The coordinates themselves are known to 1.5e-8.
    assert radius[0, 0] < 1e-6


def test_what_decays_to_1e_200_still_has_a_sign():
    """F = e^(−γ|x − a|²) − e^(−γ|x − b|²): its boundary is the line between a and b, from edge to edge."""
    terms = Gaussians([[-1.0, 0.2], [1.0, -0.2]], [[40.0, 40.0]], Affine.identity(2).layer())
    field = KernelField(terms, Network([Layer([[1.0, -1.0]], [0.0])]))
    assert 0 < abs(field.value([0.1, 3.0])) < 1e-150
    (curve,) = boundary = tracer.trace(field, [(-3, 3), (-3, 3)])
    assert boundary.certificate.status is Status.PROVEN
    assert boundary.certificate.cells < 25_000
    assert curve.points @ [1.0, -0.2] == pytest.approx(0, abs=1e-14)
    assert curve.length == pytest.approx(6 * np.hypot(1, 0.2))


def test_what_underflows_is_left_undecided_and_takes_few_cells():
    terms = Gaussians([[-1.0, 0.2], [1.0, -0.2]], [[400.0, 400.0]], Affine.identity(2).layer())
    field = KernelField(terms, Network([Layer([[1.0, -1.0]], [0.0])]))
    boundary = tracer.trace(field, [(-3, 3), (-3, 3)])
    assert boundary.certificate.status is Status.PROVEN_OUTSIDE_CELLS
    assert boundary.certificate.cells < 200_000
    undecided = boundary.certificate.undecided
    assert (np.abs(field.value(undecided.mean(axis=1))) < 1e-280).all()


# Margins, planes, labels, copies ------------------------------------------------------------------


def classifier(n=2, **labels):
    rng = np.random.default_rng(3)
    terms = Gaussians(rng.normal(size=(7, n)), np.full((1, n), 0.8), Affine.identity(n).layer())
    last = Layer([np.zeros(7), rng.normal(size=7)], [0.0, 0.1])
    return KernelField(terms, Network([last], classes=("no", "yes")), **labels)


def test_outputs_are_the_classes_and_margins_their_differences():
    model = classifier()
    x = np.random.default_rng(0).normal(size=(4, 5, 2))
    outputs = model(x)
    assert outputs.shape == (4, 5, 2)
    assert (model.n_inputs, model.n_outputs) == (2, 2)
    assert not outputs[..., 0].any()
    forward, back = model.margin(1, 0), model.margin(0, 1)
    assert forward.value(x) == pytest.approx(outputs[..., 1], abs=1e-15)
    assert np.array_equal(back.value(x), -forward.value(x))
    assert np.array_equal(model.margin(classes=("no", "yes")).value(x), back.value(x))
    assert np.array_equal(forward(x)[..., 0], forward.value(x))
    cells = -np.ones((1, 2)), np.ones((1, 2))
    assert forward.enclose(*cells).lower == -back.enclose(*cells).upper


def test_a_level_is_where_the_output_has_a_value():
    field = classifier().margin(1, 0)
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert field.level(0, 0.25).value(x) == pytest.approx(field.value(x) - 0.25, abs=1e-15)
    (curve, *_) = tracer.trace(field.level(0, 0.25), [(-3, 3), (-3, 3)])
    assert field.value(curve.points) == pytest.approx(0.25, abs=1e-13)


def test_a_plane_restricts_and_labels_follow():
    model = classifier(4, inputs=("a", "b", "c", "d"))
    origin = np.array([0.0, 0.3, 0.0, -0.2])
    plane = tracer.Plane(origin, np.eye(4)[2], np.eye(4)[0])
    field = model.restrict(plane).margin(1, 0)
    st = np.random.default_rng(1).normal(size=(6, 2))
    assert field.value(st) == pytest.approx(model(plane.lift(st))[:, 1], abs=1e-14)
    assert field.inputs == ("c", "a")
    inner = tracer.Plane([0.1, 0.2], [0.6, 0.8], [-0.8, 0.6])
    twice = field.restrict(inner)
    assert twice.value(st) == pytest.approx(field.value(inner.lift(st)), abs=1e-14)
    assert np.allclose(twice.plane.lift(st), plane.lift(inner.lift(st)))
    middle = float(np.median(field.value(st)))
    boundary = tracer.trace(field.level(0, middle), [(-2, 2), (-2, 2)])
    assert boundary.certificate.status is Status.PROVEN
    assert model(boundary[0].lift())[:, 1] == pytest.approx(middle, abs=1e-13)


def test_a_kernel_seen_edge_on_depends_on_one_coordinate():
    """One principal component of two inputs: the exponent is the same along a line."""
    inner = Affine.identity(2).matmul([[0.6, 0.8]]).layer()
    field = KernelField(Gaussians([[0.0], [1.0]], [[2.0]], inner), Network([Layer([[1.0, -1.0]], [0.0])]))
    (curve,) = boundary = tracer.trace(field, [(-2, 2), (-2, 2)])
    assert boundary.certificate.status is Status.PROVEN
    assert curve.points @ [0.6, 0.8] == pytest.approx(0.5, abs=1e-14)


def assert_same_bounds(a, b, lower, upper):
    for found, other in zip(a.enclose(lower, upper)[:4], b.enclose(lower, upper)[:4], strict=True):
        assert np.array_equal(found, other, equal_nan=True)


@pytest.mark.parametrize("degree", [None, 3])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda field: pickle.loads(pickle.dumps(field))])
def test_copies_are_faithful_and_read_only(degree, duplicate):
    rng = np.random.default_rng(5)
    field = random_model(rng, degree).field()
    x = rng.normal(size=(5, 2))
    field.enclose(x, x + 1)
    other = duplicate(field)
    assert np.array_equal(other.value(x), field.value(x))
    assert_same_bounds(other, field, x, x + 1)
    if degree is None:
        assert not other.terms.centres.flags.writeable
        assert not other.terms.inner.weight.flags.writeable
    else:
        assert other.layers[0].degree == degree


@pytest.mark.parametrize("degree", [None, 3])
def test_a_boundary_comes_back_with_its_field(degree, tmp_path):
    rng = np.random.default_rng(11)
    model = random_model(rng, degree)
    model.plane = tracer.Plane(model.mean, *(np.eye(len(model.mean))[:2] * model.scale))
    boundary = tracer.trace(model.field(), [(-2, 2), (-2, 2)])
    boundary.save(tmp_path / "b.npz")
    back = tracer.Boundary.load(tmp_path / "b.npz")
    lower, upper = random_cells(rng, model, 5)
    assert_same_bounds(back.field, boundary.field, lower, upper)
    assert np.array_equal(back.field.plane.lift(lower), boundary.field.plane.lift(lower))
    assert [repr(c) for c in back] == [repr(c) for c in boundary]


def test_a_model_prints_what_it_is():
    model = classifier(4)
    assert repr(model) == "KernelField(4 inputs, 7 Gaussians)"
    plane = tracer.Plane.of_features(0, 1, at=np.zeros(4))
    assert repr(model.restrict(plane)) == "KernelField(2 inputs, 7 Gaussians, on a plane)"
    assert repr(model.margin(1, 0)) == "KernelField(4 inputs, 7 Gaussians, margin of 'yes' over 'no')"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tracer.trace(classifier(), [(-1, 1)] * 2), TypeError, "this model has 2: pass model.margin"),
        (
            lambda: tracer.trace(classifier(3).margin(0, 1), [(-1, 1)] * 2),
            TypeError,
            "two inputs, this model has 3: choose a plane, pass field.restrict",
        ),
        (lambda: classifier().value([0, 0]), TypeError, "this model has 2: take model.margin"),
        (lambda: classifier(3).margin(0, 1).enclose(np.zeros((1, 3)), np.ones((1, 3))), TypeError, "has 3"),
        (lambda: classifier().margin(0, 1).margin(0, 1), ValueError, "margin needs two outputs"),
        (lambda: classifier().margin(1, 1), ValueError, "i and j must differ"),
        (lambda: classifier().margin(classes=("no", "maybe")), ValueError, "got 'maybe'"),
        (
            lambda: classifier(3).restrict(tracer.Plane([0, 0], [1, 0], [0, 1])),
            ValueError,
            "network's 3 inputs",
        ),
        (lambda: classifier(inputs=("a",)), ValueError, "inputs must label the 2 inputs; got 1"),
        (
            lambda: KernelField(classifier().terms, Network([Layer([[1.0]], [0.0])])),
            ValueError,
            "network must be a Network of the 7 kernels",
        ),
        (lambda: Gaussians([[0, 0]], [[-1, 1]], Affine.identity(2).layer()), ValueError, "not be negative"),
        (lambda: Gaussians([[0, 0]], [[1]], Affine.identity(2).layer()), ValueError, r"and \(1, 1\)"),
        (lambda: Layer([[1, 0]], [0], "power", degree=0), ValueError, "degree must be at least 1; got 0"),
        (lambda: Layer([[1, 0]], [0], "power", degree=1001), ValueError, "at most 1000; got 1001"),
    ],
)
def test_what_does_not_fit_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
