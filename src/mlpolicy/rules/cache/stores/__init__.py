"""Where entries are kept: one file per place."""
