"""A small service, written as people write them; it knows nothing of policies."""
