"""The two losses of Jacobian descent, on the batches of a step and once more after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import Batch, Streams, UnlearningData
from pareto_explorer.unlearning.core.losses import ForgetBatch, ForgetLoss
from pareto_explorer.unlearning.core.references import ClassMeans, References

__all__ = ["Objectives", "untracked"]


class Objectives:
    """Draws batches and computes what retaining means on D_r and a forget loss on D_f.

    Args:
        model: The model that is being unlearned.
        data: The sets, and the loss that retaining means.
        streams: Sources of the batches.
        ledger: Where samples are counted.
        forget_loss: The objective on the forget set.
        retain_loss: The objective on the retain set; ``None``: the data's own loss.

    Attributes:
        forget_loss: The same; it may be replaced by one with other values of its knobs.
    """

    def __init__(
        self,
        model: nn.Module,
        data: UnlearningData,
        streams: Streams,
        ledger: Ledger,
        forget_loss: ForgetLoss,
        retain_loss: ForgetLoss | None = None,
    ) -> None:
        self._model = model
        self._ledger = ledger
        self._own_loss = data.loss
        self._retain_loss = retain_loss
        self.forget_loss = forget_loss
        self._retain, self._forget = (streams.batches(name) for name in ("retain", "forget"))
        asking = [loss for loss in (forget_loss, retain_loss) if loss is not None]
        self._references = _Recorded(References(model, data, streams, ledger, *asking))

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the last batches: who draws before they are asked for needs no data saved."""
        return {name: value for name, value in vars(self).items() if name != "_batches"}

    def draw(self) -> tuple[Tensor, Tensor]:
        """Gives both losses on the next two batches, and counts them forward and backward."""
        self._batches = next(self._retain), next(self._forget)
        return self._counted(*self._batches)

    def draw_others(self) -> tuple[Tensor, Tensor]:
        """Does the same, but the step's own batches stay those of :meth:`draw`."""
        return self._counted(next(self._retain), next(self._forget))

    @torch.no_grad()
    def retain_again(self) -> Tensor:
        """Gives the retain loss on the last batch for the model as it is now.

        Batch norm works as in the step, but no running statistic moves.
        """
        batch = self._batches[0]
        self._ledger.count(forward=len(batch))
        with untracked(self._model):
            return self._retaining(self._model(batch.inputs), batch)

    @torch.no_grad()
    def losses_again(self) -> Tensor:
        """Gives both losses likewise, as a tensor of shape (2,).

        Random labels and the current model's held-out means stay those of the step.
        """
        self._ledger.count(forward=sum(len(batch) for batch in self._batches))
        self._references.replay = True
        with untracked(self._model):
            return torch.stack(self._losses(*self._batches))

    def draw_inputs(self) -> tuple[Tensor, Tensor]:
        """Draws and counts as :meth:`draw`; whoever passes the inputs forward asks for the losses.

        Returns:
            The inputs of the retain and of the forget batch.
        """
        self._batches = retain, forget = next(self._retain), next(self._forget)
        self._count(retain, forget)
        return retain.inputs, forget.inputs

    def losses_of(self, logits_r: Tensor, logits_f: Tensor) -> tuple[Tensor, Tensor]:
        """Gives both losses of the logits that belong to :meth:`draw_inputs`.

        Raises:
            RuntimeError: The forget loss asks for predictions of the current model, whose
                parameters are elsewhere.
        """
        self._references.elsewhere = True
        retain, forget = self._batches
        return self._retaining(logits_r, retain), self._forgetting(logits_f, forget)

    def _counted(self, retain: Batch, forget: Batch) -> tuple[Tensor, Tensor]:
        self._count(retain, forget)
        return self._losses(retain, forget)

    def _count(self, retain: Batch, forget: Batch) -> None:
        self._references.anew()
        samples = len(retain) + len(forget)
        self._ledger.count(forward=samples, backward=samples)

    def _losses(self, retain: Batch, forget: Batch) -> tuple[Tensor, Tensor]:
        loss_r = self._retaining(self._model(retain.inputs), retain)
        return loss_r, self._forgetting(self._model(forget.inputs), forget)

    def _retaining(self, logits: Tensor, retain: Batch) -> Tensor:
        if self._retain_loss is None:
            return self._own_loss(logits, retain.labels)
        return self._retain_loss(ForgetBatch.of(logits, retain, self._references))

    def _forgetting(self, logits: Tensor, forget: Batch) -> Tensor:
        return self.forget_loss(ForgetBatch.of(logits, forget, self._references))


class _Recorded(References):
    """References whose last draws can be given once more."""

    replay = False
    elsewhere = False

    def __init__(self, references: References) -> None:
        # Everything is left to the references inside: the base class is here for its interface.
        self._inner = references
        self._logits: list[tuple[Samples, Tensor]] = []

    def anew(self) -> None:
        """Begins a draw: nothing of the one before is given once more."""
        self.replay = self.elsewhere = False
        self._logits.clear()

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out what was recorded: it belongs to a step, and a step is never interrupted."""
        return {"_inner": self._inner, "_logits": []}

    @property
    def original_heldout(self) -> ClassMeans:
        return self._inner.original_heldout

    def current_heldout(self, *, gradient: bool) -> ClassMeans:
        self._require_here()
        if not self.replay:
            self._means = self._inner.current_heldout(gradient=gradient)
        return self._means

    def original_nll(self, batch: Batch) -> Tensor:
        return self._inner.original_nll(batch)

    def original_logits(self, batch: Samples) -> Tensor:
        for seen, logits in self._logits:
            if seen is batch:
                return logits
        logits = self._inner.original_logits(batch)
        self._logits.append((batch, logits))
        return logits

    def refusal(self, batch: Batch) -> Samples:
        return self._inner.refusal(batch)

    def original_refusal_nll(self, batch: Batch) -> Tensor:
        return self._inner.original_refusal_nll(batch)

    def current_refusal_nll(self, batch: Batch) -> Tensor:
        self._require_here()
        return self._inner.current_refusal_nll(batch)

    def _require_here(self) -> None:
        if self.elsewhere:
            raise RuntimeError("the forget loss asks for predictions of the current model")

    def random_labels(self, labels: Tensor) -> Tensor:
        if not self.replay:
            self._labels = self._inner.random_labels(labels)
        return self._labels


@contextmanager
def untracked(model: nn.Module) -> Iterator[None]:
    """Keeps the running statistics of batch-norm layers still, whatever passes through."""
    layers = [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.training and module.track_running_stats
    ]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
