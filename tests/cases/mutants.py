"""Proofs that are slightly broken: each row leaves out one rounding, one part of a range, or one gate.

A `Mutant` replaces a text of one file of the package, which occurs there once. Some of the tests that it
names must fail with it: `mutants.py` tries them all.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One change: in `file` of the package `old` becomes `new`, and one of `tests` must notice it."""

    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _rows(file: str, *tests: str, **changes: tuple[str, str]) -> list[Mutant]:
    """The mutants of one file that the same tests must notice, by what they break."""
    return [Mutant(what.replace("_", " "), file, *change, tests) for what, change in changes.items()]


ROUNDING = _rows(
    "enclosures/rounding.py",
    "enclosures/test_rounding.py",
    gamma_of_sums=("return (n + 4) * UNIT_ROUNDOFF", "return 0 * UNIT_ROUNDOFF"),
    radius_of_a_cell=("radius * (1 + 4 * UNIT_ROUNDOFF) + UNDERFLOW, 0.0", "radius, 0.0"),
    upper_half_of_a_cell=("radius = np.maximum(center - lower, upper - center)", "radius = center - lower"),
    gradient_per_unit=("outward = (2 * UNIT_ROUNDOFF) * np.abs(bounds) + UNDERFLOW", "outward = 0 * bounds"),
    directions_that_lose_a_component=("return np.where(lost, 0.0, ", "return np.where(False, 0.0, "),
    underflow_before_a_product=("(g * np.abs(m) + UNDERFLOW)\n    radius", "(g * np.abs(m))\n    radius"),
    underflow_before_a_sparse_product=("(g * np.abs(m.data) + UNDERFLOW)", "(g * np.abs(m.data))"),
    terms_of_a_sparse_product=("most = int(terms.max(initial=0))", "most = int(terms.min(initial=0))"),
    rounding_of_a_sum=("(radius + 2 * UNIT_ROUNDOFF * np.abs(result))", "(radius + 0 * np.abs(result))"),
    exact_sums=("& (radius == 0)\n", "| (radius == 0)\n"),
    rounding_of_a_product=(
        "r * s + 2 * UNIT_ROUNDOFF * np.abs(result) + 4",
        "r * s + 0 * np.abs(result) + 4",
    ),
    underflow_of_exact_products=("_is_power_of_two(b)) & _is_normal(result)", "_is_power_of_two(b))"),
    divisors_near_0=("least = np.abs(b) * (1 - 4 * UNIT_ROUNDOFF) - s", "least = np.abs(b)"),
    rounding_of_a_quotient=("+ 2 * UNIT_ROUNDOFF * size + 4 * UNDERFLOW", "+ 4 * UNDERFLOW"),
    underflow_of_a_quotient=("(r + size * s + SMALLEST) / least", "(r + size * s) / least"),
    rounding_of_a_root=(
        "grown = (r / result + 2 * UNIT_ROUNDOFF * result) * UP",
        "grown = (r / result) * UP",
    ),
    rounding_of_a_sum_of_many=("(r.sum(axis=-1) + g * np.abs(m).sum(axis=-1))", "(r.sum(axis=-1))"),
)
AFFINE = _rows(
    "enclosures/affine_map.py",
    "enclosures/test_affine_map.py",
    rounding_of_products=("size *= self.gamma + slack", "size *= slack"),
    rounding_of_the_bias=("return (2 * UNIT_ROUNDOFF) * np.abs(value) + self", "return 0 * value + self"),
    radii_of_weights=("from_weights = 0.0 if factors is None else", "from_weights = 0.0 if True else"),
    radii_of_biases=("return self.bias_radius * UP + UNDERFLOW", "return 0 * self.bias_radius + UNDERFLOW"),
    underflow_of_products=("* (2 * UNDERFLOW)", "* 0.0"),
    radii_of_weights_on_the_way_back=("found += matmul(size, factors[1])", "pass"),
    errors_on_the_way_back=(
        "found = matmul(errors, self._size_rows)",
        "found = 0 * matmul(errors, self._size_rows)",
    ),
    rounding_relative_to_inputs=(
        "slack = (self.gamma * np.abs(weight)",
        "slack = (0 * np.abs(weight)",
    ),
    radii_of_parts=("radius[0] if radius else None", "None"),
)
ACTIVATIONS = _rows(
    "enclosures/functions/univariate.py",
    "enclosures/test_univariate.py",
    rounding_of_jets=("return jet, self.roundings * UNIT_ROUNDOFF", "return jet, 0 * UNIT_ROUNDOFF"),
    extrema_inside_an_interval=("for k, zeros in enumerate(self.zeros):", "for k, zeros in enumerate(()):"),
    remainders_across_a_break=("remainder[(low < point) & (high > point)] = np.inf", "pass"),
    remainders=(
        "(above[3] - below[3]) * (0.5 * RAISED * rho) * rho",
        "(above[3] - below[3]) * (0.05 * rho) * rho",
    ),
)
SIGMOIDS = _rows(
    "enclosures/functions/sigmoidal.py",
    "enclosures/test_univariate.py",
    rounding_of_sigmoidal_values=("left -= VALUE_ROUNDINGS * UNIT_ROUNDOFF", "pass"),
    rounding_of_values_from_above=("Jet(right + error, steepest)", "Jet(right - error, steepest)"),
    steepest_slope_at_0=("np.copysign(self.rate**2 / 4, most, out=most)", "np.copysign(0.0, most, out=most)"),
    rounding_of_slopes=("slack = SLOPE_WIDENING * most\n", "slack = 0 * most\n"),
    remainders_of_sigmoids=("remainder *= RAISED / 6 * self.rate**3", "remainder *= self.rate**3 / 60"),
    values_at_uncertain_points=(
        "return self._spread(slope, radius, SLOPE_WIDENING, 2 *",
        "return self._spread(0 * slope, radius, SLOPE_WIDENING, 0 *",
    ),
    curvature_of_tanh=("curvature_bound=0.77)", "curvature_bound=0.7)"),
    curvature_of_sigmoid=("curvature_bound=0.0963", "curvature_bound=0.0863"),
)
SMOOTH_ACTIVATIONS = _rows(
    "enclosures/functions/smooth_activations.py",
    "enclosures/test_univariate.py",
    curvature_of_softplus=("curvature_bound=0.25)", "curvature_bound=0.2)"),
    curvature_of_silu=("curvature_bound=0.5,", "curvature_bound=0.4,"),
    curvature_of_gelu=("curvature_bound=0.8,", "curvature_bound=0.7,"),
    curvature_of_elu=("curvature_bound=1.0)", "curvature_bound=0.5)"),
    minimum_of_silu=("(-1.278464542761073795109,),", "(),"),
    steepest_slope_of_silu=("both(2.399357280515467667833),", "(2.399357280515467667833,),"),
    minimum_of_gelu=("(-0.7517915246935644574579,),", "(),"),
    steepest_slope_of_gelu=("both(1.414213562373095048802),", "(-1.414213562373095048802,),"),
    curvature_of_softplus_at_0=(
        "_softplus, ((), (), (0.0,), both(2 * T3))",
        "_softplus, ((), (), (), both(2 * T3))",
    ),
    break_of_elu=("breaks=(0.0,), curvature", "curvature"),
)
KINKS = _rows(
    "enclosures/functions/piecewise_linear.py",
    "enclosures/test_piecewise_linear.py",
    kinks_near_the_end=(
        "return ~(reduce(np.minimum, gaps) > radius * (1 + 4 * UNIT_ROUNDOFF))",
        "return ~(reduce(np.minimum, gaps) > 0.5 * radius)",
    ),
    chords_over_a_kink=("inside = (low < kink) & (high > kink)", "inside = (low < kink) & (high < kink)"),
    rounding_of_chords=("0.5 * (up - down) + rounding + UNDERFLOW", "0.5 * (up - down)"),
    slopes_at_kinks=(
        "radius * (1 + 4 * UNIT_ROUNDOFF))\n        return value, radius if",
        "0 * radius)\n        return value, radius if",
    ),
    the_side_behind_a_kink=("last += ~(high < kink)", "last += ~(low < kink)"),
    slopes_between_two_kinks=(
        "outside = (low > end) | (high < start)",
        "outside = (low < end) | (high > start)",
    ),
    rounding_of_straight_lines=(
        "radius = 4 * UNIT_ROUNDOFF * (np.abs(straight) + np.abs(offset)) + UNDERFLOW",
        "radius = 0 * straight",
    ),
)
ELEMENTARY = _rows(
    "enclosures/functions/elementary.py",
    "enclosures/test_elementary.py",
    crests_of_waves=("return (*crests, *troughs)", "return troughs"),
    extrema_far_away=("error = TURN_ROUNDINGS * UNIT_ROUNDOFF", "error = 0.0"),
    poles_of_tan=("below, above = np.where(inside, np.nan, below), np.where(inside, np.nan, above)", "pass"),
    edges_of_domains=(
        "return np.where(inside, below, np.nan), np.where(inside, above, np.nan)",
        "return below, above",
    ),
    extrema_of_even_powers=(
        "a, b, c, d = ((0.0,) if is_even else () for is_even in even)",
        "a, b, c, d = (() for is_even in even)",
    ),
    minimum_of_cosh=("COSH = Univariate(_cosh, ((0.0,),", "COSH = Univariate(_cosh, ((),"),
    minimum_of_squares=("SQUARE = Univariate(_square, ((0.0,),", "SQUARE = Univariate(_square, ((),"),
    steepest_slope_of_arctan=("_arctan, ((), (0.0,),", "_arctan, ((), (),"),
    rounding_of_powers=("sizes = [size * (1 + abs(p - k) * log) for", "sizes = [0 * size for"),
    values_beyond_a_pole=("across = at_pole | ((low < 0) & (high > 0))", "across = at_pole"),
)
TAYLOR = _rows(
    "enclosures/forms/taylor.py",
    "enclosures/test_forms.py",
    "enclosures/test_enclosures.py",
    rounding_of_layers=(
        "radii = function.errors_of_products(self.radii, _sizes(self.coefficients))",
        "radii = function.sizes(self.radii)",
    ),
    rounding_of_values=(
        "(8 * UNIT_ROUNDOFF * size + UNDERFLOW)\n        return c +",
        "0 * size\n        return c +",
    ),
    mixed_terms=("rest = cross + self.radii[0]", "rest = self.radii[0]"),
    radii_of_partials=("np.abs(self.coefficients[4]) + self.radii[1:]", "np.abs(self.coefficients[4])"),
    vertices_of_parabolas=(
        "up = np.where(inside & (square < 0), vertex, square + reach)",
        "up = square + 0.5 * reach",
    ),
    remainders=("slack = (4 / 27) * near.remainder", "slack = 0 * near.remainder"),
    curvature_of_the_radius=(
        "slope_radius = np.abs(self.curvature)\n        slope_radius *= tail",
        "slope_radius = 0 * self.curvature",
    ),
    slopes_of_the_model=("size[:2] *= model.slope_radius", "size[:2] *= 0"),
    ends_of_the_model=("radius += CUBIC * np.abs(both)", "pass"),
    kinks_of_the_model=(
        "slope_radius = (largest(line.below, line.above)",
        "slope_radius = (0 * largest(line.below, line.above)",
    ),
)
FORMULAS = _rows(
    "enclosures/forms/taylor_arithmetic.py",
    "enclosures/test_forms.py",
    "enclosures/test_ufuncs.py",
    conversion_of_numbers=("0.0 if value == number else CONVERSION * abs(value) + UNDERFLOW", "0.0"),
    errors_of_the_second_factor=("+ f * size_a + rounding", "+ rounding"),
    higher_terms_of_products=("radii = [a1 * b2 + a2 * (b1 + b2) +", "radii = ["),
    rounding_of_products=("+ rounding * (size_a * size_b)]", "]"),
    partials_of_products=("+ fi * size_a\n", "\n"),
    rounding_of_sums=("(radii + roundings * UNIT_ROUNDOFF * sizes)", "(radii + 0 * sizes)"),
    rounding_of_squares=("e * (2 * size + e) + rounding * size", "e * (2 * size + e)"),
    slopes_of_absolute_values=(
        "radii[1 + i] = largest(*a.partial_bounds(i))",
        "radii[1 + i] = a.partial_bounds(i)[1]",
    ),
)
GAPS = [
    *_rows(
        "enclosures/forms/ranged_arithmetic.py",
        "enclosures/test_ufuncs.py",
        values_of_the_other_branch=(
            "below = np.where(beneath, np.maximum(below, high), below)\n    return below, np.where(beneath, "
            "above, np.minimum(above, low))",
            "return below, above",
        ),
        gaps_of_the_other_branch=("(np.where(where, *pair) for pair in ends)", "(pair[0] for pair in ends)"),
    ),
    *_rows(
        "enclosures/functions/elementary.py",
        "enclosures/test_ufuncs.py",
        no_gap=("return np.where(known, least, np.inf), np", "return np.where(known, least, -np.inf), np"),
    ),
]
SEAMS = _rows(
    "enclosures/formulas/exact_reading.py",
    "enclosures/test_switches.py",
    equation_of_a_square=("(square - value * value)", "(square - value)"),
    remainders_that_are_not_0=(
        "p.reduced(*equation).number == 0 for",
        "p.reduced(*equation).number is not None for",
    ),
)
SIGNS = _rows(
    "enclosures/rewriting/signs.py",
    "enclosures/test_rewriting.py",
    factors_without_a_change_of_sign=(
        "if not single or not sign or set(even) | set(odd) != set(single):",
        "if not single or not sign:",
    ),
    domains_of_what_is_left_out=("evaluate in _POSITIVE and _is_total(term)", "evaluate in _POSITIVE"),
    powers_of_negative_numbers=("return own if own.is_square else None", "return own"),
    differences=("sign * _SUMS[total.evaluate]", "sign"),
    zeros_of_a_size=("size.sign and set(size.even) == {terms[1]}", "size.sign"),
    zeros_of_branches=("if not all(set(own.even) == {u} and not own.odd for own in signs):", "if False:"),
    comparisons_downward=("if condition.evaluate in _ABOVE else (b, a)", "if True else (b, a)"),
    divisors_that_may_be_0=("None if divisor.odd or divisor.even else", "None if False else"),
    numbers_in_front_of_a_root=("else (exact, exact, exact)", "else (exact,)"),
    sizes_of_numbers=("(exact, abs(exact)) if degree == 2", "(exact, exact) if degree == 2"),
    roots_of_another_function=(
        "in (np.absolute, np.fabs) and size.terms[0] is u",
        "in (np.absolute, np.fabs)",
    ),
    numbers_that_are_not_finite=("size == 0 or LEAST_NUMBER <= size <= MOST_NUMBER", "True"),
    sizes_of_integers=("factor.item() if isinstance(factor, np.generic) else factor", "factor"),
)
EXPRESSIONS = _rows(
    "enclosures/rewriting/expression.py",
    "enclosures/test_rewriting.py",
    numbers_printed_alike=("int(term) if isinstance(term, int) else float.hex(term)", "repr(term)"),
)
GUARDS = _rows(
    "enclosures/rewriting/guards.py",
    "enclosures/test_rewriting.py",
    the_other_branch=("_implied(condition, False)", "_implied(condition, True)"),
    parts_of_a_disjunction=("(_CONJUNCTIONS if holds else _DISJUNCTIONS)", "_CONJUNCTIONS + _DISJUNCTIONS"),
    negations=("(condition.terms[0], not holds)", "(condition.terms[0], holds)"),
    comparisons_of_others=("and condition.terms == other.terms", ""),
    comparisons_that_do_not_hold=("if holds and isinstance(condition", "if isinstance(condition"),
)
MONOMIALS = _rows(
    "enclosures/rewriting/monomials.py",
    "enclosures/test_monomials.py",
    other_functions=("or len(reading.definitions) > 2", ""),
    coefficients_beyond_floats=("> MOST_BITS for c", "> 10 * MOST_BITS for c"),
)
ZOOMS = _rows(
    "curves/arcs/zooms.py",
    "boundaries/test_zooms.py",
    sides_of_a_root=(
        "low, high = np.where(side > 0, between, low)",
        "low, high = np.where(side < 0, between, low)",
    ),
    errors_in_proportion=("ROUNDINGS * EPS * np.abs(z).max() * signs", "3e-14 * signs"),
)
MEAN_VALUES = _rows(
    "enclosures/forms/mean_value.py",
    "enclosures/test_forms.py",
    "enclosures/test_enclosures.py",
    rounding_of_midpoints=("ROUNDINGS = 16 * UNIT_ROUNDOFF", "ROUNDINGS = 0 * UNIT_ROUNDOFF"),
    partials_in_the_range=(
        "widths[0] += (size[1:3] + self.radii[1:3]).sum(axis=0)",
        "widths[0] += size[1:3].sum(axis=0)",
    ),
    spread_of_slopes=("size *= d\n    radius += size", "size *= d"),
    rounding_of_layers=(
        "radii = function.errors_of_products(self.radii, size, ROUNDINGS)",
        "radii = function.sizes(self.radii)",
    ),
)
POLYNOMIALS = [
    *_rows(
        "enclosures/polynomials/polynomial.py",
        "enclosures/test_forms.py",
        "fields/test_polynomial_bounds.py",
        rounding_of_floats=("(noise * function.gamma) * sizes[0], sizes.copy()", "0 * sizes[0], 0 * sizes"),
        rounding_of_coordinates=(
            "noise = (COORDINATE_ROUNDINGS * UNIT_ROUNDOFF) * sizes[0] + TINY",
            "noise = 0 * sizes[0]",
        ),
        radii_of_the_output=("np.abs(c)) + self._output_radii()", "np.abs(c))"),
    ),
    *_rows(
        "enclosures/polynomials/polynomial.py",
        "enclosures/test_interpolation.py",
        rounding_of_the_output=(
            "reach = small_matmul(points.bernstein_errors, np.abs(c)) +",
            "reach = 0 * c[:1] +",
        ),
    ),
    *_rows(
        "enclosures/polynomials/point_form.py",
        "enclosures/test_forms.py",
        "fields/test_polynomial_bounds.py",
        rounding_of_layers_at_points=(
            "radii = (function.sizes(self.radii) + fresh) * UP",
            "radii, fresh = function.sizes(self.radii), 0 * fresh",
        ),
    ),
    *_rows(
        "enclosures/polynomials/backward_pass.py",
        "fields/test_polynomial_bounds.py",
        radii_where_the_pass_ends=("radii if before is None else", "0 * radii if before is None else"),
        errors_of_activations=("self.activation.fresh + np.abs", "0 * self.activation.fresh + np.abs"),
    ),
    *_rows(
        "enclosures/polynomials/polynomial_model.py",
        "enclosures/test_interpolation.py",
        "fields/test_polynomial_bounds.py",
        noise_of_values=("fresh += bounds.points.noise[:, None] * _noise(row, sizes[0])", "pass"),
        width_of_slopes=("fresh += width * errors", "pass"),
        curvature_of_arguments=("fresh[1:] += (extent.curvature * errors[0]) * slopes", "pass"),
    ),
    *_rows(
        "enclosures/interpolation/tails.py",
        "enclosures/test_interpolation.py",
        "fields/test_polynomial_bounds.py",
        what_interpolation_leaves_out=("tail += a[k - 2] * power.min(axis=0)", "pass"),
        strips=(
            "growth = row.growth(z - reach, across, reach, z + reach) * ROOM",
            "growth = row.growth(z + reach, 0 * across, reach, z) * ROOM",
        ),
        coefficients_between_bins=(
            "by_slope = size[k] + (0.5 * (k + 1) * width) * found[k + 1]",
            "by_slope = size[k]",
        ),
        powers_of_the_first_order=("tail = a[0] * power.min(axis=0)", "tail = 0 * a[0]"),
    ),
]
RELAXATIONS = [
    *_rows(
        "enclosures/forms/relaxation.py",
        "enclosures/test_forms.py",
        "enclosures/test_enclosures.py",
        "fields/test_linear_regions.py",
        rounding_of_layers=(
            "errors = function.sizes(self.errors)\n        errors += rounding",
            "errors = function.sizes(self.errors)",
        ),
        errors_of_lines=(
            "line_errors = line.radius + line_errors + UNDERFLOW",
            "line_errors = 0.5 * line.radius",
        ),
    ),
    *_rows(
        "enclosures/forms/relaxation_backward.py",
        "enclosures/test_forms.py",
        "enclosures/test_enclosures.py",
        "fields/test_linear_regions.py",
        slopes_of_lines=("half * along))", "0 * half * along))"),
        middles_of_slopes=("self._center[i] += self._gathered(cell, middle * along[i])", "pass"),
        neglected_terms=(
            "self.neglected += self._gathered(step.cell, (size + UNDERFLOW) * step.line_errors)",
            "pass",
        ),
        rounding_of_gradients=(
            "box = (self._box + UNIT_ROUNDOFF * rounding) * self.up + self.terms * UNDERFLOW",
            "box = 0 * self._box",
        ),
    ),
    *_rows(
        "enclosures/forms/neuron_lines.py",
        "enclosures/test_forms.py",
        "enclosures/test_enclosures.py",
        "fields/test_linear_regions.py",
        sides_of_free_neurons=(
            "touching = function.touches(center, rho)",
            "touching = function.touches(center, 0 * rho)",
        ),
    ),
    *_rows(
        "enclosures/forms/zonotope.py",
        "enclosures/test_zonotope.py",
        edges_beyond_a_direction=(
            "across = np.abs(self._across(d)).sum(axis=-1)\n        whole",
            "across = np.abs(self._across(d).sum(axis=-1))\n        whole",
        ),
        boxes_beyond_a_direction=("(size * self.box).sum(axis=0)", "0.0"),
        rounding_of_a_direction=(
            "return along > reach + 8 * UNIT_ROUNDOFF * whole + UNDERFLOW",
            "return along > reach / self._up",
        ),
    ),
    *_rows(
        "fields/networks/kink_cases.py",
        "fields/test_linear_regions.py",
        "atlas/test_charts.py",
        the_other_side_of_a_kink=(
            "side = np.stack([first[row, longest], last[row, longest]])",
            "side = np.stack([first[row, longest], first[row, longest]])",
        ),
        gradients_of_all_cases=(
            "direction(gradient[case * k + np.arange(k)])",
            "direction(gradient[(0 * case) * k + np.arange(k)])",
        ),
        values_of_all_cases=("return low.min(axis=0), high.max(axis=0),", "return low[0], high[0],"),
    ),
]
CELLS = [
    *_rows(
        "fields/field.py",
        "atlas/test_paving.py",
        cells_where_F_is_not_defined=(
            "empty = self.defined & ((self.lower > 0) | (self.upper < 0))",
            "empty = (self.lower > 0) | (self.upper < 0)",
        ),
        slopes_where_F_is_not_defined=(
            "rising = (self.gradient_lower > 0) & self.defined[:, None]",
            "rising = self.gradient_lower > 0",
        ),
        directions_of_nan=(
            "known = self.defined & np.isfinite(self.directions).all(axis=1)",
            "known = np.isfinite(self.directions).all(axis=1)",
        ),
    ),
    *_rows(
        "atlas/cells/paving.py",
        "atlas/test_gates.py",
        "atlas/test_paving.py",
        unprocessed_cells=("        unprocessed.shares,\n", "        unprocessed.shares[:0],\n"),
        unresolvable_cells=(
            "        found.unresolvable,\n        unprocessed",
            "        found.unresolvable[:0],\n        unprocessed",
        ),
    ),
    *_rows(
        "atlas/cells/subdivision.py",
        "atlas/test_gates.py",
        "atlas/test_paving.py",
        cells_that_wait_at_the_end=(
            "return classified, joined([queue[start:], *further]), cells\n            try:",
            "return classified, joined(further or [queue[:0]]), cells\n            try:",
        ),
    ),
    *_rows(
        "atlas/cells/coarsening.py",
        "atlas/test_gates.py",
        slopes_of_all_tiles=("* (np.abs(sums) == number[:, None])", "* (np.abs(sums) >= 1)"),
        parts_that_are_no_tiles=(
            "whole = number + np.bincount(empty_of, minlength=self._number) == np",
            "whole = number <= np",
        ),
        parts_with_other_classes=("whole &= _of_two_classes(pair, classes, of, winner, empty_of)", "pass"),
    ),
]
CROSSINGS = [
    *_rows(
        "atlas/edges/roots.py",
        "atlas/test_gates.py",
        "atlas/test_edges.py",
        undecided_signs=(
            "unsigned = low * high < 0, (low == 0) | (high == 0)",
            "unsigned = low * high < 0, (low == 0) & (low != 0)",
        ),
        signs_that_are_guessed=(
            "return np.where(low > 0, high, np.where(high < 0, low, 0.0))",
            "return 0.5 * (low + high)",
        ),
        unprocessed_pieces=(
            "for _, unresolvable in classified), unprocessed, brackets",
            "for _, unresolvable in classified), brackets",
        ),
        pieces_that_are_only_rounding=("(parts[steady], parts[unresolvable])", "(parts[steady], parts[:0])"),
        budgets=("cells, len(unprocessed) > 0\n", "cells, False\n"),
        brackets_without_signs=("good &= (above >= high[open_]) | (after == direction)", "pass"),
        rounding_of_error_bounds=(
            "bound = np.maximum(ends[1] - t, t - ends[0]) * (1 + ROUNDING)",
            "bound = 0.4 * (ends[1] - ends[0])",
        ),
    ),
    *_rows(
        "atlas/edges/crossings.py",
        "atlas/test_gates.py",
        "atlas/test_edges.py",
        hanging_nodes=(
            "longer = (before >= 0) & (stop[before] - start[before] > stop - start)",
            "longer = before < -1",
        ),
        sides_of_the_box=(
            "inner, longer, last, first = map(np.flatnonzero, (after >= 0, longer, exit_ == 1, entry == 0))",
            "inner, longer, last, first = map(np.flatnonzero, (after >= 0, longer, exit_ == 1, entry == 2))",
        ),
        slopes_of_another_axis=(
            "slopes[side[tile], edges.axis[tile]] != 0",
            "slopes[side[tile], 1 - edges.axis[tile]] != 0",
        ),
        sides_with_undecided_pieces=(
            "Sides(edges.axis[undecided], edges.before[undecided], edges.after[undecided]),",
            "Sides(edges.axis[:0], edges.before[:0], edges.after[:0]),",
        ),
    ),
]
CHARTS = [
    *_rows(
        "atlas/charts.py",
        "atlas/test_gates.py",
        "atlas/test_charts.py",
        odd_pairings=("broken |= np.bincount(chart[single], minlength=charts) > allowed", "pass"),
        undecided_sides=("broken[side[is_chart(side, charts)]] = True", "pass"),
        order_of_crossings=("broken[chart[1:][same & ~(high[:-1] <= low[1:])]] = True", "pass"),
        closed_chains=("closed = first != NONE", "closed = first == first"),
    ),
    *_rows(
        "atlas/charts.py",
        "atlas/test_charts.py::test_the_coordinate_across_is_bounded",
        rounding_across_a_direction=("ROUNDING * (np.abs(a) + np.abs(b)) + UNDERFLOW, 0.0)", "0.0, 0.0)"),
    ),
    *_rows(
        "atlas/atlas.py",
        "atlas/test_gates.py",
        budgets_of_the_paving=("return self.paving.exhausted or any(", "return any("),
        budgets_of_the_crossings=(
            " or any(sheet.crossings.exhausted for sheet in self.sheets.values())\n\n    @property",
            "\n\n    @property",
        ),
        broken_charts=(
            "decided = not (len(self.undecided) or len(self.between))",
            "decided = not (len(self.paving.undecided) or len(self.between))",
        ),
        boxes_that_may_differ=(
            "decided = not (len(self.undecided) or len(self.between))",
            "decided = not len(self.undecided)",
        ),
        junctions_that_are_not_proven=("broken |= (ends > 0) & (ends < 3)", "pass"),
        junctions_that_are_not_found=("broken[at[~found]] = True", "pass"),
    ),
    *_rows(
        "boundaries/proving.py",
        "atlas/test_gates.py",
        curves_that_a_budget_ended=(
            "status = Status.BUDGET_EXHAUSTED if cut_short else atlas.status",
            "status = atlas.status",
        ),
        numbers_that_are_not_finite=("if not all(curve.proven for curve in curves):", "if False:"),
    ),
    *_rows(
        "boundaries/proving.py",
        "boundaries/test_plain_values.py",
        values_that_contradict=("        compare_atlas(field, atlas)\n", "        pass\n"),
    ),
    *_rows(
        "curves/arcs/error_bounds.py",
        "atlas/test_gates.py",
        "atlas/test_charts.py",
        points_outside_the_slab=(
            "proven = inside & (signs == np.array([[-1], [1]]))",
            "proven = signs == np.array([[-1], [1]])",
        ),
        signs_of_error_bounds=("proven = inside & (signs == np.array([[-1], [1]]))", "proven = inside"),
        lines_that_start_outside=(
            "proven = (proven | ~inside) & slab.hold(here)",
            "proven = proven | ~inside",
        ),
    ),
]
CLASSES = [
    *_rows(
        "atlas/classes/margins.py",
        "atlas/test_gates.py",
        "boundaries/test_partition.py",
        order_where_nothing_is_defined=(
            "return np.where(found.defined, np.where(first, sign, -sign), 0).astype(np.int8)",
            "return np.where(first, sign, -sign).astype(np.int8)",
        ),
        order_of_a_pair=(
            "return np.where(found.defined, np.where(first, sign, -sign), 0)",
            "return np.where(found.defined, sign, 0)",
        ),
    ),
    *_rows(
        "atlas/classes/candidates.py",
        "atlas/test_gates.py",
        "boundaries/test_partition.py",
        candidates_that_may_win=(
            "first_above, first_below = found.defined & (found.lower > 0), found",
            "first_above, first_below = found.defined & (found.lower + found.upper > 0), found",
        ),
    ),
    *_rows(
        "atlas/classes/junctions.py",
        "atlas/test_gates.py",
        "boundaries/test_partition.py",
        determinants=("return _outward(low - up, high - down)", "return low - down, high - up"),
        charts_of_three=("return charts & ((turn[0] > 0) | (turn[1] < 0)), slopes", "return charts, slopes"),
        errors_of_junctions=("reach * UP + UNDERFLOW, np.nan)", "0.1 * reach, np.nan)"),
    ),
    *_rows(
        "atlas/sheet.py",
        "atlas/test_gates.py",
        "boundaries/test_partition.py",
        third_classes_that_may_win=("unknown[some[order == 0]] = True", "pass"),
        third_classes_above=("kept[some[order < 0]] = False", "pass"),
    ),
    *_rows(
        "atlas/classes/collar.py",
        "atlas/test_collar.py",
        neighbours_that_turn=("return open_ | turns | np.roll(turns, 1)", "return open_"),
        pieces_without_a_sign=(
            "open_ = (self.candidates.sum(axis=1) > 1) & (self.sign == 0)\n        same",
            "open_ = self.candidates.sum(axis=1) > 9\n        same",
        ),
        cones=(
            "in_cone[run] = any(is_cone(exact, x, *_corners(around)) for x in tried)",
            "in_cone[run] = True",
        ),
    ),
]
ARITHMETIC = [
    *_rows(
        "enclosures/cores.py",
        "enclosures/test_cores.py",
        the_arithmetic_of_a_thread=("if is_helper and flaw() is not None:", "if False:"),
        errors_of_a_thread=("if self._errors:", "if False:"),
        the_deadline_in_a_thread=(
            "target=copy_context().run, args=(self._help,",
            "target=lambda help, errors: help(errors), args=(self._help,",
        ),
    ),
    *_rows(
        "enclosures/arithmetic.py",
        "enclosures/test_arithmetic.py",
        the_environment=("if not (nearest and even):", "if False:"),
        subnormal_numbers=("if _SMALL * _SMALL == 0 or _SUBNORMAL * _LARGE != _PRODUCT:", "if False:"),
        an_environment_that_changes=("wrong = wrong or flaw()", "pass"),
        the_previous_environment=("_c_library().fesetenv(before)\n\n\ndef in", "pass\n\n\ndef in"),
        refusals=("    if CALL.depth:\n        return result\n", "    return result\n"),
    ),
]
FILES = [
    *_rows(
        "boundaries/columns.py",
        "boundaries/test_boundary_files.py",
        the_digest=(
            "if arrays.pop(DIGEST).ravel().tolist() != [digest(arrays)]:",
            "if arrays.pop(DIGEST) is None:",
        ),
        versions=("if written_by != [version]:", "if written_by is None:"),
    ),
    *_rows(
        "boundaries/archive.py",
        "boundaries/test_many.py",
        problems_of_a_sweep=('if problem is not None and a["problem"].item() != problem:', "if False:"),
    ),
    *_rows(
        "boundaries/consistency.py",
        "boundaries/test_boundary_files.py",
        the_cover_of_the_box=("yield abs(area - 1) <= SLACK,", "yield True,"),
        signs_in_empty_cells=("        not both,\n", "        True,\n"),
        roots_near_points=("        not without,\n", "        True,\n"),
        crossings_on_curves=("yield not len(unmatched),", "yield True,"),
    ),
]
MODELS = [
    *_rows(
        "fields/networks/layer.py",
        "fields/test_radii.py",
        "fields/test_network.py::test_the_exact_weights_of_a_margin_on_a_plane_lie_within_the_radii",
        "fields/test_network.py::test_the_exact_folded_weights_lie_within_the_radii",
        "fields/test_network.py::test_the_exact_shift_of_a_level_lies_within_the_radius",
        radii_of_planes=("b, radius[:, :2], s)", "b, 0 * radius[:, :2], 0 * s)"),
        radii_of_margins=(
            "return Layer(W, b, activation, weight_radius=r, bias_radius=s)",
            "return Layer(W, b, activation)",
        ),
        radii_of_levels=(
            "weight_radius=row.weight_radius, bias_radius=s)",
            "weight_radius=row.weight_radius)",
        ),
        radii_at_points=(
            "radius = self.affine.errors_of_products(radius, np.abs(x) + radius)",
            "radius = 0 * self.affine.sizes(radius)",
        ),
    ),
    *_rows(
        "fields/networks/network.py",
        "fields/test_network.py::test_the_exact_shift_of_a_level_lies_within_the_radius",
        inverse_activations=(
            "radius = 0.0 if exact else INVERSE_ULPS",
            "radius = 0.0 if True else INVERSE_ULPS",
        ),
    ),
    *_rows(
        "fields/networks/probabilities.py",
        "fields/test_radii.py",
        log_odds=("return amount, LOG_ODDS_ULPS * UNIT_ROUNDOFF", "return amount, 0 * UNIT_ROUNDOFF"),
    ),
    *_rows(
        "fields/networks/active_neurons.py",
        "fields/test_radii.py",
        constants_of_a_plane=(
            "value, error = (part[0] for part in bounds.at(value[None], error[None]))",
            "value, error = bounds.at(value[None], error[None])[0][0], 0 * error",
        ),
    ),
    *_rows(
        "fields/kernels/gaussians.py",
        "fields/test_kernel.py",
        "enclosures/test_univariate.py",
        rounding_of_exponentials=("(growth + EXP_ROUNDINGS * UNIT_ROUNDOFF)", "(growth)"),
        remainders=("* np.where(z[2] > 0, 0.5, rho / 6)", "* np.where(z[2] > 0, 0.05, rho / 60)"),
        radii_of_exponents=(
            "return Quadratics(p, m * factors, radii * -factors)",
            "return Quadratics(p, m * factors, 0 * radii)",
        ),
    ),
]
NEAREST = _rows(
    "curves/nearest/discs.py",
    "curves/test_nearest.py",
    undecided_cells_in_a_disc=(
        "clear[part] = ~_meets(metric, undecided, x, r).any(axis=1)",
        "clear[part] = True",
    ),
    losses_by_gradients=("+ np.abs(factor) * self.G_radius)", ")"),
    budgets=("failed |= processed > MOST_CELLS", "some = some[: max(0, MOST_CELLS - processed.max())]"),
)
LINES = _rows(
    "boundaries/solving.py",
    "boundaries/test_solving.py",
    ends_of_a_line=("unclear |= across & (sign == 0 and not _is_zero(field.field, end[0]))", "pass"),
    undecided_pieces=("complete = not len(undecided) and bool", "complete = bool"),
    rounding_of_bounds=(
        "bound = np.maximum(above - t, t - below) / box.sides[along] * UP",
        "bound = 0 * t",
    ),
)

ALL = [
    *ROUNDING,
    *AFFINE,
    *ACTIVATIONS,
    *SIGMOIDS,
    *SMOOTH_ACTIVATIONS,
    *KINKS,
    *ELEMENTARY,
    *TAYLOR,
    *FORMULAS,
    *SEAMS,
    *SIGNS,
    *EXPRESSIONS,
    *GUARDS,
    *MONOMIALS,
    *ZOOMS,
    *GAPS,
    *MEAN_VALUES,
    *POLYNOMIALS,
    *RELAXATIONS,
    *CELLS,
    *CROSSINGS,
    *CHARTS,
    *CLASSES,
    *ARITHMETIC,
    *FILES,
    *MODELS,
    *NEAREST,
    *LINES,
]
