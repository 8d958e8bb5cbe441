"""Convex loops: where F = Σ σ(a_k · x + b_k) − (h − ε) is 0, for ε < 1/2 and the normals a_k all around.

F > 0 means Σ σ(−a_k · x − b_k) < ε. Each term is below 1/2 there, where σ is convex, so the region is convex,
and each ray from a point inside leaves it once: at a crossing that bisection finds. Between rays further ones
are added until the line through the crossings turns by less than `TURN` at each: it is too short by at most a
share TURN²/24, and only where it bends.
"""

import numpy as np

TURN = 0.002
# Two crossings this close are not parted further: their difference is known to no more than a few digits.
CLOSE = 1e-8


def value(rows, epsilon, x):
    """F at points (n, 2), of neurons with `rows` (a1, a2, b)."""
    sums = x @ rows[:, :2].T + rows[:, 2]
    # 1 − σ(u) without cancellation.
    with np.errstate(over="ignore"):
        return epsilon - (1 / (1 + np.exp(sums))).sum(axis=1)


def distance(rows, epsilon, x):
    """|F| / |∇F| at points (n, 2), to first order their distances from the loop."""
    sums = x @ rows[:, :2].T + rows[:, 2]
    with np.errstate(over="ignore"):
        slope = 1 / (2 + np.exp(sums) + np.exp(-sums))
    return np.abs(value(rows, epsilon, x)) / np.linalg.norm(slope @ rows[:, :2], axis=1)


def crossings(rows, epsilon, centre, angle, reach):
    """The points (n, 2) where rays from the centre at `angle` (n,) leave the region, before `reach`."""
    ray = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    low, high = np.zeros(len(angle)), np.full(len(angle), float(reach))
    for _ in range(52):
        middle = 0.5 * (low + high)
        inside = value(rows, epsilon, centre + middle[:, None] * ray) > 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return centre + low[:, None] * ray


def loop(rows, epsilon, centre, reach):
    """Length and area of the loop around a centre inside it."""
    angle = np.linspace(0, 2 * np.pi, 65)
    x = crossings(rows, epsilon, centre, angle, reach)
    while True:
        side = np.diff(x, axis=0)
        size = np.hypot(*side.T)
        after = np.roll(side, -1, axis=0)
        turn = np.abs(
            np.arctan2(side[:, 0] * after[:, 1] - side[:, 1] * after[:, 0], (side * after).sum(axis=1))
        )
        bent = (turn > TURN) | (np.roll(turn, 1) > TURN)
        more = np.flatnonzero(bent & (size > CLOSE))
        if not len(more):
            break
        between = 0.5 * (angle[more] + angle[more + 1])
        x = np.insert(x, more + 1, crossings(rows, epsilon, centre, between, reach), axis=0)
        angle = np.insert(angle, more + 1, between)
    relative = x - centre
    area = 0.5 * (relative[:-1, 0] * relative[1:, 1] - relative[1:, 0] * relative[:-1, 1]).sum()
    return size.sum(), area
