"""The registered methods that weigh more than two objectives."""

from __future__ import annotations

from dataclasses import replace

from pareto_explorer.unlearning import methods
from pareto_explorer.unlearning.core.knobs import (
    Entry,
    Knob,
    above_zero,
    below_one,
    fraction,
    not_negative,
    one_of,
    table,
    whole_above_zero,
)
from pareto_explorer.unlearning.methods.calibrated import TRIPLE_AGGREGATORS
from pareto_explorer.unlearning.tables.optimiser import optimiser

__all__ = ["ENTANGLED"]


def _phased(knob: Knob) -> Knob:
    """Says what the optimiser's knobs mean where forgetting and repair have their own."""
    match knob.name:
        case "lr":
            return replace(knob, summary="learning rate of the forgetting phase, constant")
        case "optimizer":
            return replace(knob, default="adamw", summary="of the forgetting phase: sgd or adamw")
        case "weight_decay":
            return replace(knob, default=0.0, summary="decay in the forgetting phase")
        case "batch_norm":
            return replace(knob, default="frozen")
        case "momentum":
            return replace(knob, summary="momentum of the repair, and of sgd")
    return knob


ENTANGLED = table(
    Entry(
        "entanglement",
        methods.Entanglement,
        (
            *map(_phased, optimiser(0.001, [0.0003, 0.01])),
            Knob(
                "repair_lr",
                0.0005,
                {"loguniform": [0.0002, 0.001]},
                "learning rate of the repair, constant",
                above_zero,
            ),
            Knob(
                "forget_share",
                0.5,
                {"uniform": [0.2, 0.8]},
                "share of the steps that forget; the rest repair",
                fraction,
            ),
            Knob("ascent", 1.0, None, "weight of the forget loss while forgetting", above_zero),
            Knob("penalty", 10.0, None, "how hard the remote loss is held", not_negative),
            Knob("clip", 10.0, None, "cross-entropy beyond which nothing forgets", above_zero),
            Knob(
                "wasserstein",
                0.5,
                {"uniform": [0.0, 1.0]},
                "share of the distance to the forgotten model in what repair protects",
                fraction,
            ),
            Knob(
                "batches",
                10,
                None,
                "most batches per gradient that the repair must not follow",
                whole_above_zero,
            ),
        ),
        "Forgets against the remote retain set, then repairs the adjacent one by projected steps;"
        " needs a task with an adjacent set.",
        "Cheng et al., arXiv 2603.26569, algorithm 1",
    ),
    Entry(
        "raul_calibrated",
        methods.RAULCalibrated,
        (
            *optimiser(0.1, [0.01, 0.3]),
            Knob(
                "triple_aggregator",
                "upgrad",
                None,
                f"one of {', '.join(TRIPLE_AGGREGATORS)}",
                one_of(tuple(TRIPLE_AGGREGATORS)),
            ),
            Knob(
                "smoothing",
                0.15,
                {"uniform": [0.05, 0.9]},
                "share of the other classes in the calibration target",
                below_one,
            ),
            Knob(
                "confidence_penalty",
                0.1,
                None,
                "weight of the mean largest probability in the calibration",
                not_negative,
            ),
        ),
        "Descends on the retain loss, KL(p‖U) and a calibration loss on the forget set at once.",
        "RAUL, Khosrowshahi et al., arXiv 2606.00399 (UniDist_Calib in its code)",
    ),
)
