"""Curves without a proof: from a seed by a walk, or from roots on a lattice."""
