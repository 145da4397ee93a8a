"""The registered baselines that edit, negate or relabel."""

from __future__ import annotations

from typing import cast

from pareto_explorer.unlearning import methods
from pareto_explorer.unlearning.core.knobs import (
    Entry,
    Knob,
    above_zero,
    not_negative,
    table,
    whole_above_zero,
    whole_number,
)
from pareto_explorer.unlearning.tables.optimiser import optimiser

__all__ = ["ONE_SHOT"]

_BOUNDARY = "Boundary unlearning, Chen et al., arXiv 2303.11570"


def _scale(default: float, domain: list[float]) -> Knob:
    return Knob(
        "scale",
        default,
        {"loguniform": domain},
        "how far to go against the task vector",
        above_zero,
    )


def _fisher_samples(default: int) -> Knob:
    return Knob(
        "fisher_samples",
        default,
        None,
        "retain samples in the Fisher matrix",
        whole_above_zero,
    )


def _absent_or_whole(value: object) -> str | None:
    wanted = whole_above_zero(value)
    return None if value is None or wanted is None else f"{wanted} or null"


def _at_least_one(value: object) -> str | None:
    good = above_zero(value) is None and cast("float", value) >= 1
    return None if good else "a number of at least 1"


ONE_SHOT = table(
    Entry(
        "boundary_shrink",
        methods.BoundaryShrink,
        (
            *optimiser(0.001, [1e-4, 0.01]),
            Knob("bound", 0.1, None, "length of the attack, in units of the inputs", above_zero),
        ),
        "Learns the nearest wrong label of each forget sample; the retain set is never read.",
        _BOUNDARY,
    ),
    Entry(
        "boundary_expand",
        methods.BoundaryExpand,
        optimiser(0.001, [1e-4, 0.01]),
        "Learns an additional class for the forget set, which is then dropped.",
        _BOUNDARY,
    ),
    Entry(
        "influence_unlearning",
        methods.InfluenceUnlearning,
        (
            Knob(
                "strength",
                0.005,
                {"loguniform": [0.001, 0.02]},
                "length of the step; 1 is Newton's",
                above_zero,
            ),
            Knob("damping", 1e-4, None, "added to the Fisher matrix's diagonal", above_zero),
            _fisher_samples(1000),
        ),
        "One step along an inverse Fisher matrix times the forget gradient.",
        "IU, Jia et al., arXiv 2304.04934; WoodFisher, arXiv 2004.14340",
    ),
    Entry(
        "fisher_forgetting",
        methods.FisherForgetting,
        (
            Knob("noise", 5e-3, {"loguniform": [1e-3, 1e-2]}, "scale of the noise", above_zero),
            _fisher_samples(200),
        ),
        "Adds noise to the weights that the retain set does not depend on.",
        "Golatkar et al., arXiv 1911.04933",
    ),
    Entry(
        "ssd",
        methods.SelectiveSynapticDampening,
        (
            Knob(
                "selection",
                50.0,
                {"loguniform": [30, 200]},
                "ratio of importances from which a weight is dampened",
                above_zero,
            ),
            Knob("dampening", 1.0, None, "lower values shrink selected weights more", above_zero),
            Knob(
                "importance_batch",
                None,
                None,
                "samples per squared gradient; null: the budget's batch size",
                _absent_or_whole,
            ),
        ),
        "Shrinks the weights that matter much more to the forget set than to all data.",
        "SSD, Foster et al., arXiv 2308.07707",
    ),
    Entry(
        "sfron",
        methods.SFRon,
        (
            *optimiser(0.01, [0.003, 0.1]),
            Knob("forget_every", 5, None, "retain steps after each forget step", whole_number),
            Knob(
                "coefficient",
                25.0,
                {"loguniform": [1, 100]},
                "strength of the ascent at the beginning",
                above_zero,
            ),
            Knob("adaptivity", 0.5, None, "favours samples with low loss", not_negative),
            Knob("clip_norm", 7.0, None, "longest gradient of a forget step", above_zero),
            Knob(
                "threshold",
                1.0,
                None,
                "ratio of importances from which a weight takes forget steps",
                not_negative,
            ),
            Knob("importance_batch", 128, None, "samples per squared gradient", whole_above_zero),
        ),
        "Fine-tunes on the retain set, with a masked step of weighted ascent now and then.",
        "SFRon, Huang et al., arXiv 2409.19732",
    ),
    Entry(
        "task_vector",
        methods.TaskVector,
        (*optimiser(0.01, [1e-3, 0.03]), _scale(2.0, [0.5, 8])),
        "Learns the forget set on, then goes the same way back from the original model.",
        "Ilharco et al., arXiv 2212.04089, section 3",
    ),
    Entry(
        "neg_merge",
        methods.NegMerge,
        (
            *optimiser(0.01, [1e-3, 0.03]),
            _scale(3.0, [0.5, 8]),
            Knob(
                "candidates", 4, None, "fine-tuned models, which share the budget", whole_above_zero
            ),
            Knob("lr_spread", 4.0, None, "highest learning rate over the lowest", _at_least_one),
        ),
        "Negates what several models that learned the forget set on agree on by sign.",
        "NegMerge, Kim et al., arXiv 2410.05583",
    ),
    Entry(
        "not",
        methods.NegatedLayer,
        (
            *optimiser(0.1, [0.01, 0.3]),
            Knob("layer", 0, None, "which layer is negated, from the input", whole_number),
        ),
        "Negates the weights of an early layer, then trains on with the retain set.",
        "NoT, Khalil et al., arXiv 2503.05657",
    ),
)
