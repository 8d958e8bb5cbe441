"""Other people's networks, read into ours."""
