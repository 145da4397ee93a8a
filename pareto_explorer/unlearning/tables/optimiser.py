"""The knobs that all methods with an optimiser share."""

from __future__ import annotations

from pareto_explorer.unlearning.core.knobs import Knob, above_zero, below_one, not_negative, one_of
from pareto_explorer.unlearning.methods._descent import BATCH_NORM_POLICIES, OPTIMIZERS

__all__ = ["optimiser"]


def optimiser(lr: float, domain: list[float], course: str = "constant") -> tuple[Knob, ...]:
    """Lists the knobs of every method that takes gradient steps.

    Args:
        lr: Default learning rate.
        domain: Bounds between which it is sampled, log-uniformly.
        course: How it changes during a run.
    """
    return (
        Knob("lr", lr, {"loguniform": domain}, f"learning rate, {course}", above_zero),
        Knob("optimizer", "sgd", None, "sgd or adamw", one_of(OPTIMIZERS)),
        Knob("momentum", 0.9, None, "momentum of sgd", below_one),
        Knob("weight_decay", 5e-4, None, "decay of all parameters", not_negative),
        Knob(
            "batch_norm",
            "batch",
            None,
            "batch: batch statistics, running ones move; frozen: neither",
            one_of(BATCH_NORM_POLICIES),
        ),
    )
