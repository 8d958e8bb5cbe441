"""Votes of three classes, pair by pair, as scores: the class with the largest score wins.

Let d_ij = −d_ji be positive where class i wins its duel against class j, and m_i the smaller of d_ij and
d_ik. Either one class i wins both its duels: then m_i > 0, and the other two m are negative. Or each class
wins one duel: then all three m are negative, and

    t = max(min(d_01, d_12, d_20), min(d_10, d_21, d_02))

is positive. In such a tie class 0 wins, with the scores max(m_0, t), m_1, m_2; or, if ties are broken by
confidences c, the class of the largest confidence, with the scores max(m_i, min(t, c_i − max_{j≠i} c_j)).
Where two classes have equal scores, the third score is less. With more classes ties are of more kinds, and
there are no such scores.
"""

import numpy as np

from tracer.models.lowering.affine import Affine
from tracer.models.lowering.maxima import maximum

# The duels, in the order of scikit-learn: positive where the second class wins.
PAIRS = ((0, 1), (0, 2), (1, 2))


def votes_of_three(duels: Affine, confidences: Affine | None = None) -> Affine:
    """The scores of three classes from three `duels`, and the `confidences` that break ties.

    For each pair in `PAIRS` a duel is positive where the second class wins, and a confidence is greater.
    """
    d = {(i, j): _of(duels.kept(), i, j) for i in range(3) for j in range(3) if i != j}
    least = [_lesser(*(d[i, j] for j in range(3) if j != i)) for i in range(3)]
    tie = maximum(*(_lesser(_lesser(d[0, k], d[k, 3 - k]), d[3 - k, 0]) for k in (1, 2)))
    if confidences is None:
        return Affine.stacked([maximum(least[0], tie), *least[1:]])
    c = {(i, j): _of(confidences, i, j) for i, j in d}
    sums = [c[i, (i + 1) % 3] + c[i, (i + 2) % 3] for i in range(3)]
    leads = [sums[i] + maximum(sums[i - 1], sums[i - 2]).times(-1.0) for i in range(3)]
    return Affine.stacked([maximum(m, _lesser(tie, lead)) for m, lead in zip(least, leads, strict=True)])


def _of(duels: Affine, i: int, j: int) -> Affine:
    """d_ij."""
    row = duels.taken(np.array([PAIRS.index((min(i, j), max(i, j)))]))
    return row.times(-1.0) if i < j else row


def _lesser(a: Affine, b: Affine) -> Affine:
    return maximum(a.times(-1.0), b.times(-1.0)).times(-1.0)
