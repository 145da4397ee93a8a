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
        domains: What ``sweep`` means for a knob under this preset: the paper's own grid.
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
