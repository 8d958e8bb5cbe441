"""Networks as fields: layers, activations, bounds on cells, linear regions."""
