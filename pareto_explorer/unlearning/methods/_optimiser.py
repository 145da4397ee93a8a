"""The knobs that all methods with an optimiser share."""

from __future__ import annotations

from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    above_zero,
    below_one,
    not_negative,
    one_of,
)
from pareto_explorer.unlearning.methods._descent import BATCH_NORM_POLICIES, OPTIMIZERS

__all__ = ["optimiser"]


def optimiser(lr: list[float], course: str = "constant") -> dict[str, KnobSpec]:
    """Describes the knobs of every method that takes gradient steps.

    Args:
        lr: Bounds between which the learning rate is sampled, log-uniformly.
        course: How it changes during a run.
    """
    return {
        "lr": KnobSpec({"loguniform": lr}, f"learning rate, {course}", above_zero),
        "optimizer": KnobSpec(None, "sgd or adamw", one_of(OPTIMIZERS)),
        "momentum": KnobSpec(None, "momentum of sgd", below_one),
        "weight_decay": KnobSpec(None, "decay of all parameters", not_negative),
        "batch_norm": KnobSpec(
            None,
            "batch: batch statistics, running ones move; frozen: neither",
            one_of(BATCH_NORM_POLICIES),
        ),
    }
