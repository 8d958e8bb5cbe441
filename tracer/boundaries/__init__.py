"""Complete results: all curves in a box, with their certificate."""
