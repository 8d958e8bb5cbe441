"""A page to play with: boundaries are traced again for the window one zooms to and the weights one drags."""
