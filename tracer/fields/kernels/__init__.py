"""Kernel models as fields: sums of Gaussians."""
