"""Readers of networks from other libraries and from files."""
