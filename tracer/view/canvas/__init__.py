"""Axes to draw on: room, colours, artists that adapt to their axes, and images."""
