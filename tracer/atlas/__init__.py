"""Where the boundary can be, cell by cell, and what is proven about it."""
