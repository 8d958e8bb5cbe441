"""Zeros of functions of numbers: of one unknown in brackets, and of two equations in two unknowns."""
