"""Following the boundary: seeds, predictor and corrector, and the curve that comes of it."""
