"""Graphs of affine maps and activations, lowered to a chain of layers."""
