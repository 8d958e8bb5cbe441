"""A page to play with: the boundary is traced again for the window one zooms to, and for the weights one drags."""
