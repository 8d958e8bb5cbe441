"""Point forms: the floats of a network at points, with radii by one backward pass.

At a point every neuron is a float p plus an error δ, as on a cell (see `polynomial`), without partials. In
the forward pass alone radii grow by |W| from layer to layer: after 30 layers they may exceed all values of a
network that contracts. A backward pass keeps the signs of W, and takes as long as one gradient [1]_. The
forward radius r of an argument bounds the slopes nearby; what they vary by, times r, is of second order.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM (2002), chapter 3.3:
   running error bounds; here each is weighted by the derivative of the output.
"""

from dataclasses import dataclass, replace

import numpy as np

from tracer.arrays import Array
from tracer.enclosures.affine_map import AffineMap
from tracer.enclosures.functions.blocks import Blocks
from tracer.enclosures.functions.supporting_lines import interval_around
from tracer.enclosures.functions.univariate import Univariate
from tracer.enclosures.polynomials.backward_pass import Activation, Place, Places, Step, output_radii, refined
from tracer.enclosures.rounding import UNIT_ROUNDOFF, UP


@dataclass(frozen=True, eq=False)
class PointForm:
    """n functions at k points.

    Attributes
    ----------
    values, radii : ndarray, shape (k, n)
        The floats, and bounds of their errors.
    steps, activation, places
        As in `PolynomialForm`; radii of values alone.
    """

    values: Array
    radii: Array
    steps: tuple[Step, ...] = ()
    activation: Activation | None = None
    places: Places = ()

    @classmethod
    def of_points(cls, x: Array, radius: Array) -> "PointForm":
        """The coordinates of points (k, inputs), known to within a `radius`."""
        return cls(x, radius, places=(Place(0, radius[None]),))

    def affine(self, function: AffineMap) -> "PointForm":
        """``W g + b``."""
        values, size = function.value(self.values), np.abs(self.values) + self.radii
        fresh = function.errors_of_products(np.zeros_like(size), size) + function.errors_of_sums(values)
        radii = (function.sizes(self.radii) + fresh) * UP
        step = Step.of_layer(self.activation, function, self.radii[None], radii[None], fresh[None])
        steps = *self.steps, step
        (radii,), places = refined(radii[None], steps, self.places)
        return PointForm(values, radii, steps, None, places)

    def apply(self, function: Univariate | Blocks) -> "PointForm":
        """``a(g)`` for a smooth function a of one variable."""
        parts = function.parts if isinstance(function, Blocks) else ((slice(None), function),)
        values, radii = function.at(self.values, self.radii)
        fresh = function.at(self.values, np.zeros_like(radii))[1]
        slope = np.empty_like(values)
        for part, some in parts:
            assert isinstance(some, Univariate)
            reach = np.ascontiguousarray(self.radii[:, part])
            low, high, _ = interval_around(np.ascontiguousarray(self.values[:, part]), reach)
            extent = some.extent(low, high)
            least, most = extent.least.slope, extent.most.slope
            slope[:, part] = middle = 0.5 * (least + most)
            fresh[:, part] += (most - least + 4 * UNIT_ROUNDOFF * np.abs(middle)) * reach
        return replace(self, values=values, radii=radii, activation=Activation(slope, fresh[None] * UP))

    def output_radii(self) -> Array:
        """Radii (k,) of the single output, of the backward pass."""
        return output_radii(self.steps, self.activation, self.places[0])[0, :, 0]
