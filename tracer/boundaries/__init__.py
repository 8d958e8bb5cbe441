"""The whole answer: all curves in a box, with their certificate."""
