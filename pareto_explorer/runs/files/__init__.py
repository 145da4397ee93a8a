"""Files of a run, here or in storage."""
