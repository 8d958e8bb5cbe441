"""The regions of several classes and the borders between them."""
