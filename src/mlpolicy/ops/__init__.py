"""A port to look at: what a service does under its policy, for people and for scrapers."""
