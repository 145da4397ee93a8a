"""What is to be forgotten."""
