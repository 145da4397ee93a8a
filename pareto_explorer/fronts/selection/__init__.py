"""The model that fits a tolerance."""
