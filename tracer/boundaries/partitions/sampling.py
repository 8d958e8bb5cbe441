"""Partitions of models and fields without bounds: the classes on a lattice, and the borders between them.

How borders run, which regions there are and how their pieces are nested follows from the classes at the
vertices of a lattice alone (`class_lattice`); a piece between its lines is missed. Each border is then
followed on its margin from crossing to crossing with these lines: there A_i − A_j = 0 to rounding. Where the
margin jumps over 0, as votes and predicted classes do, the border is the polygon through its crossings, which
bisection locates. A junction is the zero of two margins. Nothing is proven.
"""

import contextlib
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tracer.arrays import Array, Indices, Mask, chunks
from tracer.atlas.cells.subdivision import NO_CELLS
from tracer.atlas.certificate import Certificate, Status
from tracer.boundaries.partitions.borders import Junction
from tracer.boundaries.partitions.class_lattice import ClassLattice
from tracer.boundaries.partitions.half_edges import Ring
from tracer.boundaries.partitions.nodes import NO_SIDE, SIDES, Border
from tracer.boundaries.partitions.partition import Partition
from tracer.boundaries.partitions.regions import regions_between
from tracer.boundaries.result import Stats
from tracer.boundaries.sampling import JUMPS, MOST_CELLS, Search
from tracer.boundaries.work import Work
from tracer.curves.continuation.chords import chords_of
from tracer.curves.continuation.lattice import FINEST, NEARLY, lattice_lines, located
from tracer.curves.continuation.steps import Steps, polynomials_of
from tracer.curves.contours.marching_squares import Contour, steps_of
from tracer.curves.contours.runs import with_flat_jumps
from tracer.curves.curve import Curve
from tracer.curves.end import End
from tracer.curves.pieces import Pieces
from tracer.curves.trace import Trace
from tracer.fields.box import Box
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import by_chords

# The number of points at which all outputs are computed between two looks at the clock.
CHUNK = 2**10
NEWTON_STEPS = 8
# A junction lies within so many cells of the one that shows it.
FARTHEST = 1.0
# What a certificate adds.
HIDDEN = "; crossings of the lattice at which a further class is above the two: {}"
UNCLEAR = "; places at which regions do not close: {}"


def sampled_partition(network: Any, box: Box, argmin: bool, work: Work, reason: str) -> Partition:
    """The regions that the classes on a lattice indicate; see `tracer.partition`."""
    outputs = Outputs(network.scores(negative=argmin), work.deadline())
    labels = network.classes or tuple(range(network.n_outputs))
    found: Borders | None = None
    regions, arcs, junctions, unclear, finished = (), (), (), NO_CELLS, False
    # What is found before the time limit is kept.
    with contextlib.suppress(Overtime):
        found = Borders.of(outputs, box, work)
        work.end_of("lattice")
        borders, finished = found.curves(work)
        work.end_of("curves")
        nodes = SampledNodes.of(found, borders)
        junctions, number = nodes.junctions(borders, labels)
        arcs = tuple(border.arc(number, labels) for border in borders)
        around = int(found.graph.lattice.values[0, 0])
        regions, unclear = regions_between(arcs, borders, nodes, box, labels, around)
        work.end_of("regions")
    hidden, jumps, cells, crossings = (0, 0, 0, 0) if found is None else found.counts()
    for text, count in ((HIDDEN, hidden), (UNCLEAR, len(unclear)), (JUMPS, jumps)):
        reason += text.format(count) if count else ""
    status = Status.SAMPLED if finished and regions else Status.BUDGET_EXHAUSTED
    if status is Status.BUDGET_EXHAUSTED:
        reason = f"{work.spent()}; {reason}"
    return Partition(
        regions,
        arcs,
        junctions,
        replace(Certificate.unproven(status, box, cells, crossings, reason), of="partition"),
        labels,
        box,
        network,
        argmin,
        Stats(0, outputs.points, work.seconds),
        np.zeros((0, 3), dtype=np.intp),
    )


class Outputs:
    """The outputs of a network at points, counted, until a deadline."""

    def __init__(self, network: Any, deadline: float) -> None:
        self.network, self.deadline = network, deadline
        self._points = 0
        self._margins: dict[tuple[int, int], Evaluations] = {}

    @property
    def points(self) -> int:
        """The number of points at which outputs or margins were evaluated."""
        return self._points + sum(margin.points for margin in self._margins.values())

    def __call__(self, x: Array) -> Array:
        """The outputs (k, m) at points (k, 2)."""
        parts = [np.zeros((0, self.network.n_outputs))]
        for chunk in chunks(len(x), CHUNK):
            if time.perf_counter() >= self.deadline:
                raise Overtime
            parts.append(self.network(x[chunk]))
        self._points += len(x)
        return np.concatenate(parts)

    def value(self, x: Array) -> Array:
        """The largest output at points (k, 2)."""
        return self(x).max(axis=1)

    def classes(self, x: Array) -> Indices:
        """The classes of points (k, 2): the first of the largest outputs."""
        return _classes(self(x))

    def margin(self, i: int, j: int) -> Evaluations:
        """The field A_i − A_j."""
        if (i, j) not in self._margins:
            self._margins[i, j] = Evaluations(self.network.margin(i, j), self.deadline)
        return self._margins[i, j]


def _classes(values: Array) -> Indices:
    return np.where(np.isnan(values), -np.inf, values).argmax(axis=-1)


# Borders -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Borders:
    """The borders on a lattice.

    Attributes
    ----------
    outputs : Outputs
    box : Box
    graph : ClassLattice
    x : ndarray, shape (n, 2)
        The crossings, then the ends of borders at meetings.
    jumps : ndarray of bool, shape (n,)
        The crossings at which the margin jumps over 0.
    meetings, errors : ndarray, shape (k, 2) and (k,)
        The points of the meetings, and estimates of their errors in box units.
    hidden : int
        The number of crossings at which a further class is above the two.
    """

    outputs: Outputs
    box: Box
    graph: ClassLattice
    x: Array
    jumps: Mask
    meetings: Array
    errors: Array
    hidden: int

    @classmethod
    def of(cls, outputs: Outputs, box: Box, work: Work) -> "Borders":
        """Find the classes on a lattice as fine as the limits allow, and the borders between them."""
        search = Search(Evaluations(outputs, work.deadline()), box, work)
        side = search.affordable_side(min(work.limits.max_cells, MOST_CELLS))
        lines = lattice_lines(box, (side, side))
        x = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
        values = outputs(x)
        graph = ClassLattice.of(lines, _classes(values).reshape(side + 1, side + 1), outputs.classes)
        crossings, jumps = _crossings(outputs, graph, values.reshape(side + 1, side + 1, -1))
        meetings, errors = _meetings(outputs, box, graph, crossings)
        at = [graph.meeting_of(len(crossings) + k) for k in range(int((graph.meeting.crossings >= 0).sum()))]
        every = outputs(crossings)
        row = np.arange(len(crossings))
        own = np.minimum(every[row, graph.pairs[:, 0]], every[row, graph.pairs[:, 1]])
        rounding = 1e-9 * np.abs(every).max(axis=1, initial=0.0)
        rise = np.abs(every[row, graph.pairs[:, 0]] - every[row, graph.pairs[:, 1]])
        hidden = int(np.count_nonzero(every.max(axis=1, initial=-np.inf) > own + 2 * rise + rounding))
        x = np.concatenate([crossings, meetings[at]])
        return cls(outputs, box, graph, x, jumps, meetings, errors, hidden)

    def counts(self) -> tuple[int, int, int, int]:
        """The numbers of hidden crossings, of jumps, of cells and of crossings."""
        nx, ny = self.graph.lattice.values.shape
        return self.hidden, int(np.count_nonzero(self.jumps)), (nx - 1) * (ny - 1), len(self.jumps)

    def curves(self, work: Work) -> tuple[list[Border], bool]:
        """The borders, by their classes and first points, and whether there was time to follow all."""
        pairs: dict[tuple[int, int], list[tuple[Indices, bool]]] = {}
        for numbers, closed in self.graph.borders():
            crossing = self.first_crossing(numbers)
            i, j = sorted(self.graph.pairs[crossing].tolist())
            pairs.setdefault((i, j), []).append((numbers, closed))
        found, node, finished = [], len(self.meetings), True
        for pair, some in sorted(pairs.items()):
            curves, all_followed = self._followed(pair, some, work)
            borders, finished = [], finished and all_followed
            for curve, (numbers, closed) in zip(curves, some, strict=True):
                nodes: list[int] = []
                for number in () if closed else (int(numbers[0]), int(numbers[-1])):
                    if number >= len(self.graph.lattice.axis):
                        nodes.append(self.graph.meeting_of(number))
                    else:
                        nodes.append(node)
                        node += 1
                borders.append(Border(curve, pair, tuple(nodes), self.first_crossing(numbers)))
            found += sorted(borders, key=lambda border: border.curve.points[0].tolist())
        return found, finished

    def first_crossing(self, numbers: Indices) -> int:
        """The first crossing of a border that is none of its ends at meetings."""
        return int(numbers[numbers < len(self.graph.lattice.axis)][0])

    def _followed(
        self, pair: tuple[int, int], some: list[tuple[Indices, bool]], work: Work
    ) -> tuple[list[Curve], bool]:
        """The curves of the borders of a pair, and whether there was time to follow all."""
        margin, cell = self.outputs.margin(*pair), 1.0 / (len(self.graph.lattice.lines[0]) - 1)
        contours = [Contour(numbers, closed, (True, True)).distinct(self.x) for numbers, closed in some]
        ends = [() if closed else self._ends(numbers) for numbers, closed in some]
        jumping = [self._jumps_along(contour) for contour in contours]
        smooth = {k: contours[k] for k, one in enumerate(jumping) if not one}
        curves = {}
        with contextlib.suppress(Overtime):
            curves = self._on_margin(margin, smooth, ends, work)
        found = [
            curves[k] if k in curves else self._polygon(margin, contour, ends[k], cell, jumping[k])
            for k, contour in enumerate(contours)
        ]
        return found, not any(found[k].jumps for k in smooth)

    def _on_margin(
        self, margin: Evaluations, contours: dict[int, Contour], ends: list[tuple[End, ...]], work: Work
    ) -> dict[int, Curve]:
        """The curves of contours along which the margin is 0, by their numbers; some may be missing."""
        if not contours:
            return {}
        steps = steps_of(margin, self.box, self.graph.lattice, [*contours.values()], self.x)
        given = {
            k: one._replace(ends=ends[k]) for k, one in zip(contours, steps, strict=True) if one is not None
        }
        traces = self._traces(margin, [*given.values()], work)
        curves = Curve.from_traces(traces, margin, self.box, work.limits.tolerance) if traces else []
        return dict(zip(given, curves, strict=True))

    def _jumps_along(self, contour: Contour) -> bool:
        """Whether the margin jumps over 0 at most crossings of a contour."""
        crossings = contour.numbers[contour.numbers < len(self.jumps)]
        return 2 * int(np.count_nonzero(self.jumps[crossings])) > len(crossings)

    def _traces(self, margin: Evaluations, steps: list[Steps], work: Work) -> list[Trace]:
        if not steps:
            return []
        tolerance, deadline = work.limits.tolerance, work.deadline(0.9)
        if by_chords(margin):
            return chords_of(margin, self.box, steps, tolerance, deadline)
        found = polynomials_of(margin, self.box, steps, tolerance, deadline)
        bad = [k for k, one in enumerate(found) if not one.good.all()]
        traces = [one.trace for one in found]
        for k, trace in zip(
            bad,
            chords_of(margin, self.box, [steps[k] for k in bad], tolerance, deadline) if bad else [],
            strict=True,
        ):
            traces[k] = trace
        return traces

    def _ends(self, numbers: Indices) -> tuple[End, ...]:
        inner = numbers[[0, -1]] >= len(self.graph.lattice.axis)
        return tuple(End.JUNCTION if one else End.BOX for one in inner.tolist())

    def _polygon(
        self, margin: Evaluations, contour: Contour, ends: tuple[End, ...], cell: float, jumping: bool
    ) -> Curve:
        """The straight pieces between the crossings, located by bisection where the margin is `jumping`."""
        x = self.x[contour.numbers]
        trace = Trace(x, np.zeros_like(x), Pieces.lines(x[:-1], x[1:]).end_to_end(), ends)
        return Curve.polygon(trace, margin.field, self.box, cell, FINEST * cell if jumping else cell)


def _crossings(outputs: Outputs, graph: ClassLattice, values: Array) -> tuple[Array, Mask]:
    """The points (n, 2) on edges of the lattice at which the margin of two classes changes its sign.

    And where it jumps over 0 there, (n,).
    """
    lattice = graph.lattice
    found, pairs = np.zeros((len(lattice.axis), 2)), np.sort(graph.pairs, axis=1)
    jumps = np.zeros(len(found), dtype=bool)
    ends = np.stack([lattice.at(lattice.edge), lattice.at(lattice.far)])
    both = np.stack([values[tuple(lattice.edge.T)], values[tuple(lattice.far.T)]])
    for i, j in np.unique(pairs, axis=0).tolist():
        own = np.flatnonzero((pairs == (i, j)).all(axis=1))
        F = both[:, own, i] - both[:, own, j]
        margin = outputs.margin(i, j)
        changes = with_flat_jumps(margin, lattice, located(margin, ends[:, own], F, NEARLY))
        found[own], jumps[own] = changes.points, changes.jumps
    return found, jumps


def _meetings(outputs: Outputs, box: Box, graph: ClassLattice, crossings: Array) -> tuple[Array, Array]:
    """The junctions (k, 2) in cells where borders meet, and estimates of their errors in box units (k,)."""
    meeting, lattice = graph.meeting, graph.lattice
    cell = np.array([line[1] - line[0] for line in lattice.lines])
    points, errors = np.zeros((len(meeting.cell), 2)), np.zeros(len(meeting.cell))
    for k, (at, classes, numbers) in enumerate(zip(*meeting, strict=True)):
        low = lattice.at(at[None])[0]
        points[k] = crossings[numbers[numbers >= 0]].mean(axis=0)
        errors[k] = float(np.hypot(*(cell / box.sides)))
        a, b, c = np.unique(classes)[:3].tolist() if len(np.unique(classes)) > 2 else (0, 0, 0)
        found = None if a == b else _newton(outputs, box, points[k], (a, b, c))
        if found is not None and (np.abs(found[0] - low - 0.5 * cell) <= (0.5 + FARTHEST) * cell).all():
            points[k], errors[k] = found
    return points, errors


def _newton(
    outputs: Outputs, box: Box, x: Array, classes: tuple[int, int, int]
) -> tuple[Array, float] | None:
    """The zero of two margins of three classes near a point, and the last step; None if there is none."""
    a, b, c = classes
    size = np.inf
    for _ in range(NEWTON_STEPS):
        (f, df), (g, dg) = (outputs.margin(a, k).value_and_gradient(x) for k in (b, c))
        try:
            step = np.linalg.solve(np.stack([df, dg]) * box.sides, np.array([f, g]))
        except np.linalg.LinAlgError:
            return None
        last, size = size, float(np.hypot(*step))
        if not np.isfinite(size) or not size < 2 * last:
            return None
        x = x - step * box.sides
        if not box.contains(x):
            return None
        if size < 1e-14:
            break
    return (x, max(2 * size, 1e-15)) if size < 1e-6 else None


# Nodes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SampledNodes:
    """The nodes at which borders end: first junctions, then ends on the box. See `Nodes`."""

    found: Borders
    box: Box
    points: Array
    side: Indices
    span: Array

    @classmethod
    def of(cls, found: Borders, borders: Sequence[Border]) -> "SampledNodes":
        """The nodes of borders."""
        n = len(found.meetings)
        ends = sorted(
            (node, point)
            for border in borders
            for node, point in zip(border.nodes, border.curve.points[[0, -1]].tolist(), strict=False)
            if node >= n
        )
        x = np.reshape([point for _, point in ends], (-1, 2))
        on = np.stack([x[:, 1] == found.box.lower[1], x[:, 0] == found.box.upper[0]], axis=1)
        far = np.stack([x[:, 1] == found.box.upper[1], x[:, 0] == found.box.lower[0]], axis=1)
        grows = on.any(axis=1)
        axis = np.where(np.where(grows, on[:, 0], far[:, 0]), 0, 1)
        along = x[np.arange(len(x)), axis]
        side = np.append(np.full(n, NO_SIDE), SIDES[axis, grows.astype(int)])
        span = np.where(grows, along, -along)[:, None] * np.ones(2)
        return cls(
            found,
            found.box,
            np.concatenate([found.meetings, x]),
            side,
            np.concatenate([np.zeros((n, 2)), span]),
        )

    def is_certain(self, node: int) -> bool:
        """Whether each class leaves a node once: on the box, and where no class has two opposite corners.

        A closed border has no nodes, −1.
        """
        meeting = self.found.graph.meeting
        if not 0 <= node < len(meeting.cell):
            return True
        return len(np.unique(meeting.classes[node])) == int((meeting.crossings[node] >= 0).sum())

    def faces_of(self, rings: Sequence[Ring], borders: Sequence[Border]) -> tuple[Indices, Array]:
        """Labels of the pieces on the left of rings, and no undecided cells."""
        graph, faces = self.found.graph, []
        for ring in rings:
            arc = next((edge for edge in ring.edges if edge.arc is not None), None)
            vertex = np.zeros(2, dtype=np.intp)
            if arc is not None:
                crossing = borders[arc.number].crossing
                lower = graph.pairs[crossing, 0] == arc.output
                vertex = (graph.lattice.edge if lower else graph.lattice.far)[crossing]
            faces.append(graph.face[tuple(vertex)])
        return np.array(faces), NO_CELLS

    def junctions(
        self, borders: Sequence[Border], labels: Sequence[Hashable]
    ) -> tuple[tuple[Junction, ...], dict[int, int]]:
        """The junctions, and the number of each node's."""
        classes, arcs = _by_node(borders, lambda border, _: border.outputs), _by_node(borders, _number)
        found = [node for node in range(len(self.found.meetings)) if node in arcs]
        return tuple(
            Junction(
                self.points[node],
                tuple(labels[k] for k in sorted({k for pair in classes[node] for k in pair})),
                tuple(arcs[node]),
                float(self.found.errors[node]),
                False,
            )
            for node in found
        ), {node: k for k, node in enumerate(found)}


def _number(border: Border, number: int) -> int:
    return number


def _by_node(borders: Sequence[Border], get: Callable[[Border, int], Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for k, border in enumerate(borders):
        for node in border.nodes:
            found.setdefault(node, []).append(get(border, k))
    return found
