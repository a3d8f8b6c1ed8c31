"""A small service that reads handwritten digits, and a demo that runs it under a policy."""
