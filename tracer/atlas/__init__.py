"""Where the boundary can be, cell by cell, and what is certain about it."""
