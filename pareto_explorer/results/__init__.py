"""Runs in Python: loaded, and put together."""
