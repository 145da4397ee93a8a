"""The linked explorer for notebooks."""
