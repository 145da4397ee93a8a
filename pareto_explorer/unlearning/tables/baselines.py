"""The registered baselines that learn step by step."""

from __future__ import annotations

from pareto_explorer.unlearning import methods
from pareto_explorer.unlearning.core.knobs import (
    Entry,
    Knob,
    above_zero,
    fraction,
    not_negative,
    table,
    whole_above_zero,
    whole_number,
)
from pareto_explorer.unlearning.tables.optimiser import optimiser

__all__ = ["BASELINES"]

_SPARSE = "Jia et al., arXiv 2304.04934"
_SALUN = "SalUn, Fan et al., arXiv 2310.12508"
_SCRUB = "Kurmanji et al., arXiv 2302.09880"


def _rounds(default: int) -> Knob:
    return Knob(
        "rounds",
        default,
        None,
        "rounds of forget and then retain steps that the budget is divided into",
        whole_above_zero,
    )


def _temperature(default: float) -> Knob:
    return Knob("temperature", default, None, "softens the predictions compared", above_zero)


BASELINES = table(
    Entry(
        "retrain",
        methods.Retrain,
        optimiser(0.1, [0.03, 0.3], "falling linearly to 0"),
        "Trains a new model on the retain set, as far as the budget goes.",
        f"{_SPARSE} (baselines)",
    ),
    Entry(
        "negative_gradient_plus",
        methods.NegativeGradientPlus,
        (
            *optimiser(0.03, [0.003, 0.1]),
            Knob("beta", 0.95, {"uniform": [0.8, 0.999]}, "share of the retain loss", fraction),
        ),
        "Descends on the retain and ascends on the forget cross-entropy in one sum.",
        f"NegGrad+, {_SCRUB} (baselines)",
    ),
    Entry(
        "random_labelling",
        methods.RandomLabelling,
        (*optimiser(0.1, [0.01, 0.3]), _rounds(10)),
        "Learns random labels on the forget set and true ones on the retain set, in turn.",
        f"RL baseline, {_SALUN}; Golatkar et al., arXiv 1911.04933",
    ),
    Entry(
        "salun",
        methods.SalUn,
        (
            *optimiser(0.1, [0.01, 0.3]),
            _rounds(10),
            Knob(
                "saliency",
                0.5,
                {"uniform": [0.1, 0.9]},
                "fraction of the weights that may move",
                fraction,
            ),
        ),
        "Random labelling of the weights that matter most to the forget set.",
        f"{_SALUN}, sections 4 and 5",
    ),
    Entry(
        "salun_soft",
        methods.SalUnSoft,
        (
            *optimiser(0.05, [0.01, 0.2]),
            _rounds(10),
            Knob(
                "proximal",
                0.5,
                {"uniform": [0.1, 0.9]},
                "fraction of the weights put back to the original; falls to 0",
                fraction,
            ),
        ),
        "Random labelling with proximal steps back to the original weights.",
        f"{_SALUN} (soft-thresholding variant)",
    ),
    Entry(
        "l1_sparse",
        methods.L1Sparse,
        (
            *optimiser(0.1, [0.01, 0.3]),
            Knob(
                "alpha",
                1e-4,
                {"loguniform": [1e-5, 2e-3]},
                "first weight of the l1 penalty, which falls to 0",
                not_negative,
            ),
            Knob("unpenalised", 0.0, None, "share of the last steps without the penalty", fraction),
        ),
        "Fine-tunes on the retain set with an l1 penalty that fades out.",
        _SPARSE,
    ),
    Entry(
        "scrub",
        methods.Scrub,
        (
            *optimiser(0.1, [0.01, 0.3]),
            _temperature(4.0),
            Knob("alpha", 0.5, None, "weight of the divergence in min steps", not_negative),
            Knob("gamma", 1.0, None, "weight of the cross-entropy in min steps", not_negative),
            _rounds(5),
            Knob("max_rounds", 3, None, "rounds, from the first on, with max steps", whole_number),
        ),
        "Moves away from the original on the forget set, and back to it on the retain set.",
        f"SCRUB, {_SCRUB}",
    ),
    Entry(
        "bad_teacher",
        methods.BadTeacher,
        (
            *optimiser(0.1, [0.01, 0.3]),
            _temperature(1.0),
            Knob(
                "forget_weight",
                0.5,
                {"uniform": [0.1, 0.9]},
                "share of the untrained teacher",
                fraction,
            ),
        ),
        "Learns an untrained model's predictions on the forget set, the original's elsewhere.",
        "Chundawat et al., arXiv 2205.08096",
    ),
)
