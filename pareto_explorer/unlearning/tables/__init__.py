"""What is registered under which name.

The aggregators and scalarisers of torchjd 0.18 are here under their own names, but for these:

- ``Constant`` is ``weighted_sum``, and ``Sum`` is ``mean`` at twice the learning rate.
- ``Random`` draws weights anew in every step: ``mean`` with more noise, no trade-off of its own.
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
