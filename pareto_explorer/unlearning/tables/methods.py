"""The registered methods."""

from __future__ import annotations

from pareto_explorer.unlearning import methods
from pareto_explorer.unlearning.core.knobs import (
    Entry,
    Knob,
    absent_or_fraction,
    one_of,
    table,
    true_or_false,
)
from pareto_explorer.unlearning.methods.jacobian_descent import GRANULARITIES
from pareto_explorer.unlearning.tables.optimiser import optimiser

__all__ = ["METHODS"]

_SPARSE = "Jia et al., arXiv 2304.04934 (baselines)"


METHODS = table(
    Entry(
        "jacobian_descent",
        methods.JacobianDescent,
        (
            *optimiser(0.03, [0.003, 0.3]),
            Knob(
                "granularity",
                "full",
                None,
                "full: one pair of weights; layer: one for each parameter tensor",
                one_of(GRANULARITIES),
            ),
            Knob(
                "saliency",
                None,
                None,
                "fraction of the weights that may move, by forget gradient; null: all",
                absent_or_fraction,
            ),
            Knob(
                "auto_lr",
                False,
                None,
                "whether lr is only the start: every tenth step it is fitted to the retain loss",
                true_or_false,
            ),
        ),
        "Steps along an aggregate of the retain and the forget gradient.",
        "Quinton and Rey, arXiv 2406.16232; RAUL, Khosrowshahi et al., arXiv 2606.00399",
        frozenset({"aggregator", "forget_loss"}),
    ),
    Entry(
        "fine_tune",
        methods.FineTune,
        optimiser(0.1, [0.01, 0.3]),
        "Trains on with the retain set only.",
        _SPARSE,
    ),
    Entry(
        "gradient_ascent",
        methods.GradientAscent,
        optimiser(0.001, [0.0003, 0.01]),
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
