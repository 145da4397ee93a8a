"""Several runs of Jacobian descent in one step: their models are stacked and pass together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from pareto_explorer.unlearning.methods._descent import Models, uncompiled
from pareto_explorer.unlearning.methods.jacobian_descent import JacobianDescent, PairStep

__all__ = ["MemberError", "descend_together", "reason_alone"]


class MemberError(Exception):
    """What the loss of one member of a bundle has raised.

    Attributes:
        member: Which one, counted from 0.
        cause: The error.
    """

    def __init__(self, member: int, cause: Exception) -> None:
        super().__init__(str(cause))
        self.member = member
        self.cause = cause


def reason_alone(method: object) -> str:
    """Why runs of a method cannot step together, whatever the model; empty if they may."""
    if type(method) is not JacobianDescent:
        return f"method {type(method).__name__} steps one model at a time"
    return method.alone()


def descend_together(runs: Sequence[Iterator[nn.Module]]) -> None:
    """Takes the steps of all runs up to their next models, which they then show without a step.

    Between two models every run is a run of its own, with its model, its optimiser and its draws,
    so it may go on alone or with others.

    Args:
        runs: Runs of one configuration, :func:`reason_alone` of which is empty, with equally large
            batches, all as far as each other.
    """
    models = [run for run in runs if isinstance(run, Models)]
    last = {run.aim() for run in models}
    if len(models) < len(runs) or len(last) > 1:
        raise ValueError("runs that step together are of one method, as far as each other")
    (step,) = last
    if step is None:
        return
    stack = _Stack(models)
    with uncompiled():
        while models[0].setting.ledger.step < step:
            stack.step()
    stack.hand_back()


class _Stack:
    """The parameters, buffers and optimiser state of B runs along a new first dimension.

    Nothing here waits for the device.
    """

    def __init__(self, runs: Sequence[Models]) -> None:
        self._settings = [run.setting for run in runs]
        self._pairs = [cast("PairStep", run.write_gradients) for run in runs]
        models = [setting.model for setting in self._settings]
        for run in runs:
            run.method.set_training(run.setting.model)
        self._parameters, self._buffers = stack_module_state(models)
        self._moving: list[Tensor] = [p for p in self._parameters.values() if p.requires_grad]
        self._sizes = [p[0].numel() for p in self._moving]
        self._optimizer = runs[0].method.make_optimizer(self._moving)
        self._take_optimizer_state()

        def forward(
            parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor
        ) -> Tensor:
            return functional_call(models[0], (parameters, buffers), (inputs,))

        self._forward = torch.vmap(forward)

    def step(self) -> None:
        """Takes one step of every run."""
        for pair in self._pairs:
            if pair.course is not None:
                pair.course.advance()
        inputs = zip(*(pair.objectives.draw_inputs() for pair in self._pairs), strict=True)
        logits = [
            self._forward(self._parameters, self._buffers, torch.stack(batches)).unbind()
            for batches in inputs
        ]
        own = zip(*logits, strict=True)
        losses = [self._losses(member, *both) for member, both in enumerate(own)]
        rows = self._jacobians(losses)
        doubles = rows.double()
        products = doubles @ doubles.mT
        weights = self._pairs[0].aggregator(products)
        steps = (weights.to(rows.dtype)[:, None] @ rows)[:, 0]
        for whole, part in zip(self._moving, steps.split(self._sizes, 1), strict=True):
            whole.grad = part.contiguous().view_as(whole)  # else, slow paths of the optimiser
        self._optimizer.param_groups[0]["lr"] = self._settings[0].optimizer.param_groups[0]["lr"]
        self._optimizer.step()
        for i, (setting, pair) in enumerate(zip(self._settings, self._pairs, strict=True)):
            loss_r, loss_f = losses[i]
            pair.observe(loss_r.detach(), loss_f.detach(), weights[i], products[i])
            setting.ledger.step += 1

    def _losses(self, member: int, *logits: Tensor) -> tuple[Tensor, Tensor]:
        try:
            return self._pairs[member].objectives.losses_of(*logits)
        except Exception as error:
            raise MemberError(member, error) from error

    def _jacobians(self, losses: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Gradients of both losses of each run, of shape (B, 2, n); the newest graph goes first."""
        retain, forget = zip(*losses, strict=True)
        rows = [
            torch.cat([part.reshape(len(part), -1) for part in self._gradient(objective)], 1)
            for objective in (forget, retain)
        ]
        return torch.stack(rows[::-1], 1)

    def _gradient(self, losses: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """No run's loss depends on another's parameters: the sum has the gradients of all."""
        return torch.autograd.grad(losses, self._moving, materialize_grads=True)

    @torch.no_grad()
    def hand_back(self) -> None:
        """Gives every run what has become of it."""
        for i, setting in enumerate(self._settings):
            model = setting.model
            for name, value in (*model.named_parameters(), *model.named_buffers()):
                whole = self._parameters.get(name, self._buffers.get(name))
                value.copy_(cast("Tensor", whole)[i])
            for whole, own in zip(self._moving, setting.parameters, strict=True):
                setting.optimizer.state[own] = {
                    name: value.clone() if name == "step" else value[i].clone()
                    for name, value in self._optimizer.state[whole].items()
                }

    def _take_optimizer_state(self) -> None:
        for whole, *own in zip(
            self._moving, *(setting.parameters for setting in self._settings), strict=True
        ):
            states = [
                setting.optimizer.state.get(p, {})
                for setting, p in zip(self._settings, own, strict=True)
            ]
            self._optimizer.state[whole] = {
                name: value.clone() if name == "step" else torch.stack([s[name] for s in states])
                for name, value in states[0].items()
            }
