"""Preference losses: what is forgotten becomes less likely, more and more gently."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, finite
from pareto_explorer.unlearning.core.losses import ForgetBatch, demands
from pareto_explorer.unlearning.core.references import NO_REFUSALS, reads_original

__all__ = ["ENTRIES", "dpo_refusal", "npo", "simnpo"]


@reads_original
def npo(batch: ForgetBatch, *, inverse_temperature: float = 0.1) -> Tensor:
    """−(2/β)·mean_i log σ(β·(NLL_i(θ) − NLL_i(θ0))), in (0, ∞).

    NLL_i is the cross-entropy of a sample; of a sequence, the sum over its labelled tokens. At the
    original model θ0 in eval mode the loss is (2/β) log 2 and its gradient that of −mean_i NLL_i,
    which is longer than that of gradient ascent by the mean number of tokens. It fades as
    likelihoods fall behind the original's. For β → 0 its gradient is that of ascent throughout.

    NPO, Zhang et al. (arXiv 2404.05868, section 3).

    Args:
        batch: The forget batch.
        inverse_temperature: β.
    """
    ratio = batch.per_sample(batch.nll()) - batch.references.original_nll(batch.drawn)
    return _preference(ratio, inverse_temperature)


def simnpo(batch: ForgetBatch, *, inverse_temperature: float = 4.5, margin: float = 0.0) -> Tensor:
    """−(2/β)·mean_i log σ(β·(NLL_i/n_i − δ)), in (0, ∞), without a reference model.

    n_i are the labelled tokens of a sequence, 1 of a sample with one label. On memorised samples,
    whose NLL is 0, the loss is (2/β) log 2 for δ = 0, and its slope in NLL_i/n_i is −1.

    SimNPO, Fan et al. (arXiv 2410.07163, section 5).

    Args:
        batch: The forget batch.
        inverse_temperature: β.
        margin: δ, the mean cross-entropy per token from which a sample is half forgotten.
    """
    losses = batch.nll()
    mean = batch.per_sample(losses) / batch.per_sample(torch.ones_like(losses))
    return _preference(mean - margin, inverse_temperature)


def _require_refusals(data: UnlearningData, **_: Any) -> None:
    if data.refusals is None:
        raise InputError(NO_REFUSALS)


@demands(_require_refusals)
@reads_original
def dpo_refusal(batch: ForgetBatch, *, inverse_temperature: float = 0.1) -> Tensor:
    """−(2/β)·mean_i log σ(β·(a_i − r_i)), in (0, ∞): refusals become likelier than the answers.

    a_i = NLL_i(θ) − NLL_i(θ0) of the answer that is to be forgotten, and r_i the same of its
    question's refusal, where θ0 is the original model in eval mode and NLL_i a sum over labelled
    tokens. The refusals pass through the current model too, after the forget batch.

    DPO, Rafailov et al. (arXiv 2305.18290), as TOFU has it for unlearning, Maini et al. (arXiv
    2401.06121, "I don't know"). Published code draws a refusal each time that a question is read;
    here each question has its own.

    Args:
        batch: The forget batch.
        inverse_temperature: β.
    """
    references, drawn = batch.references, batch.drawn
    answer = batch.per_sample(batch.nll()) - references.original_nll(drawn)
    refusal = references.current_refusal_nll(drawn) - references.original_refusal_nll(drawn)
    return _preference(answer - refusal, inverse_temperature)


def _preference(ratio: Tensor, beta: float) -> Tensor:
    """−(2/β)·mean log σ(β·ratio)."""
    return -2 / beta * functional.logsigmoid(beta * ratio).mean()


_BETA = KnobSpec({"loguniform": [0.02, 1.0]}, "sharpness of the preference, β", above_zero)

ENTRIES = (
    Entry.of_loss(
        "npo",
        npo,
        summary="Samples become less likely than they are to the original, which slows it down.",
        source="NPO, Zhang et al., arXiv 2404.05868, section 3",
        knobs={"inverse_temperature": _BETA},
    ),
    Entry.of_loss(
        "simnpo",
        simnpo,
        summary="NPO per token, without the original model.",
        source="SimNPO, Fan et al., arXiv 2410.07163, section 5",
        knobs={
            "inverse_temperature": _BETA._replace(domain={"loguniform": [0.5, 5.0]}),
            "margin": KnobSpec(
                None, "mean cross-entropy at which a sample is half forgotten", finite
            ),
        },
    ),
    Entry.of_loss(
        "dpo_refusal",
        dpo_refusal,
        summary="Refusals become likelier than the answers, measured from the original model.",
        source="IdkDPO, TOFU, Maini et al., arXiv 2401.06121; DPO, Rafailov et al., 2305.18290",
        defects="losses of the forget side computed with an undefined variable",
        knobs={"inverse_temperature": _BETA},
    ),
)
