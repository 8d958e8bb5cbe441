"""Kernel models as fields: sums of Gaussians or of powers."""
