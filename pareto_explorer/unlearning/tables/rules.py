"""The registered aggregators that need more than one Gramian."""

from __future__ import annotations

from pareto_explorer.unlearning import aggregators as rules
from pareto_explorer.unlearning.aggregators.hamu import CAPS, QUOTA_RULES, RADIUS_SHARES, SHARES
from pareto_explorer.unlearning.core.knobs import (
    Entry,
    Knob,
    above_zero,
    absent_or_above_zero,
    below_one,
    finite,
    fraction,
    not_negative,
    one_of,
    table,
    true_or_false,
    whole_above_zero,
)
from pareto_explorer.unlearning.tables.weightings import WEIGHTINGS

__all__ = ["RULES"]

_HAMU = "HAMU, Chen et al., arXiv 2606.02119"
_BARRIER = "arXiv 2408.01689 as reconstructed by dynamic barriers, Gong and Liu, NeurIPS 2021"
#: What ``cr_mogm`` can smooth.
_SMOOTHED = tuple(name for name in WEIGHTINGS if name != "nash_mtl")


def _preference(summary: str) -> Knob:
    return Knob("preference", 0.5, {"uniform": [0.05, 0.95]}, summary, fraction)


def _hamu(quota: str, radius: str) -> tuple[Knob, ...]:
    return (
        Knob("quota", 0.5, {"uniform": [0.0, 0.9]}, quota, not_negative),
        Knob(
            "quota_rule",
            "absolute",
            None,
            "absolute: per unit of learning rate; relative: a fraction of what is in reach",
            one_of(QUOTA_RULES),
        ),
        Knob(
            "quota_share",
            "norms",
            None,
            "how tensors share an absolute quota: by norms, hardness or equal",
            one_of(SHARES),
        ),
        Knob("radius", None, None, radius, absent_or_above_zero),
        Knob(
            "radius_share",
            "norms",
            None,
            "radius of each tensor where one is given: norms, a share by norm; each, all of it",
            one_of(RADIUS_SHARES),
        ),
        Knob(
            "clip_norm",
            1.0,
            None,
            "norm that both gradients are shortened to; null: they are not",
            absent_or_above_zero,
        ),
        Knob(
            "infeasible",
            "cap",
            None,
            "where no step meets the quota: cap at the radius, skip, published (beyond it) or stop",
            one_of(CAPS),
        ),
        Knob(
            "stop_when_infeasible",
            False,
            None,
            "whether to end the run once no harmless step meets the quota",
            true_or_false,
        ),
    )


def _barrier(level: float, domain: dict[str, list[float]], summary: str) -> tuple[Knob, ...]:
    return (
        Knob("level", level, domain, summary, finite),
        Knob("rate", 1.0, None, "how fast what is above the level has to fall", not_negative),
        Knob("cap", 1.0, None, "most that is asked, in squared gradient norms", not_negative),
    )


def _smooth(smoothed: str = "upgrad", alpha: float = 0.9) -> rules.CRMOGM:
    """Builds CR-MOGM around a registered weighting with its default knobs."""
    entry = WEIGHTINGS[smoothed]
    inner = entry.build(**{knob.name: knob.default for knob in entry.knobs})
    return rules.CRMOGM(inner, alpha)


RULES = table(
    Entry(
        "hamu_q",
        rules.HAMUQ,
        _hamu(
            "first-order fall of the forget loss that every step has to bring",
            "longest step per unit of learning rate; null: norm of the retain gradient",
        ),
        "Best step for the retain loss that lowers the forget loss by a quota.",
        f"{_HAMU}, HAMU-Q",
    ),
    Entry(
        "hamu_u",
        rules.HAMUU,
        _hamu(
            "first-order fall of the retain loss that every step has to bring",
            "longest step per unit of learning rate; null: norm of the forget gradient",
        ),
        "Best step for the forget loss that lowers the retain loss by a gain.",
        f"{_HAMU}, HAMU-U",
    ),
    Entry(
        "barrier_forget",
        rules.BarrierForget,
        _barrier(0.5, {"uniform": [0.0, 2.0]}, "forget loss to reach"),
        "Retain gradient, plus what brings the forget loss to a level (reconstruction).",
        _BARRIER,
    ),
    Entry(
        "barrier_retain",
        rules.BarrierRetain,
        _barrier(0.1, {"loguniform": [0.01, 1.0]}, "retain loss to keep to"),
        "Forget gradient, plus what keeps the retain loss to a level (reconstruction).",
        _BARRIER,
    ),
    Entry(
        "eupmu_implicit",
        rules.EUPMUImplicit,
        (
            Knob(
                "epsilon",
                0.01,
                {"loguniform": [0.001, 1.0]},
                "tolerated rise of the retain loss per unit of learning rate",
                not_negative,
            ),
            Knob("dual_lr", 0.1, None, "learning rate of the multiplier", above_zero),
            Knob("multiplier", 1.0, None, "weight of the retain gradient at first", not_negative),
        ),
        "Forget gradient plus a multiple of the retain gradient that learns from its loss.",
        "EUPMU, arXiv 2510.22124 (implicit)",
    ),
    Entry(
        "moco",
        rules.MoCo,
        (
            Knob("tracking", 0.5, None, "share of the new gradients in the mean", fraction),
            Knob("dual_lr", 0.01, {"loguniform": [0.001, 1.0]}, "step of the weights", above_zero),
            Knob("ridge", 0.0, None, "pull of the weights towards equality", not_negative),
        ),
        "Min-norm point of gradients and weights that are tracked over the steps.",
        "MoCo, Fernando et al., arXiv 2210.12624",
    ),
    Entry(
        "sdmgrad",
        rules.SDMGrad,
        (
            Knob(
                "direction",
                0.3,
                {"loguniform": [0.01, 10.0]},
                "how strongly the preferred direction pulls",
                not_negative,
            ),
            _preference("share of the forget gradient in it; retain has the rest"),
            Knob("inner_lr", 10.0, None, "step of the weights", above_zero),
            Knob("inner_momentum", 0.5, None, "momentum of the weights", below_one),
            Knob("rounds", 20, None, "updates of the weights per step", whole_above_zero),
        ),
        "Preferred min-norm point, without bias: three batches of each set a step.",
        "SDMGrad, Xiao et al., arXiv 2305.18409",
    ),
    Entry(
        "modo",
        rules.MoDo,
        (
            Knob("dual_lr", 0.1, {"loguniform": [0.001, 1.0]}, "step of the weights", above_zero),
            Knob("ridge", 0.1, None, "pull of the weights towards equality", not_negative),
        ),
        "Min-norm weights without bias: two batches of each set a step.",
        "MoDo, Chen et al., arXiv 2305.20057",
    ),
    Entry(
        "excess_mtl",
        rules.ExcessMTL,
        (
            Knob("robust_lr", 1.0, {"loguniform": [0.01, 10.0]}, "step of the weights", above_zero),
            Knob("warm_up", 10, None, "first steps, of equal weights", whole_above_zero),
        ),
        "More weight for the loss that seems further from its own optimum.",
        "ExcessMTL, He et al., arXiv 2402.02009",
    ),
    Entry(
        "graddrop",
        rules.GradDrop,
        (Knob("leak", 0.0, None, "share of dropped entries that passes", fraction),),
        "Keeps the gradients of one drawn sign in each coordinate.",
        "GradDrop, Chen et al., arXiv 2010.06808, algorithm 1",
    ),
    Entry(
        "pcd",
        rules.PCD,
        (
            Knob(
                "tau",
                0.02,
                {"uniform": [0.0, 1.0]},
                "share of its own progress that the forget gradient is granted",
                fraction,
            ),
            Knob("beta", 0.999, None, "decay of the mean squared norms", below_one),
        ),
        "Retain gradient, changed as little as grants the forget gradient its share.",
        "PCD, arXiv 2606.29521",
    ),
    Entry(
        "gradvac",
        rules.GradVac,
        (Knob("beta", 0.5, None, "share of the new cosine in the mean", fraction),),
        "Pulls the gradients towards the angle that they usually have.",
        "GradVac, Wang et al., arXiv 2010.05874",
    ),
    Entry(
        "cr_mogm",
        _smooth,
        (
            Knob("smoothed", "upgrad", None, "weighting inside", one_of(_SMOOTHED)),
            Knob("alpha", 0.9, {"uniform": [0.0, 0.99]}, "share of the former weights", fraction),
        ),
        "Another weighting, with its weights averaged over the steps.",
        "CR-MOGM, Zhou et al., NeurIPS 2022",
    ),
    Entry(
        "stch",
        rules.STCH,
        (
            Knob("mu", 0.1, {"loguniform": [0.01, 1.0]}, "smoothing of the maximum", above_zero),
            _preference("weight of the forget loss; retain has the rest"),
        ),
        "Descends on a smooth maximum of the weighted losses.",
        "Smooth Tchebycheff, Lin et al., arXiv 2402.19078",
    ),
    Entry(
        "pbi",
        rules.PBI,
        (
            Knob(
                "theta", 1.0, {"loguniform": [0.1, 10.0]}, "penalty of the distance", not_negative
            ),
            _preference("component of the ray for the forget loss; retain has the rest"),
        ),
        "Descends along a ray in the space of losses, with a penalty for leaving it.",
        "PBI, Zhang and Li, IEEE TEVC 11(6), 2007",
    ),
    Entry(
        "cosmos",
        rules.COSMOS,
        (
            Knob(
                "penalty",
                1.0,
                {"loguniform": [0.01, 8.0]},
                "reward of losses in proportion to the preference",
                not_negative,
            ),
            _preference("weight of the forget loss; retain has the rest"),
        ),
        "Weighted sum that is drawn to losses in proportion to the weights.",
        "COSMOS, Ruchte and Grabocka, arXiv 2103.13392 (its scalarisation only)",
    ),
    Entry(
        "geometric_mean",
        rules.GeometricMean,
        (),
        "Descends on the geometric mean of the losses, which have to be positive.",
        "GLS, Chennupati et al., MultiNet++, CVPR workshops 2019",
    ),
    Entry(
        "famo",
        rules.FAMO,
        (
            Knob(
                "weight_lr", 0.025, {"loguniform": [0.001, 1.0]}, "step of the logits", above_zero
            ),
            Knob("weight_decay_logits", 1e-3, None, "decay of the logits", not_negative),
        ),
        "Weights learn which loss fell less; needs positive losses.",
        "FAMO, Liu et al., arXiv 2306.03792",
    ),
    Entry(
        "uw",
        rules.UW,
        (
            Knob(
                "variance_lr",
                0.025,
                {"loguniform": [0.001, 1.0]},
                "step of the log-variances",
                above_zero,
            ),
        ),
        "Uncertainty weighting: weights approach half the inverse losses.",
        "Kendall et al., arXiv 1705.07115",
    ),
    Entry(
        "imtl_l",
        rules.IMTLL,
        (
            Knob(
                "scale_lr",
                0.025,
                {"loguniform": [0.001, 1.0]},
                "step of the scales",
                above_zero,
            ),
        ),
        "Learned scales bring positive losses to one size: uw at twice its weights.",
        "IMTL-L, Liu et al., ICLR 2021, section 3.2",
    ),
    Entry(
        "dwa",
        rules.DWA,
        (
            Knob("temperature", 2.0, {"loguniform": [0.1, 10.0]}, "evenness", above_zero),
            Knob("window", 10, None, "steps whose losses are averaged", whole_above_zero),
        ),
        "More weight for the loss that has been falling more slowly.",
        "DWA, Liu et al., arXiv 1803.10704, section 3.3",
    ),
)
