"""The linked explorer for notebooks."""

from pareto_explorer.notebook.explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
