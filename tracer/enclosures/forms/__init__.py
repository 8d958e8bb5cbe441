"""A network on a cell: mean-value, Taylor and polynomial forms, relaxations, zonotopes; and at points."""
