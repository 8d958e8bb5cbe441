"""An interactive page: boundaries are traced again whenever a visitor zooms or drags a weight."""
