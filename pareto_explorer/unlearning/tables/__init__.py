"""What is registered under which name."""

from pareto_explorer.unlearning.tables.forget_losses import FORGET_LOSSES
from pareto_explorer.unlearning.tables.methods import METHODS
from pareto_explorer.unlearning.tables.weightings import WEIGHTINGS

__all__ = ["FORGET_LOSSES", "METHODS", "WEIGHTINGS"]
