"""The Ray cluster: joined, filled, shipped to."""
