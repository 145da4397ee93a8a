"""What a running sweep tells."""
