"""A callable on a cell: NumPy's functions applied to forms instead of arrays."""
