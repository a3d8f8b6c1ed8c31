"""Located nodes become policies: every key known, every value of its type, each with its place."""
