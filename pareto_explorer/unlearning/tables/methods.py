"""The registered methods."""

from __future__ import annotations

from pareto_explorer.unlearning import methods
from pareto_explorer.unlearning.checks import above_zero, below_one, not_negative, one_of
from pareto_explorer.unlearning.entries import Entry, Knob, table
from pareto_explorer.unlearning.methods.descent import BATCH_NORM_POLICIES, OPTIMIZERS

__all__ = ["METHODS"]

_SPARSE = "Jia et al., arXiv 2304.04934 (baselines)"


def _optimiser(lr: float, domain: list[float]) -> tuple[Knob, ...]:
    return (
        Knob("lr", lr, {"loguniform": domain}, "learning rate, constant", above_zero),
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


METHODS = table(
    Entry(
        "jacobian_descent",
        methods.JacobianDescent,
        _optimiser(0.03, [0.003, 0.3]),
        "Steps along an aggregate of the retain and the forget gradient.",
        "Quinton and Rey, arXiv 2406.16232; RAUL, Khosrowshahi et al., arXiv 2606.00399",
        frozenset({"aggregator", "forget_loss"}),
    ),
    Entry(
        "fine_tune",
        methods.FineTune,
        _optimiser(0.1, [0.01, 0.3]),
        "Trains on with the retain set only.",
        _SPARSE,
    ),
    Entry(
        "gradient_ascent",
        methods.GradientAscent,
        _optimiser(0.001, [0.0003, 0.01]),
        "Ascends on the cross-entropy of the forget set only.",
        _SPARSE,
    ),
    Entry(
        "none",
        methods.DoNothing,
        (),
        "Returns the original model: the do-nothing control.",
        "-",
    ),
)
