"""Looking at a boundary, and taking it away as a file."""
