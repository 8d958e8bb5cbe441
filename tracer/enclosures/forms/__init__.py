"""A network on a cell: mean-value and Taylor forms, with ranges for formulas; relaxations, zonotopes."""
