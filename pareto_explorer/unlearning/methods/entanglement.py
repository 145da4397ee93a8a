"""Unlearning under retain-forget entanglement: forget hard first, then repair what is close."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.budget import Budget
from pareto_explorer.unlearning.core.data import Batch, Batches, UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.gradients import gradient
from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    above_zero,
    fraction,
    not_negative,
    whole_above_zero,
)
from pareto_explorer.unlearning.core.loss_pair import untracked
from pareto_explorer.unlearning.core.losses import per_sample
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._projection import flat_gradient, move, project_off

__all__ = ["ENTRIES", "Entanglement", "squared_wasserstein"]


@dataclass(frozen=True, kw_only=True)
class Entanglement(GradientMethod):
    """Forgets against the remote part of the retain set, then repairs the adjacent part.

    The task divides the retain set into an adjacent part, semantically close to the forget set,
    and a remote part. L is the task's loss, CE_i the cross-entropy of a sample and c its ``clip``.

    *Forgetting*, an augmented Lagrangian: descends on −γ mean min(CE_i, c) over a forget batch
    + λh + (μ/2)h², where h is L of a remote batch minus the mean L of the original model over the
    batches of the first pass. Both are measured alike: on augmented inputs where the task
    augments, and with batch norm as ``batch_norm`` says; for a model that stands still, λ is back
    at 0 after the first pass and then strays by chance alone. λ starts at 0 and grows by μh after
    each step, where h is the value before the step. The adjacent part is not read.

    *Repair*, projected gradient descent: v ← m·v + ∇L_adjacent, then v is projected on the
    orthogonal complement of ∇L_remote and of the gradient of (1 − α)·L_f + α·W₂², then θ ← θ − ηv;
    the projected v is what momentum carries on. L_f = −mean min(CE_i, c), and W₂² is the squared
    Wasserstein distance of a batch's min(CE_i, c) to those of the model at the end of the
    first phase: the mean squared difference of the sorted values. Both gradients are means over
    ``batches`` batches, or over as many as one pass takes, so a step of this phase reads up
    to 2·``batches`` + 1 batches, which the ledger counts.

    To first order, repair lowers the adjacent loss and changes neither of the others. The aim is
    suppression: the forget set is to be misclassified, not to look as if it were never seen.
    Batch norm is frozen unless told otherwise, as in the published code, which never leaves eval
    mode: only then are the losses that the constraint and the projections hold those of the model
    that is evaluated.

    Source: Cheng et al., *Machine Unlearning under Retain-Forget Entanglement* (arXiv 2603.26569,
    algorithm 1). A reconstruction in this: the phases share one batch size and divide the
    budget's steps, where the paper has one epoch of the first and six short ones of the second;
    the gradients that repair must not follow are brought to unit length before the
    ridge of 1e-8 is added. The published code adds 1e-8 for every parameter tensor
    to the squared norms as they are, which lets short gradients through, and it leaves the
    cross-entropy of the second phase unclipped; neither is carried over. Left out: the penalty on
    small forget losses, which the paper uses for ToxiGen only.

    Attributes:
        optimizer: Of the forgetting phase; the repair is its own.
        weight_decay: Decay in the forgetting phase.
        batch_norm: Of both phases.
        momentum: m of the repair; also that of ``sgd`` in the forgetting phase.
        repair_lr: η.
        forget_share: Share of the steps that forget, in [0, 1]; the rest repair.
        ascent: γ.
        penalty: μ.
        clip: c, above 0.
        wasserstein: α, in [0, 1].
        batches: Most batches per gradient that the repair must not follow, at least 1.
    """

    lr: float = 0.001
    optimizer: Literal["sgd", "adamw"] = "adamw"
    weight_decay: float = 0.0
    batch_norm: Literal["batch", "frozen"] = "frozen"
    repair_lr: float = 0.0005
    forget_share: float = 0.5
    ascent: float = 1.0
    penalty: float = 10.0
    clip: float = 10.0
    wasserstein: float = 0.5
    batches: int = 10

    def require(self, data: UnlearningData) -> None:
        """Checks that the data have what the method needs.

        Raises:
            InputError: When the retain set has no adjacent and remote part.
        """
        _parts(data)

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> Iterator[nn.Module]:
        """Runs as :meth:`Method.run` says, once :meth:`require` is met."""
        adjacent, remote = _parts(data)
        # Nothing here reads held-out data, so the adjacent part can have their stream of draws.
        parts = replace(data, retain=remote, heldout=adjacent)
        return super().run(model, parts, budget, generator)

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run on data whose retain set is remote and whose held-out set adjacent."""
        remote, forget = (setting.streams.batches(name) for name in ("retain", "forget"))
        forgetting = round(self.forget_share * setting.steps)
        phase: Callable[[], None] | None = None

        def write_gradients() -> None:
            nonlocal phase
            # Each phase begins at the model and in the mode of its first step.
            if phase is None and setting.ledger.step < forgetting:
                phase = self._forget(setting, remote, forget)
            elif phase is None or setting.ledger.step == forgetting:
                phase = self._repair(setting, remote, forget)
            phase()

        return write_gradients

    def _forget(self, setting: Setting, remote: Batches, forget: Batches) -> Callable[[], None]:
        model, parameters, ledger = setting.model, setting.parameters, setting.ledger
        pinned = _remote_loss(setting)
        multiplier = torch.zeros_like(pinned)

        def write_gradients() -> None:
            nonlocal multiplier
            batch_r, batch_f = next(remote), next(forget)
            loss_r = setting.data.loss(model(batch_r.inputs), batch_r.labels)
            loss_f = -self._clipped(model, batch_f).mean()
            excess = loss_r - pinned
            bound = multiplier * excess + self.penalty / 2 * excess.square()
            gradients = gradient(self.ascent * loss_f + bound, parameters)
            for parameter, part in zip(parameters, gradients, strict=True):
                parameter.grad = part
            multiplier = multiplier + self.penalty * excess.detach()

            samples = len(batch_r) + len(batch_f)
            ledger.count(forward=samples, backward=samples)
            ledger.observe(_diagnostics, loss_r, loss_f)

        return write_gradients

    def _repair(self, setting: Setting, remote: Batches, forget: Batches) -> Callable[[], None]:
        model, parameters, ledger = setting.model, setting.parameters, setting.ledger
        adjacent = setting.streams.batches("heldout")
        forgotten = copy.deepcopy(model)  # in the same mode, so that both see a batch alike
        velocity = torch.cat([torch.zeros_like(p).reshape(-1) for p in parameters])

        def write_gradients() -> None:
            nonlocal velocity
            batch = next(adjacent)
            loss = setting.data.loss(model(batch.inputs), batch.labels)
            ledger.count(forward=len(batch), backward=len(batch))
            velocity = self.momentum * velocity + flat_gradient(loss, parameters)

            rows, losses_f, losses_r = velocity.new_zeros(2, len(velocity)), [], []
            for batch in self._several(remote, len(setting.data.retain)):
                loss = setting.data.loss(model(batch.inputs), batch.labels)
                rows[1] += flat_gradient(loss, parameters)
                losses_r.append(loss.detach())
                ledger.count(forward=len(batch), backward=len(batch))
            for batch in self._several(forget, len(setting.data.forget)):
                with torch.no_grad():
                    before = self._clipped(forgotten, batch)
                now = self._clipped(model, batch)
                distance = squared_wasserstein(now, before)
                loss = self.wasserstein * distance - (1 - self.wasserstein) * now.mean()
                rows[0] += flat_gradient(loss, parameters)
                losses_f.append(-now.detach().mean())
                ledger.count(forward=2 * len(batch), backward=len(batch))

            velocity = project_off(velocity, rows)
            move(parameters, velocity, -self.repair_lr)
            for parameter in parameters:
                parameter.grad = None  # the optimiser passes over parameters without one
            ledger.observe(_diagnostics, torch.stack(losses_r).mean(), torch.stack(losses_f).mean())

        return write_gradients

    def _several(self, batches: Batches, samples: int) -> Iterator[Batch]:
        return islice(_one_pass(batches, samples), self.batches)

    def _clipped(self, model: nn.Module, batch: Samples) -> Tensor:
        """min(CE, c) of each sample, (B,)."""
        return per_sample(model(batch.inputs), batch.labels).clamp(max=self.clip)


def squared_wasserstein(first: Tensor, second: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance of two samples of n numbers, each of shape (n,)."""
    return (first.sort().values - second.sort().values).square().mean()


def _parts(data: UnlearningData) -> tuple[Samples, Samples]:
    """Returns the adjacent and the remote part of the retain set."""
    if data.adjacent is None or data.remote is None:
        raise InputError(
            "method: 'entanglement' needs a task with an adjacent set; forget a class or a"
            " subclass, or give the task adjacent_indices."
        )
    return data.adjacent, data.remote


def _one_pass(batches: Batches, samples: int) -> Iterator[Batch]:
    """Gives as many batches as it takes to see all samples."""
    first = next(batches)
    yield first
    yield from islice(batches, math.ceil(samples / len(first)) - 1)


@torch.no_grad()
def _remote_loss(setting: Setting) -> Tensor:
    """The mean loss of the model, in the mode of a step, over the batches of the first pass.

    The batches are those that the steps begin with, and no running statistic moves.
    """
    data, losses = setting.data, []
    with untracked(setting.model):
        for batch in _one_pass(setting.streams.batches("retain"), len(data.retain)):
            losses.append(data.loss(setting.model(batch.inputs), batch.labels))
            setting.ledger.count(forward=len(batch))
    return torch.stack(losses).mean()


def _diagnostics(losses_r: Tensor, losses_f: Tensor) -> dict[str, Tensor]:
    """Columns of n steps: the task's loss on the remote part, and L_f."""
    return {"loss_retain": losses_r, "loss_forget": losses_f}


_OPTIMISER = optimiser([0.0003, 0.01])
#: The optimiser's knobs, where forgetting and repair have their own.
_PHASED = _OPTIMISER | {
    "lr": _OPTIMISER["lr"]._replace(summary="learning rate of the forgetting phase, constant"),
    "optimizer": _OPTIMISER["optimizer"]._replace(summary="of the forgetting phase: sgd or adamw"),
    "momentum": _OPTIMISER["momentum"]._replace(summary="momentum of the repair, and of sgd"),
    "weight_decay": _OPTIMISER["weight_decay"]._replace(summary="decay in the forgetting phase"),
}

ENTRIES = (
    Entry.of(
        "entanglement",
        Entanglement,
        summary=(
            "Forgets against the remote retain set, then repairs the adjacent one by projected "
            "steps; needs a task with an adjacent set."
        ),
        source="Cheng et al., arXiv 2603.26569, algorithm 1",
        defects="ridge added once per tensor; repair loss not clipped",
        knobs=_PHASED
        | {
            "repair_lr": KnobSpec(
                {"loguniform": [0.0002, 0.001]}, "learning rate of the repair, constant", above_zero
            ),
            "forget_share": KnobSpec(
                {"uniform": [0.2, 0.8]}, "share of the steps that forget; the rest repair", fraction
            ),
            "ascent": KnobSpec(None, "weight of the forget loss while forgetting", above_zero),
            "penalty": KnobSpec(None, "how hard the remote loss is held", not_negative),
            "clip": KnobSpec(None, "cross-entropy beyond which nothing forgets", above_zero),
            "wasserstein": KnobSpec(
                {"uniform": [0.0, 1.0]},
                "share of the distance to the forgotten model in what repair protects",
                fraction,
            ),
            "batches": KnobSpec(
                None, "most batches per gradient that the repair must not follow", whole_above_zero
            ),
        },
    ),
)
