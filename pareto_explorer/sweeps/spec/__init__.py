"""The search-space file."""
