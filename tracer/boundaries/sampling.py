"""Curves from sign changes on a lattice's lines, each followed once; nothing is proven.

Contours of roots from side to side of the box, or closed, are points of one curve each: all these curves are
followed at once. Along contours where F jumps over 0, as predicted classes do, the contours themselves are
the boundary. From the other roots curves are followed one by one; seeds on a known curve are discarded.
"""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tracer.arrays import Array, Mask
from tracer.atlas.certificate import Certificate, Status
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.result import Stats
from tracer.boundaries.work import EVALUATIONS_SPENT, Work
from tracer.curves.continuation.chords import COARSE, chords_of, chords_through
from tracer.curves.continuation.coverage import KnownCurve
from tracer.curves.continuation.following import follow, stays_in
from tracer.curves.continuation.known_curves import KnownCurves
from tracer.curves.continuation.lattice import (
    FINEST,
    NEARLY,
    Lattice,
    SignChanges,
    beyond_zero_sides,
    interpolated,
    lattice_lines,
    lattice_of,
    lattice_values,
    sign_changes_of,
    zero_vertices,
)
from tracer.curves.continuation.steps import polynomials_of
from tracer.curves.continuation.walk import Budget
from tracer.curves.contours.along_contours import traces_along
from tracer.curves.contours.drawing import drawn
from tracer.curves.contours.lattice_cells import LatticeCells
from tracer.curves.contours.marching_squares import Contour, contours_of, polyline_of, steps_of
from tracer.curves.contours.runs import sorted_runs, with_flat_jumps
from tracer.curves.corrector import correct, regular
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import FIRST_ROWS, Evaluations, Overtime
from tracer.fields.field import Field, by_chords

MAX_STEPS = 10_000
# What a certificate adds where F jumps over 0, or has a pole.
JUMPS = "; on {} edges of the lattice the sign of F changes where F is not 0"
# The lattice has at most 401 cells a side: an odd number, so that axes of symmetry lie between its lines.
MOST_CELLS = 401**2
# Where F changes its sign on more than this share of the edges it varies faster than the lattice, as noise
# does: more than so many cells a side only make more curves.
DENSE, DENSE_SIDE = 0.25, 81
NOISE = "; F changes its sign on {:.0%} of the edges of a lattice, within its cells: a smaller box shows more"
# Noise of F, as a share of its values, in which a walk would be lost: that of float64 is far smaller.
NOISY = 1e-11
# Curves that were lost are replaced if chords in their place have at most this error, in box units.
WORST = 1e-4
# Share of the time limit for the lattice; its cost is estimated from coarse ones.
SEARCH_SHARE = 0.2
COARSE_SIDES = (1, 4, 10, 20)
# Share of the time limit after which no further curve is started.
FOLLOW_SHARE = 0.9
# Where there was no time for all curves, contours are drawn of the finest of these lattices, cells a side,
# for which there is time until this share of the time limit; until a second one their points are located.
DRAW_SHARE, LOCATE_SHARE, DRAWN_SIDES = 1.05, 1.08, (21, 41, 81, 161, 281)
# Share of the time left in which chords along contours are refined.
CHORD_SHARE = 0.6
# What a certificate adds where curves are polylines.
CHORDS = "; it has kinks, and curves are polylines within about {:.0e} of it, in box units"
# The effort of finding and following all curves, in calls of the field.
MOST_EFFORT = 10_000
# A step along a curve takes about as many calls; following one takes at most this share of what is left.
CALLS_PER_STEP, CURVE_SHARE = 5, 0.85
# Curves along contours with so many roots are followed at once: a root takes up to 4 kB meanwhile.
ROOTS_TOGETHER = 2**13
# Comparing a curve with the known ones costs about as much as this many steps along it.
STEPS_OF_LOOKING_UP = 20


def sampled_boundary(field: Field, box: Box, work: Work, reason: str) -> Boundary:
    """All curves of a field that sign changes on a lattice indicate; see `tracer.trace`."""
    evaluations, jumps, crossings, finished = Evaluations(field, work.deadline()), 0, 0, False
    search = Search(evaluations, box, work)
    # Curves found before the time limit are kept.
    with contextlib.suppress(Overtime):
        lattice, changes = search.lattice(work.limits.max_cells)
        work.end_of("seeds")
        crossings, jumps = len(lattice.edge), int(np.count_nonzero(~changes.roots))
        seeds = search.follow_contours(lattice, changes)
        finished = search.follow_all(seeds)
        search.join_along_contours(lattice, changes)
    cut_short = not finished or any(End.BUDGET in known.curve.ends for known in search.known.each)
    if cut_short:
        search.draw_contours()
    work.end_of("curves")
    curves = search.known.sorted()
    reason += JUMPS.format(jumps) if jumps else ""
    reason += NOISE.format(search.noisy_share) if search.noisy_share else ""
    if by_chords(evaluations) and curves:
        error = max(curve.tolerance for curve in curves)
        cut_short |= error >= COARSE
        reason += CHORDS.format(error)
    status = Status.BUDGET_EXHAUSTED if cut_short else Status.SAMPLED
    if status is Status.BUDGET_EXHAUSTED:
        reason = f"{EVALUATIONS_SPENT if search.effort_spent else work.spent()}; {reason}"
    return Boundary(
        curves,
        Certificate.unproven(status, box, search.side**2, crossings, reason),
        tuple(search.known.branch_points),
        box,
        field,
        Stats(0, evaluations.points, work.seconds),
    )


def continued_boundary(boundary: Boundary, work: Work) -> Boundary:
    """A boundary whose proof a budget ended, with curves that are not proven in its undecided cells.

    Curves that enter undecided cells are continued from their last crossing, and the longer curves replace
    them; seeds on a lattice add curves inside these cells. If there are none, the whole box is sampled. What
    there is no time to follow is drawn as contours of a lattice.
    """
    certificate, stats = boundary.certificate, boundary.stats
    undecided, box = certificate.undecided, Box.from_bounds(certificate.bounds)
    # A network of which nothing was proven is a large one.
    hopeless = not boundary.curves
    kinked = hopeless and bool(getattr(boundary.field, "kinked", False))
    evaluations = Evaluations(boundary.field, work.deadline(), chords=kinked)
    search = Search(evaluations, box, work, boundary.curves, MAX_STEPS)
    last = [
        curve.points[-k]
        for curve in boundary.curves
        for k, end in enumerate(curve.ends)
        if end in (End.BUDGET, End.UNDECIDED)
    ]
    finished = False
    # Curves found before the time limit are kept.
    with contextlib.suppress(Overtime):
        continued = search.follow_all(np.reshape(last, (-1, 2)))
        if hopeless:
            finished = search.follow_all(search.follow_contours(*search.lattice(work.limits.max_cells)))
        elif time.perf_counter() < search.deadline:
            finished = search.follow_all(search.seeds_within(len(undecided), undecided)) and continued
    if not finished:
        # A value takes no longer than bounds on a cell: if a few take too long, nothing more is evaluated.
        few = FIRST_ROWS * stats.seconds["paving"] / max(1, stats.cells)
        in_time = few <= (DRAW_SHARE - 1) * work.limits.time_limit
        shares = (DRAW_SHARE, LOCATE_SHARE) if in_time else ()
        search.draw_contours(undecided, *map(work.deadline, shares))
    work.end_of("continuation")
    curves = search.known.sorted()
    return replace(
        boundary,
        curves=curves,
        certificate=certificate.about(curves),
        stats=Stats(stats.cells, stats.evaluations + evaluations.points, stats.seconds | work.seconds),
    )


class Search:
    """A search for curves, with the curves found so far.

    Parameters
    ----------
    evaluations : Evaluations
    box : Box
    work : Work
    curves : sequence of Curve
        The curves that are known at the start.
    steps : float
        The largest number of steps along all curves together.
    """

    def __init__(
        self,
        evaluations: Evaluations,
        box: Box,
        work: Work,
        curves: Sequence[Curve] = (),
        steps: float = math.inf,
    ) -> None:
        self.evaluations, self.box = evaluations, box
        self.tolerance, self.progress = work.limits.tolerance, work.progress
        self.deadline = work.deadline(FOLLOW_SHARE)
        self.known = KnownCurves(evaluations, box, self.tolerance, curves)
        self.side, self.noisy_share, self.steps = 0, 0.0, steps
        self._lattice: Lattice | None = None
        self._max_cells = work.limits.max_cells
        self._changes: SignChanges | None = None
        self._left: list[Contour] = []

    def lattice(self, max_cells: int) -> tuple[Lattice, SignChanges]:
        """The sign changes of F on the lines of a lattice."""
        self._begin()
        side = self.affordable_side(min(max(max_cells, 1), MOST_CELLS))
        self.side = side if side % 2 else max(1, side - 1)
        lattice = lattice_of(self.evaluations, self.box, (self.side, self.side))
        if lattice.density > DENSE and self.side > DENSE_SIDE:
            self.noisy_share, self.side = lattice.density, DENSE_SIDE
            lattice = lattice.coarser(DENSE_SIDE)
        changes = self._locate(lattice)
        if changes.jumps.any():
            # Along a side of the box the boundary goes on where jumps lead to it.
            beyond = beyond_zero_sides(self.evaluations, self.box, lattice)
            if beyond is not lattice:
                lattice, changes = beyond, self._locate(beyond)
        return lattice, changes

    def _locate(self, lattice: Lattice) -> SignChanges:
        """Locate the sign changes on a lattice's edges, in the box, and keep both."""
        self._lattice = lattice
        # The effort may be spent in between: then contours are drawn through what is located.
        self._changes = sign_changes_of(self.evaluations, lattice)
        self._changes = with_flat_jumps(self.evaluations, lattice, self._changes)
        self._changes = replace(self._changes, points=self.box.clip(self._changes.points))
        return self._changes

    def seeds_within(self, max_cells: int, boxes: Array) -> Array:
        """Roots of F on the lines of a lattice, (n, 2), in lattice cells that meet `boxes` (m, 2, 2)."""
        lattice, changes = self.lattice(max_cells)
        seeds, cells = self._seeds(lattice, changes.points[changes.roots]), self._cells
        return seeds[cells.meeting(boxes)[cells.of(seeds)]]

    def follow_contours(self, lattice: Lattice, changes: SignChanges) -> Array:
        """Follow the curves of contours all at once; returns the seeds (n, 2) of what is left."""
        done = np.zeros(len(changes.points), dtype=bool)
        noisy = self._noisy(lattice)
        contours = contours_of(self.evaluations, lattice, changes.jumps | noisy)
        polygons, smooth, few, broken = sorted_runs(contours, changes)
        if noisy and self.noisy_share:  # nothing is known between the sign changes
            polygons, smooth, few, broken = [*polygons, *smooth, *few, *broken], [], [], []
            done[:] = True
        for run in polygons:
            self._add_polygon(run, changes)
            done[run.numbers] = True
        left = self._follow_smooth(lattice, smooth, changes, done)
        if noisy:  # a walk would be lost
            broken += [*few, *left]
        else:
            self._left = [run for run in [*few, *left] if run.complete]
        for part in self._portions(broken):
            self._follow_broken(lattice, part, changes)
            for run in part:
                done[run.numbers] = True
        return self._seeds(lattice, changes.points[changes.roots & ~done])

    def _follow_smooth(
        self, lattice: Lattice, runs: list[Contour], changes: SignChanges, done: Mask
    ) -> list[Contour]:
        """Follow the curves of runs of roots; returns the runs that are left, the others are `done` (n,)."""
        left = [run for run in runs if not run.complete]
        for part in self._portions([run for run in runs if run.complete]):
            for run, curve in zip(part, self._curves_of(lattice, part, changes.points), strict=True):
                if curve is None:
                    left.append(run)
                else:
                    self.known.each.append(KnownCurve(curve))
                    done[run.numbers] = True
            self.progress.curves(len(self.known.each))
        return left

    def _follow_broken(
        self, lattice: Lattice, runs: list[Contour], changes: SignChanges, worst: float = math.inf
    ) -> list[KnownCurve]:
        """The boundaries along runs, with chords where F jumps over 0, or polynomials fail, added.

        Those whose chords have an error of more than `worst`, in box units, are none.
        """
        traces = traces_along(
            self.evaluations, self.box, lattice, runs, changes, self.tolerance, self.deadline
        )
        found = []
        for run, trace in zip(runs, traces, strict=True):
            if trace.error > worst or not trace.pieces.length:
                continue
            if changes.jumps[run.numbers].any():
                curve = self._polygon(trace, NEARLY)
            else:
                curve = Curve.from_trace(trace, self.evaluations, self.box, self.tolerance)
            found.append(KnownCurve(curve))
        self.known.each += found
        return found

    def _noisy(self, lattice: Lattice) -> bool:
        """Whether the values of F have more noise than the roundings of float64."""
        size = np.abs(lattice.values[np.isfinite(lattice.values)])
        return self.evaluations.noise > NOISY * float(np.median(size) if len(size) else 0.0)

    def join_along_contours(self, lattice: Lattice, changes: SignChanges) -> None:
        """Replace curves that were lost on the way along a contour by one boundary along it."""
        cell, lost = 1.0 / self.side, [known for known in self.known.each if known.lost]
        clean = [known for known in self.known.each if not known.lost]
        for run in self._left if lost else []:
            if not _within(clean, changes.points[run.numbers], cell):
                whole = self._follow_broken(lattice, [run], changes, WORST)
                inside = [known for known in lost if _within(whole, known.curve.points, cell)]
                self.known.each = [known for known in self.known.each if known not in inside]

    def _add_polygon(self, run: Contour, changes: SignChanges) -> None:
        """Add the polygon through sign changes along which F jumps."""
        trace = polyline_of(run, changes)
        if len(trace.pieces):  # round a single vertex there is no curve
            self.known.each.append(KnownCurve(self._polygon(trace, FINEST)))

    def draw_contours(
        self, boxes: Array | None = None, deadline: float = -math.inf, last: float = -math.inf
    ) -> None:
        """Draw the contours of a lattice where no curve is known, in cells that meet `boxes` (m, 2, 2).

        Without boxes in all cells. The lattice is the one that is there, or a finer one evaluated before a
        `deadline`. The contours go through the sign changes on its edges, located before a `last` deadline,
        else linearly interpolated.
        """
        self._refine_lattice(deadline)
        if self._lattice is None or not len(self._lattice.edge):
            return
        cells, changes = self._cells, self._changes or self._located_before(last, self._lattice)
        where = ~cells.passed([known.curve for known in self.known.each])
        if boxes is not None:
            where &= cells.meeting(boxes)
        traces = drawn(self._lattice, changes, cells, where)
        self.known.each += [KnownCurve(self._polygon(trace)) for trace in traces]

    def _located_before(self, deadline: float, lattice: Lattice) -> SignChanges:
        """The sign changes on a lattice's edges, interpolated if they are not located before a `deadline`."""
        with contextlib.suppress(Overtime):
            return sign_changes_of(Evaluations(self.evaluations.field, deadline), lattice, nearly=0.0)
        return interpolated(lattice)

    def _refine_lattice(self, deadline: float) -> None:
        evaluations = Evaluations(self.evaluations.field, deadline)
        with contextlib.suppress(Overtime):
            # A value takes no longer than bounds on a cell, of which so many were allowed.
            for side in (side for side in DRAWN_SIDES if side**2 <= self._max_cells):
                if self._lattice is None or side > self.side:
                    self._lattice, self.side = lattice_of(evaluations, self.box, (side, side)), side
                    self._changes = None

    def _polygon(self, trace: Trace, error: float = 1.0) -> Curve:
        """The curve of a polyline along the lattice, whose points have an `error` in cells."""
        cell = 1.0 / self.side
        return Curve.polygon(trace, self.evaluations.field, self.box, cell, error * cell)

    @property
    def _cells(self) -> LatticeCells:
        return LatticeCells(self.box, (self.side, self.side))

    def _seeds(self, lattice: Lattice, roots: Array) -> Array:
        """The `roots` (n, 2) on a lattice's lines, and vertices at which F is 0."""
        return np.concatenate([roots, zero_vertices(self.evaluations, lattice)])

    def _portions(self, contours: list[Contour]) -> Iterator[list[Contour]]:
        """Portions of the contours with so many roots; before a deadline, each of twice as many contours.

        Chords are refined all at once.
        """
        if by_chords(self.evaluations):
            if contours:
                yield contours
            return
        start, many = 0, len(contours) if self.deadline == math.inf else 1
        roots = np.cumsum([len(contour.numbers) for contour in contours])
        while start < len(contours) and time.perf_counter() < self.deadline and not self.effort_spent:
            before = roots[start - 1] if start else 0
            fitting = int(np.searchsorted(roots, before + ROOTS_TOGETHER, side="right")) - start
            stop = start + max(1, min(many, fitting))
            yield contours[start:stop]
            start, many = stop, 2 * many

    def _curves_of(self, lattice: Lattice, contours: list[Contour], x: Array) -> list[Curve | None]:
        """The curves of contours; None where one is not followed that way."""
        steps = steps_of(self.evaluations, self.box, lattice, contours, x)
        some = [one for one in steps if one is not None]
        if not some:
            return [None] * len(steps)
        if by_chords(self.evaluations):
            now = time.perf_counter()
            until = now + CHORD_SHARE * (self.deadline - now)
            try:
                traces = chords_of(self.evaluations, self.box, some, self.tolerance, until)
                curves = iter(Curve.from_traces(traces, self.evaluations, self.box, self.tolerance))
            except Overtime:
                # The points where curves meet the lattice are known: curves are polygons through them.
                curves = (self._polygon(chords_through(self.box, one)) for one in some)
            return [None if one is None else next(curves) for one in steps]
        found = polynomials_of(self.evaluations, self.box, some, self.tolerance, self.deadline)
        good = [one.good.all() and stays_in(self.box, one.trace, self.tolerance) for one in found]
        traces = [one.trace for one, fine in zip(found, good, strict=True) if fine]
        curves = iter(Curve.from_traces(traces, self.evaluations, self.box, self.tolerance) if traces else [])
        fine = iter(good)
        return [next(curves) if one is not None and next(fine) else None for one in steps]

    def affordable_side(self, max_cells: int) -> int:
        """Cells a side of the finest lattice within its share of the time left, by timing coarse ones."""
        if self.deadline == math.inf:
            return math.isqrt(max_cells)
        began = time.perf_counter()
        budget, affordable = SEARCH_SHARE * max(0.0, self.deadline - began), math.inf
        for side in COARSE_SIDES:
            # A few points take as long as some more: only a lattice that fills the budget tells no better.
            if affordable < (side + 1) ** 2:
                break
            started = time.perf_counter()
            lattice_values(self.evaluations, lattice_lines(self.box, (side, side)))
            now = time.perf_counter()
            affordable = budget / max((now - started) / (side + 1) ** 2, 1e-12)
        return max(1, math.isqrt(math.floor(min(affordable, max_cells))))

    def follow_all(self, seeds: Array) -> bool:
        """Follow the curve of every seed once; False if the time or the steps did not suffice."""
        if not len(seeds):
            return True
        self._begin()
        seeds, gradients, distance = correct(self.evaluations, self.box, seeds)
        new = regular(gradients) & np.isfinite(distance)
        new[new] = self.known.new_seeds(seeds[new], gradients[new])
        left, gradients = seeds[new], gradients[new]
        while len(left):
            if time.perf_counter() >= self.deadline or self.effort_spent:
                return False
            curve = self._follow(left[0])
            on = np.arange(len(left)) == 0  # the seed is discarded in any case: the loop ends
            if curve.length:
                on |= self.known.covers(KnownCurve(curve), left, gradients)
            left, gradients = left[~on], gradients[~on]
            for point in curve.branch_points:
                more = self.known.branch_seeds(point)
                left, gradients = (np.concatenate(pair) for pair in zip((left, gradients), more, strict=True))
            self.progress.curves(len(self.known.each))
        return time.perf_counter() < self.deadline

    @property
    def _effort_left(self) -> float:
        return self.evaluations.most_effort - self.evaluations.effort - self.known.effort

    def _affordable_steps(self, share: float = 1.0) -> int:
        """The steps that a share of the effort left allows."""
        return int(min(MAX_STEPS, self.steps, share * self._effort_left / CALLS_PER_STEP))

    @property
    def effort_spent(self) -> bool:
        """Whether the effort is used up, so that more time would find no more."""
        return self._affordable_steps() <= 0

    def _begin(self) -> None:
        """Bound the effort of all that follows, whatever F is."""
        if self.evaluations.most_effort == math.inf:
            self.evaluations.most_effort = self.evaluations.effort + MOST_EFFORT

    def _follow(self, seed: Array) -> Curve:
        share = CURVE_SHARE * self._effort_left
        budget = Budget(max(1, self._affordable_steps(CURVE_SHARE)), self.deadline)
        self.steps -= budget.steps + STEPS_OF_LOOKING_UP
        with self.evaluations.at_most(share):
            found = follow(self.evaluations, self.box, seed, self.tolerance, budget)
        self.steps += budget.steps
        curve = Curve.from_trace(found, self.evaluations, self.box, self.tolerance)
        if curve.length:
            self.known.add(KnownCurve(curve), found)
        return curve


def _within(curves: list[KnownCurve], x: Array, distance: float) -> bool:
    """Whether points (n, 2) are all within a distance, in box units, of curves."""
    left = np.ones(len(x), dtype=bool)
    for known in curves:
        left[left] = known.distance(x[left]) > distance
    return not left.any()
