"""Run directories in storage."""
