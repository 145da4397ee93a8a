"""Methods: whole unlearning procedures, one a file.

A :class:`Method` is a generator of models: it unlearns in place and yields the model whenever it
should be evaluated. Most derive from :class:`GradientMethod`, which takes optimiser steps along
gradients that a subclass computes; some edit the weights once (:class:`OneShot`).

>>> from dataclasses import dataclass
>>> from pareto_explorer.unlearning.methods import OneShot
>>> @dataclass(frozen=True, kw_only=True)
... class Shrink(OneShot):
...     factor: float = 0.9
...     def edit(self, run):
...         for parameter in run.parameters:
...             parameter.data.mul_(self.factor)
>>> Shrink(factor=0.5)
Shrink(factor=0.5)

| name | what it is |
|---|---|
| :class:`Method` | what every method is |
| :class:`Demanding` | a method that asks something of the data before a sweep starts |
| :class:`GradientMethod` | a method with an optimiser, along gradients of its own |
| :class:`Setting` | one run of a gradient method |
| :class:`OneShot` | one edit of the weights, without an optimiser |
| :class:`Edit` | one run of a one-shot method |

Every module whose name does not start with ``_`` is the home of a method: its class, and in
``ENTRIES`` its name in a search space, its knobs and its source. To add one is to add such a
module; ``pareto-explorer list methods`` shows them all.
"""

from __future__ import annotations

from pareto_explorer.unlearning.methods._descent import Demanding, GradientMethod, Method, Setting
from pareto_explorer.unlearning.methods._one_shot import Edit, OneShot

__all__ = ["Demanding", "Edit", "GradientMethod", "Method", "OneShot", "Setting"]
