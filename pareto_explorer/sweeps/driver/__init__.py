"""What drives a sweep and records it."""
