"""What a function can be on a cell: bounds that floating-point rounding cannot break."""
