"""Files: what reading one may cost, and how one is written."""
