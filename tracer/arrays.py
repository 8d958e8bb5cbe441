"""The types of arrays, named by what they hold."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Signs = NDArray[np.int8]

EPS = float(np.finfo(np.float64).eps)  # the distance of 1.0 to the next float64
