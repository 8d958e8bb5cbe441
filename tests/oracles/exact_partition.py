"""The regions of the classes of a small piecewise linear network, in fractions: nothing is rounded.

Shares no code with the library. The box is cut into convex polygons along the kinks of one neuron after
another; in each of them the outputs are affine, and it is cut once more along the upper envelope. A network
is a list of (W, b, activation[, slope]).
"""

from collections import defaultdict
from fractions import Fraction as Q
from itertools import pairwise

from oracles.broken_lines import kinks


def at(plane, x):
    """An affine function (a, b, c) at a point."""
    return plane[0] * x[0] + plane[1] * x[1] + plane[2]


def half(corners, plane, tied=False):
    """The part of a polygon where an affine function is not negative; () where it is but a line."""
    if not any(plane):  # 0 everywhere
        return corners if tied else ()
    part, values = [], [at(plane, x) for x in corners]
    for k, (x, f) in enumerate(zip(corners, values, strict=True)):
        y, g = corners[k - 1], values[k - 1]
        if f * g < 0:
            part.append(tuple(p + g / (g - f) * (q - p) for p, q in zip(y, x, strict=True)))
        part += [x] if f >= 0 else []
    return tuple(part) if len(part) > 2 and max(values) > 0 else ()


def combined(rows, weights, bias):
    sums = [sum(w * row[k] for w, row in zip(weights, rows, strict=True)) for k in range(3)]
    return sums[0], sums[1], sums[2] + bias


def parts_of(layers, bounds):
    """Convex polygons and the class on top in each; of equal ones the first."""
    (a, b), (c, d) = [[Q(float(x)) for x in side] for side in bounds]
    cells = [(((a, c), (b, c), (b, d), (a, d)), [(Q(1), Q(0), Q(0)), (Q(0), Q(1), Q(0))])]
    for W, bias, *name in layers:
        rows = [([Q(float(w)) for w in row], Q(float(x))) for row, x in zip(W, bias, strict=True)]
        cells = [(x, [combined(h, *row) for row in rows]) for x, h in cells]
        breaks, slopes, offsets = ([Q(v) for v in some] for some in kinks(*name))
        for k in range(len(rows)):
            cells = [piece for cell in cells for piece in cut(*cell, k, breaks, slopes, offsets)]
    for x, h in cells:
        for i, f in enumerate(h):
            part = x
            for j, g in enumerate(h):
                above = tuple(p - q for p, q in zip(f, g, strict=True))
                part = half(part, above, i < j) if part and i != j else part
            if part:
                yield part, i


def cut(x, h, k, breaks, slopes, offsets):
    """A polygon cut along the kinks of neuron k, behind its activation."""
    for piece, (slope, offset) in enumerate(zip(slopes, offsets, strict=True)):
        part, (a, b, c) = x, h[k]
        if piece:
            part = half(part, (a, b, c - breaks[piece - 1]), tied=True)
        if part and piece < len(breaks):
            part = half(part, (-a, -b, breaks[piece] - c))
        if part:
            yield part, [*h[:k], (slope * a, slope * b, slope * c + offset), *h[k + 1 :]]


def area(corners):
    """Of a polygon."""
    return sum(x[0] * y[1] - y[0] * x[1] for x, y in pairwise([*corners, corners[0]])) / 2


def sides_between(polygons):
    """The segments in which two polygons meet, and which two: ((start, end), left, right)."""
    lines = defaultdict(list)
    for n, corners in enumerate(polygons):
        for x, y in pairwise([*corners, corners[0]]):
            (u, v), up = (y[0] - x[0], y[1] - x[1]), y > x
            if u or v:
                size = u or v
                line = u / size, v / size, (x[0] * v - x[1] * u) / size
                lines[line].append((min(x, y), max(x, y), up, n))
    for some in lines.values():
        for a, b, up, n in some:
            for c, d, down, m in some:
                if up and not down and max(a, c) < min(b, d):
                    yield (max(a, c), min(b, d)), n, m


def labels(numbers, links):
    """A label for each number, the same for those that are connected."""
    root = {n: n for n in numbers}

    def find(n):
        while root[n] != n:
            n = root[n]
        return n

    for n, m in links:
        root[find(n)] = find(m)
    return {n: find(n) for n in numbers}


def groups(numbers, links):
    """How many connected groups there are."""
    return len(set(labels(numbers, links).values()))


def is_inside(x, bounds):
    """Whether a point is in the box and on no side of it."""
    return all(Q(float(low)) < t < Q(float(high)) for t, (low, high) in zip(x, bounds, strict=True))


def pieces_of(polygons, owner, shared, bounds):
    """For each class the area and the number of holes of each connected piece of its region.

    The holes are 1 − χ, and Euler's χ of a piece is its faces less its inner edges and its inner vertices.
    """
    label = labels(range(len(owner)), [(n, m) for _, n, m in shared if owner[n] == owner[m]])
    outer, inner = defaultdict(set), defaultdict(set)
    areas, euler, pieces = defaultdict(Q), defaultdict(int), defaultdict(list)
    for corners, n in zip(polygons, label.values(), strict=True):
        areas[n] += area(corners)
        euler[n] += 1
    for ends, n, m in shared:
        same = label[n] == label[m]
        euler[label[n]] -= same
        for k in (label[n], label[m]):
            (inner if same else outer)[k] |= set(ends)
    for n in areas:
        vertices = sum(is_inside(x, bounds) for x in inner[n] - outer[n])
        pieces[owner[n]].append((areas[n], 1 - euler[n] - vertices))
    return dict(pieces)


def partition(layers, bounds):
    """Areas and pieces by class (see `pieces_of`), junctions and their classes, numbers of arcs by pair."""
    polygons, owner = zip(*parts_of(layers, bounds), strict=True)
    shared = list(sides_between(polygons))
    areas = defaultdict(Q)
    for corners, i in zip(polygons, owner, strict=True):
        areas[i] += area(corners)
    meeting, borders = defaultdict(set), defaultdict(list)
    for ends, n, m in shared:
        if owner[n] != owner[m]:
            borders[tuple(sorted((owner[n], owner[m])))].append(ends)
            for x in ends:
                meeting[x] |= {owner[n], owner[m]}
    inside = {x for x in meeting if is_inside(x, bounds)}
    junctions = {x: meeting[x] for x in inside if len(meeting[x]) > 2}
    arcs = {}
    for pair, some in borders.items():
        ends = [
            [(x, k) if x in junctions or x not in inside else (x,) for x in segment]
            for k, segment in enumerate(some)
        ]
        arcs[pair] = groups({x for segment in ends for x in segment}, ends)
    return dict(areas), pieces_of(polygons, owner, shared, bounds), junctions, arcs
