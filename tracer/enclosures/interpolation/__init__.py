"""Interpolation on a cell: Padua points, and what a polynomial through them leaves out."""
