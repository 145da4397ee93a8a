"""One point run again, and a model exported."""
