"""The linked explorer for notebooks: what is selected in the picture comes back to Python.

>>> from pareto_explorer.notebook import explore
>>> explorer = explore("runs/digits")
>>> explorer.show_axes("test_accuracy", "samples")
>>> len(explorer.selected) > 0
True

| to | there is |
|---|---|
| show a run | ``explore`` |
| read and change what is shown | ``Explorer`` |
"""

from pareto_explorer.notebook.explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
