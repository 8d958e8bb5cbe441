"""Many boundaries: problems handed to workers, outcomes kept in a folder."""
