"""The box cut into cells until each is empty, a chart or at the resolution limit."""
