"""A user's callable: how it is called, and its derivatives if it is no formula."""
