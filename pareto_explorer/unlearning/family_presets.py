"""Named settings: a paper's method with its aggregator, forget loss and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pareto_explorer.errors import unknown

__all__ = ["PRESETS", "Preset", "find_preset"]


@dataclass(frozen=True)
class Preset:
    """One paper's method as a family of a search space.

    Attributes:
        name: What a search space calls it.
        family: Method, aggregator, forget loss and fixed knobs; the search space may override
            each of them.
        summary: One sentence.
        source: The paper.
        domains: What ``sweep`` means for a knob under this preset: the paper's own grid, or a range
            around its value where the knob's own domain is far from it.
    """

    name: str
    family: Mapping[str, Any]
    summary: str
    source: str
    domains: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)


def _descent(aggregator: str, forget_loss: str, **knobs: Any) -> dict[str, Any]:
    parts = {"aggregator": aggregator, "forget_loss": forget_loss}
    return {"method": "jacobian_descent", **parts, **knobs}


_RAUL = "RAUL, Khosrowshahi et al., arXiv 2606.00399"
_RAUL_ADAMW = {"lr": {"grid_search": [1e-4, 7.5e-5, 5e-5, 2.5e-5, 1e-5]}}
_RAUL_SGD = {"lr": {"grid_search": [1e-2, 7.5e-3, 5e-3, 2.5e-3, 1e-3]}}

# A preset states every knob of the optimiser, so that no other default reaches it unnoticed. These
# are those of the code of Unlearn-Sparse and its descendants (RAUL, CUP, MUNBa, EUPMU); where a
# paper's are unknown, or those of language models, they are the defaults of this package.
_SGD = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4, "batch_norm": "batch"}
_ADAMW = _SGD | {"optimizer": "adamw"}
_ENTANGLEMENT = _ADAMW | {"weight_decay": 0.0, "batch_norm": "frozen"}
_HAMU = {
    "granularity": "layer",
    "lr": 1e-4,
    "optimizer": "sgd",
    "momentum": 0.0,
    "weight_decay": 0.0,
    "batch_norm": "frozen",
}

# Those of open-unlearning (Dorna et al., arXiv 2506.12618), where most papers on language models
# are reproduced: AdamW, with a warm-up and a decay on TOFU that are not here: rates are constant.
# A sum γ·forget + α·retain is the weighted sum with weight γ/(γ + α): AdamW does not see its scale.
# Batches of 32 sequences and 10 passes over the forget set are the budget's to set. Rates are those
# of full fine-tuning, 1e-5; LoRA takes ten times as much. NPO and DPO add up tokens, so their
# gradients are as many times longer than those of GradDiff as answers have tokens: at equal weights
# they forget much faster, and need smaller rates.
_TEXT = {"optimizer": "adamw", "momentum": 0.9, "weight_decay": 0.01, "batch_norm": "frozen"}
_TEXT_LR = {"lr": {"loguniform": [3e-6, 5e-4]}}
_SUMS_LR = {"lr": {"loguniform": [1e-6, 1e-4]}}
_CONSTANT = "open-unlearning's settings at a constant rate, without warm-up"


def _text(forget_loss: str, weight: float, lr: float = 1e-5, **knobs: Any) -> dict[str, Any]:
    return _descent("weighted_sum", forget_loss, weight=weight, lr=lr, **knobs, **_TEXT)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "raul_uniform",
            _descent("upgrad", "kl_uniform", lr=5e-5, **_ADAMW),
            "UPGrad on the uniform reference distribution, AdamW.",
            f"{_RAUL} (UniDist)",
            _RAUL_ADAMW,
        ),
        Preset(
            "raul_heldout",
            _descent("upgrad", "kl_heldout_published", lr=5e-5, **_ADAMW),
            "UPGrad on the class-wise held-out reference distribution as published, AdamW.",
            f"{_RAUL} (HeldDist)",
            _RAUL_ADAMW,
        ),
        Preset(
            "raul_uniform_sgd",
            _descent("upgrad", "kl_uniform", lr=5e-3, **_SGD),
            "UPGrad on the uniform reference distribution, SGD.",
            f"{_RAUL} (UniDist)",
            _RAUL_SGD,
        ),
        Preset(
            "raul_heldout_sgd",
            _descent("upgrad", "kl_heldout_published", lr=5e-3, **_SGD),
            "UPGrad on the class-wise held-out reference distribution as published, SGD.",
            f"{_RAUL} (HeldDist)",
            _RAUL_SGD,
        ),
        Preset(
            "raul_calibrated",
            {"method": "raul_calibrated", "lr": 0.1, **_SGD},
            "Three objectives: retain, KL(p‖U), and smoothed labels with a confidence penalty.",
            f"{_RAUL} (UniDist_Calib)",
        ),
        Preset(
            "cup",
            _descent("cup", "negative_cross_entropy", lr=1e-3, **_SGD),
            "Pivoting gradient on the negative cross-entropy.",
            "CUP, Hwang and Lim, arXiv 2510.19226",
            {
                "intensity": {"grid_search": [round(0.01 * i, 2) for i in range(1, 100)]},
                "lr": {"grid_search": [1e-3, 1e-4]},
            },
        ),
        Preset(
            "hamu_q",
            _descent("hamu_q", "negative_cross_entropy", **_HAMU),
            "Forgets by a quota per layer, at the best for retention.",
            "HAMU, Chen et al., arXiv 2606.02119 (HAMU-Q)",
            {"quota": {"grid_search": [round(0.1 * i, 1) for i in range(10)]}},
        ),
        Preset(
            "hamu_u",
            _descent("hamu_u", "negative_cross_entropy", **_HAMU),
            "Retains by a gain per layer, at the best for forgetting.",
            "HAMU, Chen et al., arXiv 2606.02119 (HAMU-U)",
            {"quota": {"grid_search": [round(0.1 * i, 1) for i in range(10)]}},
        ),
        Preset(
            "entanglement",
            {"method": "entanglement", "lr": 1e-3, **_ENTANGLEMENT},
            "Forgets under a Lagrangian, then repairs the adjacent set without undoing it.",
            "Cheng et al., arXiv 2603.26569",
        ),
        Preset(
            "ngdiff",
            _descent(
                "ngdiff",
                "negative_cross_entropy",
                auto_lr=True,
                lr=1e-3,
                **_SGD | {"momentum": 0.0},
            ),
            "Difference of normalised gradients with its automatic learning rate.",
            "NGDiff, Bu et al., arXiv 2410.22086",
        ),
        Preset(
            "eupmu",
            _descent("eupmu", "random_labels", lr=3e-3, **_SGD),
            "Forget gradient with the least retain gradient that keeps the retain loss.",
            "EUPMU, arXiv 2510.22124 (explicit)",
        ),
        Preset(
            "eupmu_implicit",
            _descent("eupmu_implicit", "random_labels", lr=3e-3, **_SGD),
            "The same by a multiplier that learns from the observed retain loss.",
            "EUPMU, arXiv 2510.22124 (implicit)",
        ),
        Preset(
            "munba",
            _descent("munba", "random_labels", lr=1e-2, **_SGD),
            "Nash bargaining between retaining and random labels, in closed form.",
            "MUNBa, Wu and Harandi, arXiv 2411.15537",
        ),
        Preset(
            "gru",
            _descent("gru", "negative_cross_entropy", tracking=0.8, lr=1e-3, **_SGD),
            "Forget gradient rectified against a moving average of the retain gradient.",
            "GRU, arXiv 2503.09117",
        ),
        Preset(
            "dynamic_barrier",
            _descent("barrier_forget", "kl_uniform", lr=1e-2, **_SGD),
            "Retains under the constraint that the forget loss reaches a level (reconstruction).",
            "arXiv 2408.01689, as dynamic-barrier descent (Gong and Liu, NeurIPS 2021)",
        ),
        Preset(
            "moco",
            _descent("moco", "bounded_cross_entropy", lr=3e-2, **_SGD),
            "MGDA on tracked gradients; a solver applied to unlearning.",
            "MoCo, Fernando et al., arXiv 2210.12624",
        ),
        Preset(
            "mollm",
            _descent("mgda", "bounded_cross_entropy", lr=3e-2, **_SGD),
            "Common descent direction of the retain loss and the bounded forget loss.",
            "MOLLM, Pan et al., arXiv 2412.20412 (two objectives; reconstruction)",
        ),
        Preset(
            "fedosd",
            _descent("fedosd", "bounded_cross_entropy", lr=3e-3, **_SGD),
            "Bounded forget loss, stepped orthogonally to the retain gradient.",
            "FedOSD, Pan et al. (the direction; its recovery stage is not included)",
        ),
        Preset(
            "graddiff",
            _text("negative_cross_entropy", 0.5),
            f"Language models: ascent on the forget loss, descent on the retain loss; {_CONSTANT}.",
            "GradDiff, TOFU, Maini et al., arXiv 2401.06121",
            _TEXT_LR,
        ),
        Preset(
            "graddiff_kl",
            _text("negative_cross_entropy", 0.5, retain_loss="kl"),
            "Language models: the same, and retained predictions stay the original's;"
            f" {_CONSTANT}; divergence at labelled tokens only.",
            "KL, TOFU, Maini et al., arXiv 2401.06121",
            _TEXT_LR,
        ),
        Preset(
            "npo",
            _text("npo", 0.5, inverse_temperature=0.1),
            f"Language models: negative preference optimisation; {_CONSTANT}.",
            "NPO, Zhang et al., arXiv 2404.05868",
            _SUMS_LR,
        ),
        Preset(
            "simnpo",
            _text("simnpo", 1 / 9, inverse_temperature=4.5, margin=0.0),
            f"Language models: NPO per token, without the original (γ .125, α 1); {_CONSTANT}.",
            "SimNPO, Fan et al., arXiv 2410.07163",
            _TEXT_LR,
        ),
        Preset(
            "dpo",
            _text("dpo_refusal", 0.5, inverse_temperature=0.1),
            "Language models: refusals preferred to answers; one refusal for each question;"
            f" {_CONSTANT}.",
            "IdkDPO, TOFU, Maini et al., arXiv 2401.06121",
            _SUMS_LR,
        ),
        Preset(
            "undial",
            _text("undial", 1.0, lr=1e-4, lowered=10.0),
            "Language models: distils the original without the labels, at labelled tokens only, and"
            f" without a retain loss; {_CONSTANT}.",
            "UNDIAL, Dong et al., arXiv 2402.10052",
            {"lr": {"loguniform": [1e-5, 1e-3]}, "lowered": {"grid_search": [3, 10, 30]}},
        ),
        Preset(
            "wga",
            _text("weighted_ascent", 0.5, confidence_power=1.0, doubt_power=0.0),
            f"Language models: ascent weighted by confidence; {_CONSTANT}.",
            "WGA, Wang et al., arXiv 2502.19301",
            _TEXT_LR,
        ),
        Preset(
            "satimp",
            _text("weighted_ascent", 1 / 11, confidence_power=5.0, doubt_power=1.0),
            "Language models: ascent on tokens neither sure nor forgotten; γ .1, α 1 as in the"
            f" published configuration, while its README and class have them swapped; {_CONSTANT}.",
            "SatImp, Yang et al., arXiv 2505.11953",
            _TEXT_LR,
        ),
        Preset(
            "rmu",
            {
                "method": "rmu",
                "lr": 1e-5,
                "steering": 2.0,
                "forget_coefficient": 1.0,
                "retain_coefficient": 1.0,
                "trained": "all",
                **_TEXT,
            },
            "Language models: steers the middle block's hidden states (published: block 7 of any"
            f" model), all weights trained; {_CONSTANT}.",
            "RMU, Li et al., arXiv 2403.03218",
            _TEXT_LR,
        ),
        Preset(
            "hamu_text",
            _descent("hamu_q", "negative_cross_entropy", **_HAMU),
            "Language models: HAMU-Q as published for LoRA of rank 8 with batches of 50.",
            "HAMU, Chen et al., arXiv 2606.02119 (HAMU-Q, WaterDrum-TOFU)",
            {
                "lr": {"loguniform": [1e-5, 1e-3]},
                "quota": {"grid_search": [round(0.1 * i, 1) for i in range(10)]},
            },
        ),
        Preset(
            "ngdiff_text",
            _descent("ngdiff", "negative_cross_entropy", auto_lr=False, lr=1e-5, **_TEXT),
            "Language models: difference of normalised gradients by AdamW at a constant rate; the"
            " published settings are not known, and the automatic rate measures along sgd only.",
            "NGDiff, Bu et al., arXiv 2410.22086",
            _TEXT_LR,
        ),
    )
}


def find_preset(name: object, where: str = "preset") -> Preset:
    """Looks a preset up.

    Raises:
        InputError: There is none of this name.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise unknown(where, name, PRESETS)
    return PRESETS[name]
