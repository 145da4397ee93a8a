"""The registered weightings."""

from __future__ import annotations

from pareto_explorer.unlearning import weightings
from pareto_explorer.unlearning.checks import fraction
from pareto_explorer.unlearning.entries import Entry, Knob, table

__all__ = ["WEIGHTINGS"]

_UPGRAD = "Quinton and Rey, arXiv 2406.16232, section 3"

_PREFERENCE = Knob(
    "preference",
    0.5,
    {"uniform": [0.05, 0.95]},
    "weight of the projected forget gradient; retain has the rest",
    fraction,
)


WEIGHTINGS = table(
    Entry(
        "weighted_sum",
        weightings.WeightedSum,
        (
            Knob(
                "weight",
                0.5,
                {"uniform": [0.05, 0.95]},
                "share of the forget loss; retain has the rest",
                fraction,
            ),
        ),
        "Constant weights: plain scalarisation.",
        "CUP's control WS, Hwang and Lim, arXiv 2510.19226",
    ),
    Entry(
        "mean",
        weightings.Mean,
        (),
        "Equal weights, also called LS or GDiff.",
        "Quinton and Rey, arXiv 2406.16232, table 1",
    ),
    Entry(
        "upgrad",
        weightings.UPGrad,
        (_PREFERENCE,),
        "Projects both gradients on the dual cone, exactly; no loss rises to first order.",
        _UPGRAD,
    ),
    Entry(
        "upgrad_torchjd",
        weightings.UPGradTorchJD,
        (_PREFERENCE,),
        "UPGrad with TorchJD's default regularisation, which can raise the retain loss.",
        "torchjd 0.18, QuadprogProjector defaults",
    ),
    Entry(
        "mgda",
        weightings.MGDA,
        (),
        "Shortest convex combination; no loss rises to first order.",
        "Désidéri 2012; Sener and Koltun, arXiv 1810.04650, section 3.2",
    ),
    Entry(
        "cup",
        weightings.CUP,
        (
            Knob(
                "intensity",
                0.5,
                {"uniform": [0.01, 0.99]},
                "pivot in the dual cone: 0 retains only, 1 forgets only",
                fraction,
            ),
        ),
        "Pivots between the extreme rays of the dual cone; no loss rises to first order.",
        "CUP, Hwang and Lim, arXiv 2510.19226",
    ),
)
