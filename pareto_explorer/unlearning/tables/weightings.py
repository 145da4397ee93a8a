"""The registered weightings."""

from __future__ import annotations

from torchjd.aggregation import Weighting
from torchjd.linalg import PSDMatrix

from pareto_explorer.unlearning import aggregators as rules
from pareto_explorer.unlearning import aggregators as weightings
from pareto_explorer.unlearning.aggregators.aligned_mtl import SCALES
from pareto_explorer.unlearning.core.knobs import (
    Entry,
    Knob,
    absent_or_above_zero,
    fraction,
    not_negative,
    one_of,
    table,
    whole_above_zero,
)

__all__ = ["WEIGHTINGS"]

_UPGRAD = "Quinton and Rey, arXiv 2406.16232, section 3"


def _preference(summary: str) -> Knob:
    return Knob("preference", 0.5, {"uniform": [0.05, 0.95]}, summary, fraction)


def _gru(
    cap: float | None = None, tracking: float = 1.0
) -> Weighting[PSDMatrix] | rules.TrackedRetain:
    """Builds GRU, on a moving average of the retain gradient if one is asked for."""
    rectified = weightings.GRU(cap)
    return rectified if tracking == 1 else rules.TrackedRetain(rectified, tracking)


_PROJECTED = _preference("weight of the projected forget gradient; retain has the rest")


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
        (_PROJECTED,),
        "Projects both gradients on the dual cone, exactly; no loss rises to first order.",
        _UPGRAD,
    ),
    Entry(
        "upgrad_torchjd",
        weightings.UPGradTorchJD,
        (_PROJECTED,),
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
    Entry(
        "pcgrad",
        weightings.PCGrad,
        (),
        "Sum of both gradients without the parts that conflict; twice upgrad at equal preference.",
        "Yu et al., arXiv 2001.06782, algorithm 1",
    ),
    Entry(
        "dualproj",
        weightings.DualProj,
        (_preference("weight of the forget gradient before projection; retain has the rest"),),
        "Projects a weighted sum on the dual cone, exactly; no loss rises to first order.",
        "Lopez-Paz and Ranzato, arXiv 1706.08840, equation 11",
    ),
    Entry(
        "ngdiff",
        weightings.NGDiff,
        (),
        "Sum of the unit gradients: the angle bisector, however short the gradients are.",
        "NGDiff, Bu et al., arXiv 2410.22086",
    ),
    Entry(
        "munba",
        weightings.MUNBa,
        (),
        "Nash bargain in closed form: the angle bisector at a constant length.",
        "MUNBa, Wu and Harandi, arXiv 2411.15537",
    ),
    Entry(
        "gru",
        _gru,
        (
            Knob("cap", None, None, "longest step that is taken; null: any", absent_or_above_zero),
            Knob(
                "tracking",
                1.0,
                None,
                "share of the new retain gradient in its moving average; 1: there is none",
                fraction,
            ),
        ),
        "Forget gradient without its part against the retain gradient.",
        "GRU, Wang et al., arXiv 2503.09117",
    ),
    Entry(
        "eupmu",
        weightings.EUPMU,
        (
            Knob(
                "epsilon",
                0.01,
                {"loguniform": [0.001, 1.0]},
                "rate at which the retain loss may rise, per unit of learning rate",
                not_negative,
            ),
        ),
        "Forget gradient, rectified as far as the retain loss rises faster than allowed.",
        "EUPMU (explicit), Zhou et al., arXiv 2510.22124",
    ),
    Entry(
        "fedosd",
        weightings.FedOSD,
        (),
        "Forget gradient turned to be orthogonal to the retain gradient, at its own length.",
        "FedOSD, Pan et al., arXiv 2412.20200; MOLLM, Pan et al., arXiv 2412.20412",
    ),
    Entry(
        "imtl_g",
        weightings.IMTLG,
        (),
        "Equal projections on both gradients: the angle bisector, as short as the shorter one.",
        "IMTL-G, Liu et al., ICLR 2021, section 3.1",
    ),
    Entry(
        "cagrad",
        weightings.CAGrad,
        (
            Knob(
                "rho",
                0.4,
                {"uniform": [0.0, 2.0]},
                "radius of the ball around the mean; no loss rises from 1 on",
                not_negative,
            ),
        ),
        "Best worst case in a ball around the mean gradient.",
        "CAGrad, Liu et al., arXiv 2110.14048, algorithm 1",
    ),
    Entry(
        "fairgrad",
        weightings.FairGrad,
        (
            Knob(
                "alpha",
                1.0,
                {"loguniform": [0.2, 5.0]},
                "fairness: 0 is the mean, 1 munba, larger helps the slower loss",
                not_negative,
            ),
        ),
        "α-fair shares of the progress; no loss rises to first order for α above 0.",
        "FairGrad, Ban and Ji, arXiv 2402.15638, equation 4",
    ),
    Entry(
        "aligned_mtl",
        weightings.AlignedMTL,
        (
            _preference("weight of the aligned forget gradient; retain has the rest"),
            Knob("scale", "min", None, "length of the aligned gradients", one_of(SCALES)),
        ),
        "Combines the nearest orthogonal gradients of one length.",
        "Aligned-MTL, Senushkin et al., arXiv 2305.19000, algorithm 1",
    ),
    Entry(
        "config",
        weightings.ConFIG,
        (_preference("projection wanted on the forget gradient; retain has the rest"),),
        "Step with given projections on the unit gradients; no loss rises to first order.",
        "ConFIG, Liu et al., arXiv 2408.11104, equation 2",
    ),
    Entry(
        "nash_mtl",
        weightings.NashMTL,
        (
            Knob("max_norm", 1.0, None, "longest step that is taken; 0: any", not_negative),
            Knob(
                "update_weights_every", 1, None, "steps that one solution serves", whole_above_zero
            ),
            Knob("optim_niter", 20, None, "convex programs per solution", whole_above_zero),
        ),
        "TorchJD's iterative solver of munba's equations; needs cvxpy and ecos.",
        "Nash-MTL, Navon et al., arXiv 2202.01017, algorithm 1; torchjd 0.18",
    ),
)
