"""What is registered under which name.

Of the aggregators and scalarisers of torchjd 0.18, all that differ for two objectives have a name
here, most of them their own. ``Constant`` is ``weighted_sum``, ``Sum`` is ``mean`` at twice the
learning rate. Three have none:

- ``Random``, weights drawn anew in every step, is ``mean`` with more noise: no trade-off of its own.
- ``Krum`` needs at least three gradients, of which it drops some as faulty.
- ``TrimmedMean`` drops the largest and the smallest entry of each coordinate: of two, nothing
  would be left, and without dropping it is ``mean``.
"""

from pareto_explorer.unlearning.tables import (
    baselines,
    entangled,
    forget_losses,
    methods,
    one_shot,
    rules,
    weightings,
)

__all__ = ["FORGET_LOSSES", "METHODS", "WEIGHTINGS"]

FORGET_LOSSES = forget_losses.FORGET_LOSSES
METHODS = methods.METHODS | baselines.BASELINES | one_shot.ONE_SHOT | entangled.ENTANGLED
WEIGHTINGS = weightings.WEIGHTINGS | rules.RULES
