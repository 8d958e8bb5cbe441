"""Readers of torch modules as networks, or as functions."""
