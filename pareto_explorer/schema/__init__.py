"""What the columns of a run mean: metrics, statuses, names."""
