"""The page of runs while it is open: served on this machine, and kept up to date.

| to | there is |
|---|---|
| serve runs until a signal comes | ``serve`` |
"""

from pareto_explorer.serving.server import serve

__all__ = ["serve"]
