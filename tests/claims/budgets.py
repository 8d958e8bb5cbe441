"""Is what is claimed true when a budget is tiny, or bounds are nan?"""

import numpy as np

import tracer
from claims.atlas import atlas_checks
from claims.curves import error_bounds, summary
from tracer.atlas.atlas import build_atlas
from tracer.atlas.cells.questions import OneField


def tiny_budgets(rng, problem, reference, tally, max_cells, time_limit):
    """Whatever the budget, what is claimed is true, and PROVEN is the `reference`, that of `max_cells`."""
    budget = int(10 ** rng.uniform(0, np.log10(min(2000, max_cells))))
    atlas = build_atlas(OneField(problem.field), problem.box, max_cells=budget)
    yield from (f"budget {budget}: {claim}" for claim in atlas_checks(rng, problem, atlas))
    boundary = tracer.trace(problem.field, problem.bounds, max_cells=budget, time_limit=time_limit)
    yield from (f"budget {budget}: {claim}" for claim in error_bounds(rng, problem, boundary, tally))
    if boundary.certificate.complete:
        tally["proven with a tiny budget"] += 1
        if reference is None or summary(boundary) != summary(reference):
            yield f"budget {budget}: PROVEN, but not the answer of a large budget"


class Spoiled:
    """A field some of whose bounds are nan: on cells that meet the box `lower`, `upper`."""

    unenclosable = None

    def __init__(self, field, kind, lower, upper):
        self.field, self.kind, self.lower, self.upper = field, kind, lower, upper

    def value(self, x):
        return self.field.value(x)

    def value_and_gradient(self, x):
        return self.field.value_and_gradient(x)

    def enclose(self, lower, upper):
        found = self.field.enclose(lower, upper)
        hit = ((lower <= self.upper) & (upper >= self.lower)).all(axis=1)
        if self.kind == "points":
            hit = (lower == upper).all(axis=1)
        nan = np.where(hit, np.nan, 0.0)
        if self.kind == "undefined":
            return found._replace(defined=found.defined & ~hit)
        if self.kind != "gradient":
            found = found._replace(lower=found.lower + nan, upper=found.upper + nan)
        if self.kind in ("gradient", "all"):
            nan = nan[:, None]
            found = found._replace(
                gradient_lower=found.gradient_lower + nan,
                gradient_upper=found.gradient_upper + nan,
                directions=None if found.directions is None else found.directions + nan,
            )
        return found


def nan_proves_nothing(rng, problem, reference, tally, time_limit):
    """Nan in bounds at a point of the boundary: nothing is proven there, and nothing raised."""
    if not len(reference):
        return
    points = reference[int(rng.integers(len(reference)))].points
    x, hair = points[rng.integers(len(points))], 1e-3 * problem.sides
    kind = str(rng.choice(["all", "gradient", "undefined", "points", "value"]))
    spoiled = Spoiled(problem.field, kind, x - hair, x + hair)
    boundary = tracer.trace(spoiled, problem.bounds, max_cells=2000, time_limit=time_limit)
    tally[f"nan: {kind}"] += 1
    # Without bounds of F those of the gradient are enough for a chart: what is proven must be right.
    right = kind == "value" and summary(boundary) == summary(reference)
    if boundary.certificate.complete and not right:
        yield f"{kind} nan around {x.tolist()}: PROVEN"
