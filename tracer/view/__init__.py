"""Pictures of boundaries and partitions, and their export to files."""
