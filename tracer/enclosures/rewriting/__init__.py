"""A formula rewritten: to one with narrower bounds, or to another with the same sign everywhere."""
