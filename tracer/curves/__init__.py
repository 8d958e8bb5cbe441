"""Curves of the boundary: how they are followed, and the curve as the result."""
