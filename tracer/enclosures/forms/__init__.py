"""A network on a cell: mean-value and Taylor forms, linear relaxations, zonotopes."""
