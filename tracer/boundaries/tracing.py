"""The functions `trace_from`, for the curve through a point, and `trace`, for all curves in a box."""

from __future__ import annotations

import math
from contextlib import suppress

from numpy.typing import ArrayLike

from tracer.arrays import Array, quiet
from tracer.atlas.certificate import Status
from tracer.boundaries.boundary import Boundary
from tracer.boundaries.coercion import FieldLike, as_field, check_callable
from tracer.boundaries.proving import proven_boundary
from tracer.boundaries.sampling import (
    FOLLOW_SHARE,
    MAX_STEPS,
    MOST_EFFORT,
    continued_boundary,
    sampled_boundary,
)
from tracer.boundaries.work import (
    MAX_CELLS,
    TOLERANCE,
    TOLERANCES,
    Work,
    deadlines_of,
    proven_or_sampled,
    used_up,
)
from tracer.curves.continuation.following import alone, follow
from tracer.curves.continuation.walk import Budget
from tracer.curves.corrector import move_to_curve, regular
from tracer.curves.curve import Curve
from tracer.enclosures.arithmetic import in_ieee_arithmetic
from tracer.fields.box import Box
from tracer.fields.checks import between, frozen_array, positive_integer, shown
from tracer.fields.evaluations import Evaluations, Overtime
from tracer.fields.field import EnclosedField, Field


def trace_from(
    field: FieldLike,
    seed: ArrayLike,
    bounds: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
    time_limit: float | None = None,
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
        Largest error between the points, in box units; the points themselves are exact to rounding.
    max_steps : int
        The largest number of attempted steps; beyond it the curve ends with `End.BUDGET`.
    time_limit : float, optional
        Seconds, after which the curve so far is returned; it ends with `End.BUDGET`. They may be exceeded by
        a fifth, and by two evaluations of `field`; near the limit turning points may be omitted. The curve is
        the seed alone, with an infinite error bound, where they do not suffice to move it onto the curve.
        Without a limit `max_steps` bounds the work.

    Returns
    -------
    Curve

    Raises
    ------
    TypeError
        If `field` is not a function of two variables.
    ValueError
        If an argument is out of range, there is no curve on the gradient line through the seed, or the given
        gradient of a formula is wrong.

    Examples
    --------
    >>> import tracer
    >>> circle = tracer.Function(lambda x1, x2: x1**2 + x2**2 - 1)
    >>> curve = tracer.trace_from(circle, (0.9, 0.1), [(-2, 2), (-2, 2)])
    >>> curve.closed
    True
    >>> half = tracer.trace_from(circle, (0.9, 0.1), [(0, 2), (-2, 2)])
    >>> [end.name for end in half.ends]
    ['BOX', 'BOX']
    """
    return curve_through(field, seed, bounds, tolerance, max_steps, time_limit)[0]


@quiet
def curve_through(
    field: FieldLike,
    seed: ArrayLike,
    bounds: ArrayLike,
    tolerance: float,
    max_steps: int,
    time_limit: float | None = None,
) -> tuple[Curve, int, str]:
    """The curve through a seed, the number of evaluations, and which limit ended it if one did.

    Arguments as of `trace_from`.
    """
    field, box = as_field(field), Box.from_bounds(bounds)
    tolerance = between("tolerance", tolerance, *TOLERANCES)
    max_steps = positive_integer("max_steps", max_steps)
    following, deadline = deadlines_of(time_limit, FOLLOW_SHARE, 1.0)
    point = _checked(box, seed)
    evaluations, budget = Evaluations(field, deadline), Budget(max_steps, following)
    if evaluations.unenclosable is not None:  # steps through a rough function take many calls each
        evaluations.most_effort = max(MOST_EFFORT, max_steps)
    try:
        check_callable(field, box, deadline)
        start = _start(evaluations, box, point, seed)
    except Overtime:
        trace = alone(point)
    else:
        trace = follow(evaluations, box, start, tolerance, budget)
    evaluations.most_effort = math.inf  # the errors of the points are few calls
    spent = used_up(max_steps=max_steps)
    if time_limit is not None and budget.steps > 0:
        spent = used_up(time_limit=time_limit)
    return Curve.from_trace(trace, evaluations, box, tolerance), evaluations.points, spent


def _checked(box: Box, seed: ArrayLike) -> Array:
    """The seed as an array (2,) in the box."""
    point = frozen_array("seed", seed, ndim=1, exact=False)
    if point.shape != (2,):
        raise ValueError(f"seed must be a point (x1, x2) of finite numbers; got {shown(seed)}")
    if not box.contains(point):
        raise ValueError(f"seed must lie in the box {box}; got {shown(seed)}")
    return point


def _start(field: Field, box: Box, point: Array, seed: ArrayLike) -> Array:
    """The seed, given as `seed`, which is the `point` (2,), moved onto the curve."""
    value, gradient = field.value_and_gradient(point)
    if not regular(gradient):
        raise ValueError(f"seed must be where the gradient is finite and not zero; got {shown(seed)}")
    start = move_to_curve(field, box, point, value, gradient)
    if start is None:
        raise ValueError(
            f"seed must be near a curve; got {shown(seed)}, and F has no root in the box on the gradient "
            "line through it: pass another one, or tracer.trace(field, bounds) for all curves"
        )
    return start


@in_ieee_arithmetic(Boundary.unproven)
@quiet
def trace(
    field: FieldLike,
    bounds: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    max_cells: int = MAX_CELLS,
    time_limit: float | None = None,
    progress: bool = False,
) -> Boundary:
    """All curves of {F = 0} in a box, with a certificate of what is proven.

    For a field with bounds on cells (networks, functions of NumPy's ufuncs) the box is divided into cells,
    and every curve is found with proof. Any other field is sampled on a lattice, and so is a callable whose
    values contradict the proven bounds.

    Parameters
    ----------
    field : Field, Network or callable
        Two inputs and one output.
    bounds : sequence
        ``[(lo, hi), (lo, hi)]``.
    tolerance : float
        Largest error between the points of a curve, in box units; the points are exact to rounding.
    max_cells : int
        The largest number of cells processed; fewer than about 300 decide nothing.
    time_limit : float, optional
        Seconds, after which the curves found so far are returned. They may be exceeded by a fifth, and by two
        evaluations of `field`; near the limit turning points may be omitted.
    progress : bool
        Whether to show progress on the standard error stream, once the work has taken a second.

    Returns
    -------
    Boundary
        Its certificate's status says what is known: `PROVEN`, `PROVEN_OUTSIDE_CELLS`,
        `BUDGET_EXHAUSTED` or `SAMPLED`; `UNSOUND_ARITHMETIC` if the floating-point environment was not that
        of IEEE double precision rounded to nearest, and could not be set so for the call.

    Raises
    ------
    TypeError
        If `field` is not a function of two variables.
    ValueError
        If an argument is out of range, or the given gradient of a formula is wrong.

    Examples
    --------
    >>> import tracer
    >>> network, bounds = tracer.example("moons")
    >>> boundary = tracer.trace(network.margin(0, 1), bounds)
    >>> len(boundary), boundary.certificate.status.name
    (3, 'PROVEN')
    >>> sum(curve.closed for curve in boundary)
    1
    """
    field, box = as_field(field), Box.from_bounds(bounds)
    with Work.of(tolerance, max_cells, time_limit, progress) as work:
        with suppress(Overtime):
            check_callable(field, box, work.deadline())
        return proven_or_sampled(
            field,
            lambda enclosed: _proven(enclosed, box, work),
            lambda reason: sampled_boundary(field, box, work, reason),
        )


def _proven(field: EnclosedField, box: Box, work: Work) -> Boundary:
    """All curves with proof; where a budget ended it, also curves without proof."""
    boundary = proven_boundary(field, box, work)
    certificate = boundary.certificate
    if certificate.status is Status.BUDGET_EXHAUSTED and len(certificate.undecided):
        return continued_boundary(boundary, work)
    return boundary
