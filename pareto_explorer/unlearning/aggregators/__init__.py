"""Aggregators: how two gradients become one step, one rule a file.

With two objectives every rule is one in a plane. A :class:`Weighting` needs no more than the 2×2
Gramian of the retain and the forget gradient; a :class:`Rule` sees more of a :class:`Step`: the
losses, the gradients themselves, other batches, or the losses once the step is taken. Either gives
the weights of the two gradients:

>>> import torch
>>> from pareto_explorer.unlearning import AGGREGATORS
>>> gramian = torch.tensor([[4.0, -1.0], [-1.0, 1.0]])  # ‖g_r‖² = 4, ‖g_f‖² = 1: they conflict
>>> AGGREGATORS["upgrad"].build(preference=0.5)(gramian)
tensor([0.6250, 1.0000])

| name | what it is |
|---|---|
| :class:`Weighting` | an aggregator that maps Gramians to weights |
| :class:`Rule` | an aggregator that sees a whole step, and what comes after it |
| :class:`Step` | losses, Gramian and gradients of one step |
| :class:`Descent` | the run that a rule takes part in: fresh batches, losses again, the ledger |
| :class:`TrackedRetain` | any weighting, on a moving average of the retain gradient |

Every module whose name does not start with ``_`` is the home of an aggregator: its class, and in
``ENTRIES`` its name in a search space, its knobs and its source. To add one is to add such a
module; ``pareto-explorer list aggregators`` shows them all.

Those of torchjd 0.18 are here under their own names, but for these:

- ``Constant`` is ``weighted_sum``, and ``Sum`` is ``mean`` at twice the learning rate.
- ``Random`` draws weights anew in every step: ``mean`` with more noise, no trade-off of its own.
- ``Krum`` needs at least three gradients, of which it drops some as faulty.
- ``TrimmedMean`` drops the largest and the smallest entry of each coordinate: of two, nothing
  would be left, and without dropping it is ``mean``.
"""

from __future__ import annotations

from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.aggregators._tracked_retain import TrackedRetain
from pareto_explorer.unlearning.aggregators._weighting import Weighting

__all__ = ["Descent", "Rule", "Step", "TrackedRetain", "Weighting"]
