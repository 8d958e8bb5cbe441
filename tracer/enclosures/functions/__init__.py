"""Functions of one variable on an interval: ranges, slopes, supporting lines."""
