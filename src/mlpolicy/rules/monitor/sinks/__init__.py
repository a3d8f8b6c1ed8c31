"""Where numbers and events go."""
