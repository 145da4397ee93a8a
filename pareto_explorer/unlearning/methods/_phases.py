"""Steps that read both sets: in one weighted sum, or one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.knobs import KnobSpec, whole_above_zero
from pareto_explorer.unlearning.methods._descent import BatchLoss, Setting, descend

__all__ = ["ROUNDS", "forget_steps", "take_turns", "weighted"]

#: The knob of methods that alternate.
ROUNDS = KnobSpec(
    None, "rounds of forget and then retain steps that the budget is divided into", whole_above_zero
)


def weighted(
    setting: Setting, retain_loss: BatchLoss, forget_loss: BatchLoss, forget_weight: float
) -> Callable[[], None]:
    """Descends on (1 − w)·L_r + w·L_f, from one batch of each set.

    Args:
        setting: The run.
        retain_loss: L_r, of a retain batch.
        forget_loss: L_f, of a forget batch.
        forget_weight: w.

    Returns:
        What ``GradientMethod.prepare`` has to return.
    """
    model, ledger = setting.model, setting.ledger
    retain, forget = (setting.streams.batches(name) for name in ("retain", "forget"))

    def write_gradients() -> None:
        batch_r, batch_f = next(retain), next(forget)
        loss_r = retain_loss(model(batch_r.inputs), batch_r)
        loss_f = forget_loss(model(batch_f.inputs), batch_f)
        descend(setting, (1 - forget_weight) * loss_r + forget_weight * loss_f)
        samples = len(batch_r) + len(batch_f)
        ledger.count(forward=samples, backward=samples)
        ledger.observe(_losses, loss_r, loss_f)

    return write_gradients


def _losses(losses_r: Tensor, losses_f: Tensor) -> dict[str, Tensor]:
    return {"loss_retain": losses_r, "loss_forget": losses_f}


def forget_steps(
    data: UnlearningData, steps: int, rounds: int, forgetting_rounds: int | None = None
) -> tuple[bool, ...]:
    """Divides a budget into rounds, each of which forgets first and repairs afterwards.

    Published code does this by epochs: one pass over D_f, then one over D_r. A round stands for
    such an epoch, whatever the budget is: of its steps, the share n_f/(n_f + n_r) reads forget
    batches. Fractions are carried from round to round and rounded up, so that the first round
    always forgets.

    Args:
        data: Gives n_f and n_r.
        steps: The budget.
        rounds: How many rounds.
        forgetting_rounds: After this many rounds, no step forgets; all rounds do by default.

    Returns:
        For each step, whether it reads the forget set.
    """
    forgetting = rounds if forgetting_rounds is None else forgetting_rounds
    n_forget, n_retain = len(data.forget), len(data.retain)
    ends = [steps * k // rounds for k in range(rounds + 1)]
    total = [math.ceil(end * n_forget / (n_forget + n_retain)) for end in ends]
    plan: list[bool] = []
    for k in range(rounds):
        length = ends[k + 1] - ends[k]
        forget = total[k + 1] - total[k] if k < forgetting else 0
        plan += [True] * forget + [False] * (length - forget)
    return tuple(plan)


def take_turns(
    setting: Setting,
    plan: tuple[bool, ...],
    retain_step: Callable[[], None],
    forget_step: Callable[[], None],
) -> Callable[[], None]:
    """Takes a forget step wherever the plan says so, and a retain step elsewhere.

    Returns:
        What ``GradientMethod.prepare`` has to return.
    """

    def write_gradients() -> None:
        (forget_step if plan[setting.ledger.step] else retain_step)()

    return write_gradients
