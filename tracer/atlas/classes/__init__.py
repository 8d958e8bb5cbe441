"""The atlas of several classes: candidates for the argmax, charts of pairs, junctions."""
