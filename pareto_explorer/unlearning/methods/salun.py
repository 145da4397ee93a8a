"""SalUn: random labelling that moves only the weights which matter to the forget set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction
from pareto_explorer.unlearning.methods._descent import Setting
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._phases import ROUNDS
from pareto_explorer.unlearning.methods._saliency import restore_masked, saliency_mask
from pareto_explorer.unlearning.methods.random_labelling import RandomLabelling

__all__ = ["ENTRIES", "SalUn", "SalUnSoft", "shrink_changes"]


@dataclass(frozen=True, kw_only=True)
class SalUn(RandomLabelling):
    """Random labelling under a mask that is fixed at the original model.

    Only the fraction of weights with the largest |∂CE(D_f)/∂w| at the original moves. All others
    keep their values bit by bit: weight decay and momentum, which moved them in the published code
    until a later version put them back, do not.

    Source: SalUn, Fan et al. (arXiv 2310.12508, sections 4 and 5).

    Attributes:
        saliency: Fraction of the weights that may move.
        rounds: Rounds that the budget is divided into.
    """

    saliency: float = 0.5

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        parameters, forget = setting.parameters, setting.data.forget
        masks = saliency_mask(setting.model, forget, self.saliency)
        setting.ledger.count(forward=len(forget), backward=len(forget))
        originals = [p.detach().clone() for p in parameters]
        setting.after_step.append(partial(restore_masked, parameters, masks, originals))
        return super().prepare(setting)


@dataclass(frozen=True, kw_only=True)
class SalUnSoft(RandomLabelling):
    """Random labelling with a proximal step instead of a mask.

    After each optimiser step, the changes of the weights from the original are soft-thresholded,
    δ ← sign(δ)·max(|δ| − τ, 0), with τ such that a fraction of the weights returns to the
    original. The fraction falls linearly and reaches 0 in the last step. This is the proximal
    operator of an l1 penalty on the change, with a weight that adapts.

    Source: SalUn, Fan et al. (arXiv 2310.12508), its soft-thresholding variant. Defects of the
    published code that were not carried over: changes are measured from the beginning of the
    current epoch instead of from the original model, the fraction is held through an epoch on some
    data sets, and a fraction that rounds to no weight is an error.

    Attributes:
        proximal: Fraction of the weights that returns to the original at the start.
        rounds: Rounds that the budget is divided into.
    """

    lr: float = 0.05
    proximal: float = 0.5

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        parameters, ledger = setting.parameters, setting.ledger
        originals = [p.detach().clone() for p in parameters]

        def follow_up() -> None:
            left = 1 - (ledger.step + 1) / setting.steps
            shrink_changes(parameters, originals, self.proximal * left)

        setting.after_step.append(follow_up)
        return super().prepare(setting)


def shrink_changes(
    parameters: Sequence[nn.Parameter], originals: Sequence[Tensor], returned: float
) -> None:
    """Soft-thresholds changes so that a fraction of the weights returns to the original.

    Args:
        parameters: Changed in place.
        originals: What their changes are measured from.
        returned: Fraction of all scalar weights, in [0, 1], rounded down to a whole number: that
            many get back their original values bit by bit.
    """
    with torch.no_grad():
        changes = torch._foreach_sub([*parameters], [*originals])
        sizes = torch.cat([change.abs().reshape(-1) for change in changes])
        count = int(returned * len(sizes))
        if count == 0:
            return
        threshold = sizes.kthvalue(count).values
        for parameter, original, change in zip(parameters, originals, changes, strict=True):
            shrunk = parameter - threshold * change.sign()
            parameter.copy_(torch.where(change.abs() > threshold, shrunk, original))


ENTRIES = (
    Entry.of(
        "salun",
        SalUn,
        summary="Random labelling of the weights that matter most to the forget set.",
        source="SalUn, Fan et al., arXiv 2310.12508, sections 4 and 5",
        defects="masked weights moved by weight decay and momentum",
        knobs=optimiser([0.01, 0.3])
        | {
            "rounds": ROUNDS,
            "saliency": KnobSpec(
                {"uniform": [0.1, 0.9]}, "fraction of the weights that may move", fraction
            ),
        },
    ),
    Entry.of(
        "salun_soft",
        SalUnSoft,
        summary="Random labelling with proximal steps back to the original weights.",
        source="SalUn, Fan et al., arXiv 2310.12508 (soft-thresholding variant)",
        defects="anchor moved every epoch",
        knobs=optimiser([0.01, 0.2])
        | {
            "rounds": ROUNDS,
            "proximal": KnobSpec(
                {"uniform": [0.1, 0.9]},
                "fraction of the weights put back to the original; falls to 0",
                fraction,
            ),
        },
    ),
)
