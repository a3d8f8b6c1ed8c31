"""The checks of a value, one file for each sort of value."""
