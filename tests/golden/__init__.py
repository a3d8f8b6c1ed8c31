"""What `validate` found before the house was rebuilt."""
