"""Original and retrained models."""
