"""What is registered under which name."""

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
