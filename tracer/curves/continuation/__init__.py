"""One curve from a seed: a walk of the chart ODE, corrected at every step."""
