"""What is not known is not proven: each gate of a proof, given something that must not pass.

Undecided signs, unprocessed pieces, odd pairings, tiles that differ, spent budgets, classes that may win:
each case here is one that a proof must notice, whatever else is proven of it.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import tracer
from cases.problems import BOX, SQUARE, T2, T3
from tracer import Status
from tracer.atlas import atlas as atlases
from tracer.atlas.atlas import build_atlas
from tracer.atlas.cells.coarsening import NO_CLASS, Cuts
from tracer.atlas.cells.paving import pave
from tracer.atlas.cells.questions import OneField
from tracer.atlas.charts import ChartArcs, chained, pair_crossings
from tracer.atlas.classes.candidates import Candidates
from tracer.atlas.classes.class_question import ClassQuestion
from tracer.atlas.classes.junctions import locate, triples
from tracer.atlas.classes.margins import Margins
from tracer.atlas.edges.crossings import Sides, _edges, find_crossings
from tracer.atlas.edges.roots import Segments, certified_signs, certified_values, isolate, polish
from tracer.atlas.sheet import maximal_crossings
from tracer.boundaries.proving import certify
from tracer.curves.curve import Curve
from tracer.fields.box import Box
from tracer.fields.field import Enclosure

CIRCLE = Box.from_bounds(BOX)
ONE = np.ones(1, dtype=bool)


class Blurred:
    """F = x1 − 0.3, with bounds as wide as `blur` says, a function of x1; slopes are known."""

    unenclosable = None

    def __init__(self, blur, defined=True):
        self.blur, self.defined = blur, defined

    def value(self, x):
        return x[..., 0] - 0.3

    def value_and_gradient(self, x):
        return self.value(x), np.broadcast_to([1.0, 0.0], x.shape).copy()

    def enclose(self, lower, upper):
        off = np.maximum(self.blur(lower[:, 0]), self.blur(upper[:, 0]))
        slope = np.broadcast_to([1.0, 0.0], lower.shape)
        known = np.full(len(lower), self.defined)
        return Enclosure(lower[:, 0] - 0.3 - off, upper[:, 0] - 0.3 + off, slope, slope, known)


def line(low, high):
    return Segments(np.array([[low, 0.0]]), np.array([[high, 0.0]]), np.zeros(1, dtype=np.intp))


# Roots --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [(0.2999, 1.0), (-1.0, 0.3001), (0.2999, 0.3001)])
@pytest.mark.parametrize("monotone", [True, False])
def test_an_end_without_a_sign_is_undecided(ends, monotone):
    field = Blurred(lambda x: 1e-3 + 0 * x)
    found = isolate(field, line(*ends), np.array([monotone]))
    assert len(found.brackets) == 0
    assert len(found.undecided) > 0
    assert (certified_values(field, np.array([[0.3001, 0.0], [0.4, 0.0]])) != 0).tolist() == [False, True]
    nowhere = Blurred(lambda x: 0 * x, defined=False)
    assert certified_signs(nowhere, np.array([[2.0, 0.0]])).tolist() == [0]


def test_what_no_budget_is_left_for_is_undecided():
    wave = tracer.Function(lambda x, y: np.sin(40 * x) + 0 * y)
    whole = line(-1.0, 1.0)
    found = isolate(wave, whole, ~ONE, max_cells=3)
    assert found.exhausted
    covered = (found.undecided.upper - found.undecided.lower)[:, 0].sum()
    assert covered + (found.brackets.upper - found.brackets.lower)[:, 0].sum() > 1.9
    assert not isolate(wave, whole, ~ONE).exhausted


def test_a_piece_on_which_F_is_only_rounding_is_undecided():
    network = tracer.Network(
        [tracer.Layer([[1e-3, 0.0], [1e-3, 0.0]], [0, 0], "tanh"), tracer.Layer([[1, -1]], [0.0])]
    )
    found = isolate(network, line(-1.0, 1.0), ~ONE, max_cells=10**5)
    assert len(found.undecided) > 0
    assert not found.exhausted


def test_brackets_have_certified_signs_at_both_ends():
    """Also where bounds are wide on one side of the root; and the bound is that of the further end."""
    for side in (-1, 1):
        field = Blurred(
            lambda x, side=side: np.where(
                side * (x - 0.3) > 0, 1e-9 + 3 * np.abs(x - 0.3) * (np.abs(x - 0.3) < 0.01), 1e-9
            )
        )
        points, bound, brackets = polish(field, isolate(field, line(-1.0, 1.2), ONE))
        assert certified_signs(field, brackets.lower).tolist() == [-1]
        assert certified_signs(field, brackets.upper).tolist() == [1]
        x, low, high = (Fraction(a[0, 0]) for a in (points, brackets.lower, brackets.upper))
        assert Fraction(bound[0]) >= max(x - low, high - x)


# Cells and crossings ------------------------------------------------------------------------------


def test_a_paving_keeps_what_it_could_not_decide():
    late = pave(OneField(T3), CIRCLE, max_cells=300)
    assert len(late.unprocessed) > 0
    zero = pave(OneField(tracer.Network([tracer.Layer([[0.0, 0.0]], [0.0])])), CIRCLE)
    assert len(zero.unresolvable) > 0


def test_sides_with_undecided_pieces_are_listed():
    paving = pave(OneField(T3), CIRCLE)
    found = find_crossings(T3, paving, max_cells=1)
    assert found.exhausted
    assert len(found.undecided.axis) > 0
    charts, crossings = len(paving.charts), find_crossings(T3, paving)
    beside = Sides(crossings.brackets.axis[:1], crossings.before[:1], crossings.after[:1])
    _, broken = pair_crossings(replace(crossings, undecided=beside), paving.directions[:, 0])
    cells = [cell for cell in (crossings.before[0], crossings.after[0]) if 0 <= cell < charts]
    assert broken[cells].all()


def test_only_sides_along_which_F_grows_have_one_root_at_most():
    """Along x1 a wave grows everywhere; the sides of its charts along x2 have many roots."""
    wave = tracer.Function(lambda x, y: x + 0.8 * np.sin(9 * y))
    paving = pave(OneField(wave), CIRCLE)
    edges, _ = _edges(paving, None)
    lower, upper = paving.lines.at(np.stack([edges.lower, edges.upper]))
    x = lower + np.linspace(0, 1, 400)[:, None, None] * (upper - lower)
    changes = (np.diff(wave.value(x) > 0, axis=0)).sum()
    assert (paving.slopes[:, 0, 1] == 0).any()
    assert len(find_crossings(wave, paving)) == changes


def test_crossings_that_cannot_be_ordered_break_their_chart():
    paving = pave(OneField(T3), CIRCLE)
    crossings = find_crossings(T3, paving)
    brackets = crossings.brackets
    wide = replace(brackets, lower=brackets.lower - 1, upper=brackets.upper + 1)
    directions = paving.directions[:, 0]
    entered = np.concatenate([crossings.before, crossings.after])
    assert not pair_crossings(crossings, directions)[1].any()
    assert pair_crossings(replace(crossings, brackets=wide), directions)[1][entered[entered >= 0]].all()


def test_a_chart_in_which_F_falls_along_its_direction_is_broken():
    paving = pave(OneField(T2), CIRCLE)
    crossings = find_crossings(T2, paving)
    assert not pair_crossings(crossings, paving.directions[:, 0])[1].any()
    turned = paving.directions[:, 0].copy()
    chart = crossings.before[crossings.before >= 0][0]
    turned[chart] *= -1
    assert pair_crossings(crossings, turned)[1][chart]


def test_only_cycles_are_closed():
    zero, steps = np.zeros(3, dtype=np.intp), np.arange(3)
    open_ = chained(ChartArcs(zero, steps, steps + 1), 4)
    cycle = chained(ChartArcs(zero, steps, (steps + 1) % 3), 4)
    assert open_.closed.tolist() == [False]
    assert cycle.closed.tolist() == [True]


# Coarser charts -----------------------------------------------------------------------------------


def halves(slopes, classes=None, empty=(), parts=2):
    """A cut cell of so many `parts`: tiles with slopes, perhaps of classes, and empty parts with winners."""
    cuts = Cuts()
    cell = np.array([[[0.0, 0.0], [1.0, 0.5]]])
    of = cuts.add(cell, np.zeros(parts, dtype=np.intp))
    n, classes = len(slopes), np.zeros((len(slopes), 0), np.intp) if classes is None else np.array(classes)
    tiles = np.repeat(cell, n, axis=0)
    slopes = np.array(slopes, dtype=np.int8).reshape(n, 1, 2)
    winner = np.array(empty, dtype=np.intp).reshape(len(empty), 1)[:, : min(1, classes.shape[1])]
    return cuts.coarsened(tiles, classes, slopes, of[:n], winner, np.full(len(empty), of[0]))


def test_tiles_are_merged_only_if_all_grow_along_one_axis():
    assert len(halves([(1, 0), (1, 1)]).merged) == 1
    assert len(halves([(1, 0), (-1, 0)]).merged) == 0
    assert len(halves([(1, 0), (0, 1)]).merged) == 0
    assert len(halves([(1, 0), (1, 0), (0, 0)], parts=3).merged) == 0


def test_a_cell_with_a_part_that_is_neither_tile_nor_empty_is_not_merged():
    assert len(halves([(1, 0), (1, 0)], parts=3).merged) == 0
    assert len(halves([(1, 0), (1, 0)], empty=[0], parts=3).merged) == 1


def test_a_cell_with_other_classes_in_a_part_is_not_merged():
    pair, other, three = (0, 1, NO_CLASS), (0, 2, NO_CLASS), (0, 1, 2)
    up = [(1, 0), (1, 0)]
    assert len(halves(up, [pair, pair]).merged) == 1
    assert len(halves(up, [pair, pair], empty=[1], parts=3).merged) == 1
    assert len(halves(up, [pair, other]).merged) == 0
    assert len(halves(up, [three, three]).merged) == 0
    assert len(halves(up, [pair, pair], empty=[2], parts=3).merged) == 0


# The status ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole():
    """A proven atlas, and its curves."""
    atlas = build_atlas(OneField(T3), CIRCLE, 10**5)
    return atlas, tracer.trace(T3, BOX).curves


def test_a_status_counts_all_that_is_not_proven(whole):
    atlas, curves = whole
    assert atlas.status is Status.PROVEN
    cell = atlas.paving.charts[:1]
    spent = replace(atlas.paving, unprocessed=cell)
    assert replace(atlas, paving=spent).status is Status.BUDGET_EXHAUSTED
    sheet = replace(atlas.sheet, crossings=replace(atlas.sheet.crossings, exhausted=True))
    assert replace(atlas, sheets={None: sheet}).status is Status.BUDGET_EXHAUSTED
    outside = Status.PROVEN_OUTSIDE_CELLS
    assert replace(atlas, paving=replace(atlas.paving, unresolvable=cell)).status is outside
    assert replace(atlas, broken=np.arange(len(atlas.broken)) == 0).status is outside
    assert replace(atlas, between=cell).status is outside
    assert certify(atlas, curves, cut_short=False).status is Status.PROVEN
    assert certify(atlas, curves, cut_short=True).status is Status.BUDGET_EXHAUSTED
    assert certify(atlas, curves, cut_short=False, further=cell).status is outside
    loose: tuple[Curve, ...] = (replace(curves[0], proven=False), *curves[1:])
    certificate = certify(atlas, loose, cut_short=False)
    assert certificate.status is outside
    assert np.array_equal(certificate.undecided[-1].T, BOX)


# Classes ------------------------------------------------------------------------------------------

# Three sectors that meet in a point, which the grid lines miss.
SECTORS = tracer.Network([tracer.Layer([[1.0, 0.1], [-0.6, 0.9], [-0.5, -1.0]], [0.0, 0.01, 0.02])])


class Scores:
    """Three classes whose margins have given bounds on all cells."""

    def __init__(self, bounds, slopes=((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)), defined=True):
        self.bounds, self.slopes, self.defined = bounds, slopes, defined

    distinct = np.ones(3, dtype=bool)

    def __call__(self, x):
        return np.zeros((*x.shape[:-1], 3))

    def margin(self, i, j):
        k, outer = i + j - 1, self

        class Margin:
            unenclosable = None

            def enclose(self, lower, upper):
                low, high = (np.full(len(lower), end) for end in outer.bounds[k])
                slope = np.tile(np.asarray(outer.slopes[k], float), (len(lower), 1))
                spread = 0.0 if np.ndim(outer.slopes[k]) == 1 else 1.0
                return Enclosure(
                    low, high, slope - spread, slope + spread, np.full(len(lower), outer.defined)
                )

        return Margin()


CELL = np.array([[[0.0, 0.0], [1.0, 1.0]]])


def test_the_order_of_two_classes_is_that_of_the_pair_and_only_where_defined():
    above = Scores([(1.0, 2.0), (-2.0, -1.0), (-1.0, 1.0)])
    i, j = np.array([0, 1, 0, 2, 1]), np.array([1, 0, 2, 0, 2])
    corners = np.repeat(CELL, 5, axis=0)
    order = Margins(above).order(i, j, corners[:, 0], corners[:, 1])
    assert order.tolist() == [1, -1, -1, 1, 0]
    nowhere = Scores(above.bounds, defined=False)
    assert not Margins(nowhere).order(i, j, corners[:, 0], corners[:, 1]).any()


def test_a_class_is_a_candidate_until_it_is_proven_to_be_below_another():
    before = np.ones((1, 3), dtype=bool)
    for bounds, left in (
        ([(1.0, 2.0), (1.0, 2.0), (-1.0, 1.0)], [True, False, False]),
        ([(-0.1, 2.0), (1.0, 2.0), (-1.0, 1.0)], [True, True, False]),
        ([(-2.0, -1.0), (-0.1, 2.0), (-1.0, 1.0)], [False, True, True]),
    ):
        assert Candidates.in_cells(Margins(Scores(bounds)), CELL, before).mask[0].tolist() == left
    nowhere = Scores([(1.0, 2.0)] * 3, defined=False)
    assert Candidates.in_cells(Margins(nowhere), CELL, before).mask.all()


def test_three_classes_are_a_chart_only_if_their_gradients_are_certainly_not_parallel():
    around = [(-1.0, 1.0)] * 3
    for slopes, chart in (
        (((1, 0), (0, 1), (1, 1)), True),
        (((1, 0), (1, 0), (1, 1)), False),
        (((1, 2), (2, 4), (1, 1)), False),
    ):
        rows = Candidates.in_cells(Margins(Scores(around, slopes)), CELL, np.ones((1, 3), dtype=bool))
        found = triples(rows, CELL, np.zeros(1, dtype=np.intp), np.array([[0, 1, 2]]))
        assert found[0].tolist() == [chart]


def test_the_error_of_a_junction_is_at_least_its_distance():
    """Of linear margins whose values are only known to within 0.1: as far as these allow."""

    class Loose:
        """Rows of margins with bounds that are wider by 0.1."""

        def __init__(self, rows):
            self.rows = rows

        def __getattr__(self, name):
            return getattr(self.rows, name)

        def enclose(self, lower, upper):
            found = self.rows.enclose(lower, upper)
            return found._replace(lower=found.lower - 0.1, upper=found.upper + 0.1)

    class Wide(Margins):
        def rows(self, pairs):
            return Loose(super().rows(pairs))

    corners = np.array([[[-1.0, -1.0], [1.0, 1.0]]])
    junctions = locate(Wide(SECTORS), corners, np.array([[0, 1, 2]]))
    W, b = SECTORS.layers[0].weight, SECTORS.layers[0].bias
    matrix, shift = W[0] - W[1:], b[0] - b[1:]
    for off in ((0.1, 0.1), (0.1, -0.1), (-0.1, 0.1)):
        other = np.linalg.solve(matrix, off - shift)
        assert (np.abs(other - junctions.points[0]) <= junctions.reach[0]).all()


@pytest.fixture(scope="module")
def sectors():
    margins = Margins(SECTORS)
    return margins, build_atlas(ClassQuestion(margins), Box.from_bounds(SQUARE), 10**5)


def test_a_chart_in_which_one_or_two_arcs_end_is_broken(sectors):
    margins, atlas = sectors
    assert atlas.status is Status.PROVEN
    assert len(atlas.junctions) == 1
    paving = atlas.paving
    crossings = {pair: find_crossings(margins.field(*pair), paving, pair) for pair in paving.pairs()}
    maximal = maximal_crossings(margins, paving, crossings)
    sheets = {pair: atlases.Sheet.of_crossings(paving, pair, found)[0] for pair, found in maximal.items()}
    bare = atlases.Atlas(paving, sheets, np.zeros(len(paving.charts), dtype=bool))
    assert not atlases._with_junctions(margins, bare).broken.any()
    pair = next(iter(sheets))
    inside = np.isin(sheets[pair].arcs.chart, sheets[pair].ends_inside())
    fewer = sheets | {pair: replace(sheets[pair], arcs=sheets[pair].arcs[~inside])}
    assert atlases._with_junctions(margins, replace(bare, sheets=fewer)).broken.any()


def test_a_chart_whose_junction_is_not_located_is_broken(sectors, monkeypatch):
    margins, _ = sectors

    def lost(margins, corners, classes):
        found = locate(margins, corners, classes)
        return replace(found, reach=np.full_like(found.reach, np.nan))

    monkeypatch.setattr(atlases, "locate", lost)
    atlas = build_atlas(ClassQuestion(margins), Box.from_bounds(SQUARE), 10**5)
    assert atlas.status is not Status.PROVEN


def test_a_crossing_below_a_third_class_is_none_and_one_that_may_be_is_undecided(sectors):
    margins, atlas = sectors
    paving = atlas.paving
    crossings = {pair: find_crossings(margins.field(*pair), paving, pair) for pair in paving.pairs()}
    known = maximal_crossings(margins, paving, crossings)
    assert sum(map(len, known.values())) < sum(map(len, crossings.values()))

    class Unsure:
        network = margins.network

        def order(self, a, b, lower, upper):
            return np.zeros(len(a), dtype=np.int8)

    unsure: dict = maximal_crossings(Unsure(), paving, crossings)  # type: ignore
    assert any(len(found.undecided.axis) > 0 for found in unsure.values())
