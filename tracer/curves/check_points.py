"""Check points: where a polynomial piece is compared with the curve, between its nodes.

A polynomial agrees with the curve at its nodes, whatever the curve does elsewhere. So both are compared at
check points: at the middle, and further out, where the nodes lie closer.
"""

import numpy as np

from tracer.curves.pieces import NODES, interpolation

PLACES = np.array([-0.78, 0.0, 0.78])
# Nodes and check points in order, and the indices of both.
SIGMA = np.sort(np.concatenate([NODES, PLACES]))
AT_NODES, AT_PLACES = (np.searchsorted(SIGMA, some) for some in (NODES, PLACES))
# The matrix from values at the nodes to values of their polynomial at the check points.
EXPECTED = interpolation(PLACES)
