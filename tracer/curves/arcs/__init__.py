"""The arcs of an atlas, followed all at once and assembled into curves."""
