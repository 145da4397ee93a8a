"""Topics of generated sentences."""
