"""Many boundaries: problems submitted to workers, outcomes stored in a folder."""
