"""The sides of cells, and the roots of F on them."""
