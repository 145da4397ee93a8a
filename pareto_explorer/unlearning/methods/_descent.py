"""What a method is, and what all methods that take gradient steps have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pareto_explorer.errors import unknown
from pareto_explorer.unlearning.core.budget import Budget, Ledger
from pareto_explorer.unlearning.core.data import Batch, Streams, UnlearningData
from pareto_explorer.unlearning.core.gradients import gradient

__all__ = [
    "BATCH_NORM_POLICIES",
    "OPTIMIZERS",
    "BatchLoss",
    "Demanding",
    "GradientMethod",
    "Method",
    "Models",
    "Setting",
    "Stage",
    "descend",
    "follow",
    "follow_batches",
    "uncompiled",
]


OPTIMIZERS = ("sgd", "adamw")
BATCH_NORM_POLICIES = ("batch", "frozen")

#: Maps logits (B, C), or (B, L, C) of sequences, and the batch that they belong to to a scalar.
BatchLoss = Callable[[Tensor, Batch], Tensor]


class Method(Protocol):
    """A whole unlearning procedure: a generator of models.

    Where :meth:`run` returns an object that can be pickled between two models, a run that loses
    its process goes on from its last checkpoint; one that is a Python generator starts again.
    """

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> Iterator[nn.Module]:
        """Unlearns in place and yields the model whenever it should be evaluated.

        Args:
            model: The original model, on the data's device. It is changed: pass a copy.
            data: What the method may look at.
            budget: What it may spend, unspent. Its ledger says at every yield what has been.
            generator: Source of all draws of the method. Layers that draw by themselves, such as
                dropout, use torch's global generator.

        Yields:
            The same model, in eval mode and without gradients, after each evaluation step, one
            at each: a second one at the ledger's step is refused. The consumer may switch modes,
            but must not change parameters.
        """
        ...


@runtime_checkable
class Demanding(Protocol):
    """A method that asks something of the data, checked before a sweep starts."""

    def require(self, data: UnlearningData) -> None:
        """Refuses data that the method cannot work on.

        Raises:
            InputError: In one sentence: what is missing and which tasks have it.
        """
        ...


@dataclass(frozen=True)
class Setting:
    """One run of a gradient method.

    Attributes:
        model: The model that is being unlearned.
        parameters: Its trainable parameters.
        data: The sets.
        streams: Batches and draws.
        ledger: Where samples and diagnostics go.
        steps: How many steps the whole run takes.
        optimizer: What takes the steps.
        after_step: Called in order after every optimiser step; a method appends to it what has
            to follow, such as putting back what the optimiser must not move.
    """

    model: nn.Module
    parameters: Sequence[nn.Parameter]
    data: UnlearningData
    streams: Streams
    ledger: Ledger
    steps: int
    optimizer: torch.optim.Optimizer
    after_step: list[Callable[[], None]] = field(default_factory=list)


class Stage(NamedTuple):
    """What a run works on, where that is not what it was given.

    Attributes:
        model: The model whose parameters the steps move.
        data: The sets that the steps read.
        show: Gives the model that is to be evaluated, in eval mode; ``None``: it is ``model``.
    """

    model: nn.Module
    data: UnlearningData
    show: Callable[[], nn.Module] | None = None


@dataclass(frozen=True, kw_only=True)
class GradientMethod(ABC):
    """Optimiser steps along gradients that a subclass computes.

    The learning rate is constant unless a method says otherwise. Batch-norm layers follow one of
    two policies:

    - ``batch``: every forward pass normalises with the statistics of its own batch and moves the
      running statistics, as in most published code. Forget and held-out batches thus change the
      evaluated model even where their gradients do not.
    - ``frozen``: batch-norm layers stay in eval mode; running statistics are not touched, and the
      model that is differentiated is the model that is evaluated. Scale and shift still learn.

    ``batch`` is the default of all methods because it is stable. On digits with mislabelled
    samples (60 steps of SGD, batches of 64), UPGrad on KL(U‖p) unlearns at learning rates from
    0.003 to 0.1 with ``batch``, and has diverged at 0.1 and lost half of the retain accuracy on
    its way at 0.03 with ``frozen``; CUP on the negative cross-entropy diverges at 0.003 with
    ``frozen`` and works up to 0.03 with ``batch``. The price shows when a whole class is to be
    forgotten: batches of a single class shift the statistics, so even tiny steps forget.

    With ``batch``, a step that reads several sets also depends on their order: of two batches, the
    later one has 1/(1 − m) times the weight of the earlier in running statistics of momentum m
    (0.1 in PyTorch). All methods pass the retain batch forward first, then the forget batch, then a
    held-out one, as the code of RAUL and of Cheng et al.'s forgetting phase does; no order is
    neutral, and one for all keeps it out of their comparison. ``benchmarks/forward_order.py``
    prints what the other would do. With ``frozen`` the order is without effect.

    Attributes:
        lr: Learning rate.
        optimizer: ``sgd`` or ``adamw`` (β = 0.9, 0.999).
        momentum: Momentum of ``sgd``; ``adamw`` ignores it.
        weight_decay: Decay of all parameters; decoupled for ``adamw``.
        batch_norm: ``batch`` or ``frozen``.

    Raises:
        InputError: When the optimiser or the policy has no such name.
    """

    lr: float = 0.03
    optimizer: Literal["sgd", "adamw"] = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_norm: Literal["batch", "frozen"] = "batch"

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)
        if self.batch_norm not in BATCH_NORM_POLICIES:
            raise unknown("batch_norm", self.batch_norm, BATCH_NORM_POLICIES)

    @abstractmethod
    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run.

        Returns:
            A function that draws the batches of one step, leaves the step's direction in the
            ``grad`` of every parameter, and counts the samples. It must not make the host wait
            for the device. If it sets the ledger's ``stopped``, this step is not taken and the
            run ends with the model as it is.
        """

    def stage(self, model: nn.Module, data: UnlearningData, ledger: Ledger) -> Stage:  # noqa: ARG002
        """Says what a run works on, at its beginning; the model and the data themselves, here."""
        return Stage(model, data)

    def evaluation_steps(self, budget: Budget) -> Sequence[int]:
        """The steps after which a model is shown, the last one included."""
        return budget.evaluation_steps()

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> Iterator[nn.Module]:
        """Runs as :meth:`Method.run` says; between two models, the iterator can be pickled."""
        return Models(self, model, data, budget, generator)

    def make_optimizer(self, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
        if self.optimizer == "sgd":
            return torch.optim.SGD(
                parameters,
                lr=self.lr,
                momentum=self.momentum,
                weight_decay=self.weight_decay,
                foreach=True,
            )
        return torch.optim.AdamW(
            parameters, lr=self.lr, weight_decay=self.weight_decay, foreach=True
        )

    def set_training(self, model: nn.Module) -> None:
        model.train()
        if self.batch_norm == "frozen":
            for module in model.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()


class Models:
    """The models of one run of a gradient method.

    An object rather than a Python generator, so that its state can be saved between two models.

    Args:
        method: What takes the steps.
        model: The original model.
        data: The sets.
        budget: What may be spent.
        generator: Source of all draws.
    """

    def __init__(
        self,
        method: GradientMethod,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> None:
        self.method = method
        self._start = (model, data, generator)
        self._budget = budget
        self._evaluations = iter(method.evaluation_steps(budget))
        self._upcoming: int | None = None
        self._begun = False

    def __iter__(self) -> Iterator[nn.Module]:
        return self

    def __next__(self) -> nn.Module:
        upcoming = self.aim()
        if upcoming is None:
            raise StopIteration
        self._guarded(partial(self._descend, upcoming))
        self._upcoming = None
        self.setting.model.eval()
        return self.setting.model if self._show is None else self._show()

    def aim(self) -> int | None:
        """Begins where that has not been done; the step of the next model, None if there is none.

        Whoever takes the steps up to there otherwise finds the model next.
        """
        if not self._begun:
            self._guarded(self._begin)
        if self._upcoming is None and not self.setting.ledger.stopped:
            self._upcoming = next(self._evaluations, None)
        return self._upcoming

    @staticmethod
    def _guarded(work: Callable[[], None]) -> None:
        """Keeps an iterator that runs dry inside a method from looking like the run's end."""
        try:
            work()
        except StopIteration as error:
            raise RuntimeError("an iterator of the method ended before the run did") from error

    def _descend(self, last: int) -> None:
        setting, write_gradients = self.setting, self.write_gradients
        ledger, optimizer = setting.ledger, setting.optimizer
        self.method.set_training(setting.model)
        while ledger.step < last:
            write_gradients()
            if ledger.stopped:
                break
            optimizer.step()
            for follow_up in setting.after_step:
                follow_up()
            ledger.step += 1
        optimizer.zero_grad()

    def _begin(self) -> None:
        ledger = self._budget.ledger
        if ledger.step:
            raise ValueError("this budget is spent; dataclasses.replace gives a new one")
        model, data, generator = self._start
        model, data, self._show = self.method.stage(model, data, ledger)
        streams = Streams(data, self._budget.batch_size, generator)
        parameters = [p for p in model.parameters() if p.requires_grad]
        optimizer = self.method.make_optimizer(parameters)
        steps = self._budget.steps
        self.setting = Setting(model, parameters, data, streams, ledger, steps, optimizer)
        self.write_gradients = self.method.prepare(self.setting)
        del self._start
        self._begun = True


def follow(
    setting: Setting,
    stream: Literal["retain", "forget"],
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[], None]:
    """Descends on one loss of one set.

    Args:
        setting: The run.
        stream: The set whose batches are read, one per step.
        loss: Maps logits (B, C) and labels (B,), or (B, L, C) and (B, L), to a scalar.

    Returns:
        What :meth:`GradientMethod.prepare` has to return.
    """
    return follow_batches(setting, stream, lambda logits, batch: loss(logits, batch.labels))


def follow_batches(
    setting: Setting, stream: Literal["retain", "forget"], loss: BatchLoss
) -> Callable[[], None]:
    """As :func:`follow`, with a loss that sees the whole batch, inputs included."""
    batches = setting.streams.batches(stream)

    def diagnostic(values: Tensor) -> dict[str, Tensor]:
        return {f"loss_{stream}": values}

    def write_gradients() -> None:
        batch = next(batches)
        value = loss(setting.model(batch.inputs), batch)
        descend(setting, value)
        setting.ledger.count(forward=len(batch), backward=len(batch))
        setting.ledger.observe(diagnostic, value)

    return write_gradients


def descend(setting: Setting, loss: Tensor) -> None:
    """Leaves the gradient of a scalar in the ``grad`` of every parameter."""
    gradients = gradient(loss, setting.parameters)
    for parameter, part in zip(setting.parameters, gradients, strict=True):
        parameter.grad = part


def uncompiled() -> AbstractContextManager[object]:
    """Runs compiled models as they were written.

    Compiled ones do not call hooks that came later, and their graphs can be passed backward once
    only.
    """
    return torch.compiler.set_stance("force_eager")
