"""The verbs: the one curve through a point, and all curves in a box.

`trace` takes its seeds from the sign changes on a lattice's lines and follows each curve once: seeds
that lie on a curve already traced are struck off, and a curve that contains an earlier one (which
ended too soon) replaces it. At a branch point each branch that no curve has covered is a seed too.
"""

import math
import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer.atlas.certificate import Certificate, Status
from tracer.boundaries.boundary import Boundary, Stats
from tracer.curves.budget import Budget
from tracer.curves.continuation import follow
from tracer.curves.corrector import correct, move_to_curve, regular
from tracer.curves.coverage import covered
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.lattice import lattice_lines, lattice_roots, lattice_values
from tracer.curves.singular import BranchPoint
from tracer.fields.box import Box
from tracer.fields.checks import between, frozen_array, positive_integer
from tracer.fields.coercion import as_field
from tracer.fields.counted import Counted
from tracer.fields.field import Field

Array = NDArray[np.float64]

TOLERANCE = 1e-10
SMALLEST_TOLERANCE, LARGEST_TOLERANCE = 1e-14, 0.1
MAX_STEPS = 10_000
# A lattice of 401 cells a side. Odd: the lines of symmetric boundaries lie between its own.
MAX_CELLS = 401**2
# Of a time limit, what the lattice may take; a coarse lattice is timed first.
SEARCH_SHARE = 0.2
COARSE_SIDE = 16
# How far from a branch point, in box units, its branches are picked up.
BRANCH_SEED = 1e-3
# Places on a curve that are looked up on another, to see whether it contains the first.
PROBES = 5


def trace_from(
    field: Any,
    seed: ArrayLike,
    bounds: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
) -> Curve:
    """The one curve through a point near the boundary.

    Parameters
    ----------
    field : Field, Network or callable
        Two inputs and one output.
    seed : array_like, shape (2,)
        A point of the box; it is moved onto the curve along the gradient.
    bounds : sequence
        ``[(lo, hi), (lo, hi)]``.
    tolerance : float
        Accuracy between the points, in box units; the points themselves are exact to rounding.
    max_steps : int
        Steps tried, at most; then the curve ends with `End.BUDGET`.

    Returns
    -------
    Curve

    Raises
    ------
    TypeError
        If `field` is not a function of two variables.
    ValueError
        If an argument is out of range, or there is no curve on the gradient line through the seed.
    """
    field, box = as_field(field), Box.from_bounds(bounds)
    tolerance = between("tolerance", tolerance, SMALLEST_TOLERANCE, LARGEST_TOLERANCE)
    budget = Budget(positive_integer("max_steps", max_steps))
    start = _start(field, box, seed)
    return Curve.from_trace(follow(field, box, start, tolerance, budget), field, box, tolerance)


def _start(field: Field, box: Box, seed: ArrayLike) -> Array:
    point = frozen_array("seed", seed, ndim=1)
    if point.shape != (2,):
        raise ValueError(f"seed must be a point (x1, x2) of finite numbers; got {seed!r}")
    if not box.contains(point):
        raise ValueError(f"seed must lie in the box {box}; got {seed!r}")
    gradient = field.value_and_gradient(point)[1]
    if not regular(gradient):
        raise ValueError(f"seed must be where the gradient is finite and not zero; got {seed!r}")
    start = move_to_curve(field, box, point)
    if start is None:
        raise ValueError(
            f"seed must be near a curve: F has no root in the box on the gradient line through {seed!r}"
        )
    return start


def trace(
    field: Any,
    bounds: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    max_cells: int = MAX_CELLS,
    time_limit: float | None = None,
) -> Boundary:
    """All curves of {F = 0} in a box that sign changes on a lattice show.

    Parameters
    ----------
    field : Field, Network or callable
        Two inputs and one output.
    bounds : sequence
        ``[(lo, hi), (lo, hi)]``.
    tolerance : float
        Accuracy between the points of a curve, in box units; the points are exact to rounding.
    max_cells : int
        Cells of the lattice, at most.
    time_limit : float, optional
        Seconds; when they are over, the curves found so far are returned.

    Returns
    -------
    Boundary
        Its certificate's status says what is known: `SAMPLED`, or `BUDGET_EXHAUSTED`.

    Raises
    ------
    TypeError
        If `field` is not a function of two variables.
    ValueError
        If an argument is out of range.
    """
    field, box = as_field(field), Box.from_bounds(bounds)
    tolerance = between("tolerance", tolerance, SMALLEST_TOLERANCE, LARGEST_TOLERANCE)
    max_cells = positive_integer("max_cells", max_cells)
    limit = math.inf if time_limit is None else between("time_limit", time_limit, 0.0, math.inf)
    return _Search(field, box, tolerance, max_cells, limit).run()


class _Search:
    """The curves found so far, what they cost, and the seeds that are left."""

    def __init__(self, field: Field, box: Box, tolerance: float, max_cells: int, limit: float) -> None:
        self.began = time.perf_counter()
        self.field, self.box, self.tolerance = field, box, tolerance
        self.counted = Counted(field)
        self.deadline = self.began + limit
        side = min(math.isqrt(max_cells), self._affordable_side(limit, max_cells))
        self.side = side if side % 2 else max(1, side - 1)
        self.curves: list[Curve] = []
        self.costs: list[int] = []
        self.branch_points: list[BranchPoint] = []

    def run(self) -> Boundary:
        """Find, follow, and report."""
        roots = lattice_roots(self.counted, self.box, (self.side, self.side))
        search, searched = self.counted.evaluations, time.perf_counter()
        finished = self._follow_all(np.concatenate([roots.points, roots.vertices]))
        order = sorted(range(len(self.curves)), key=lambda k: self.curves[k].points[0].tolist())
        status = Status.SAMPLED if finished and not self._cut_short() else Status.BUDGET_EXHAUSTED
        certificate = Certificate.unproven(status, self.box, self.side**2, len(roots.points))
        return Boundary(
            tuple(self.curves[k] for k in order),
            certificate,
            tuple(self.branch_points),
            self.box,
            self.field,
            Stats(
                search,
                tuple(self.costs[k] for k in order),
                {"seeds": searched - self.began, "curves": time.perf_counter() - searched},
            ),
        )

    def _cut_short(self) -> bool:
        return any(End.BUDGET in curve.ends for curve in self.curves)

    def _affordable_side(self, limit: float, max_cells: int) -> int:
        """The finest lattice that takes its share of the time limit, by timing a coarse one."""
        if limit == math.inf:
            return math.isqrt(max_cells)
        began = time.perf_counter()
        lattice_values(self.counted, lattice_lines(self.box, (COARSE_SIDE, COARSE_SIDE)))
        each = (time.perf_counter() - began) / (COARSE_SIDE + 1) ** 2
        return max(1, math.isqrt(math.floor(min(SEARCH_SHARE * limit / each, max_cells))))

    def _follow_all(self, seeds: Array) -> bool:
        """Follow the curve of every seed once; False when the time is over."""
        gradients = self.counted.value_and_gradient(seeds)[1]
        usable = regular(gradients)
        left, gradients = seeds[usable], gradients[usable]
        while len(left):
            if time.perf_counter() >= self.deadline:
                return False
            curve = self._follow(left[0])
            on = np.arange(len(left)) == 0  # the seed is struck off in any case: the loop ends
            if curve.length:
                on |= covered(curve, self.field, left, gradients)
            left, gradients = left[~on], gradients[~on]
            for point in curve.branch_points:
                more = self._branch_seeds(point)
                left = np.concatenate([left, more])
                gradients = np.concatenate([gradients, self.field.value_and_gradient(more)[1]])
        return time.perf_counter() < self.deadline

    def _follow(self, seed: Array) -> Curve:
        before = self.counted.evaluations
        found = follow(self.counted, self.box, seed, self.tolerance, Budget(MAX_STEPS, self.deadline))
        # The curve keeps the user's field; only its making is counted.
        curve = Curve.from_trace(found, self.counted, self.box, self.tolerance).with_field(self.field)
        if not curve.length or any(self._contains(earlier, curve) for earlier in self.curves):
            return curve
        kept = [k for k, earlier in enumerate(self.curves) if not self._contains(curve, earlier)]
        self.curves = [*(self.curves[k] for k in kept), curve]
        self.costs = [*(self.costs[k] for k in kept), self.counted.evaluations - before]
        return curve

    def _contains(self, curve: Curve, earlier: Curve) -> bool:
        probes = earlier.pieces(np.linspace(0, earlier.length, PROBES + 2)[1:-1])
        x, gradient, _ = correct(self.field, self.box, self.box.clip(probes))
        return bool(covered(curve, self.field, x, gradient).all())

    def _branch_seeds(self, point: BranchPoint) -> Array:
        """A point on each branch at a new branch point that no curve has covered."""
        known = [self.box.distance(point.point, p.point) < BRANCH_SEED for p in self.branch_points]
        if any(known):
            return np.zeros((0, 2))
        self.branch_points.append(point)
        size = BRANCH_SEED / np.linalg.norm(point.tangents / self.box.sides, axis=1, keepdims=True)
        around = np.concatenate([point.point + size * point.tangents, point.point - size * point.tangents])
        x, gradient, left = correct(self.field, self.box, around[self.box.contains(around)])
        new = left < BRANCH_SEED
        for curve in self.curves:
            new &= ~covered(curve, self.field, x, gradient)
        return x[new]
