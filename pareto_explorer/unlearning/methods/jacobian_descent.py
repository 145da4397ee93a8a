"""Jacobian descent: one step along an aggregate of the retain and the forget gradient."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.budget import Budget, Ledger
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.gradients import Jacobian
from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    absent_or_fraction,
    one_of,
    true_or_false,
)
from pareto_explorer.unlearning.core.loss_pair import Objectives
from pareto_explorer.unlearning.core.losses import ForgetLoss, require_met
from pareto_explorer.unlearning.core.references import function_of
from pareto_explorer.unlearning.methods._auto_lr import AutoLR
from pareto_explorer.unlearning.methods._continuation import (
    KNOBS,
    SCALES,
    Course,
    Path,
    holder_of,
    require_one_rate,
    takes,
    with_argument,
)
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._retain_losses import RETAIN_LOSS, RETAIN_LOSSES
from pareto_explorer.unlearning.methods._saliency import restore_masked, saliency_mask

if TYPE_CHECKING:
    from torchjd.aggregation import Weighting as TorchJDs
    from torchjd.linalg import PSDMatrix

    Aggregator = Weighting | Rule | TorchJDs[PSDMatrix]

__all__ = ["DIAGNOSTICS", "ENTRIES", "GRANULARITIES", "JacobianDescent", "PairStep"]

#: Columns that every run observes, averaged over the steps since the last evaluation.
DIAGNOSTICS = (
    "loss_retain",
    "loss_forget",
    "weight_retain",
    "weight_forget",
    "norm_retain",
    "norm_forget",
    "cosine",
    "hardness",
)
GRANULARITIES = ("full", "layer")


@dataclass(frozen=True, kw_only=True)
class JacobianDescent(GradientMethod):
    """Descends on a retain loss and a forget loss at once.

    Each step draws one retain and one forget batch, differentiates each loss on its own graph,
    lets the weighting turn the 2×2 Gramian of the gradients into two weights, and hands
    w_r g_r + w_f g_f to the optimiser as the gradient. A rule in place of the weighting may see
    more than the Gramian; see :class:`~pareto_explorer.unlearning.aggregators.Rule`.

    Source: Quinton and Rey (arXiv 2406.16232) for Jacobian descent, and RAUL (arXiv 2606.00399)
    for its use in unlearning; HAMU (arXiv 2606.02119) for tensors with weights of their own, CUP
    (arXiv 2510.19226) for the saliency mask, NGDiff (arXiv 2410.22086) for the learning rate, Ma et
    al. (arXiv 2006.16434) for continuation, here without their second-order prediction.

    Attributes:
        aggregator: The weighting, ours or TorchJD's, or the rule. A stateful one starts each run
            as it is given here.
        forget_loss: The objective on the forget set.
        retain_loss: The objective on the retain set: the ``task``'s own loss, or ``kl`` (see
            :func:`~._retain_losses.kl_to_original`), which is 0 with a zero gradient where the run
            begins, unless batch statistics or dropout keep it from that.
        granularity: ``full``: one pair of weights; ``layer``: each parameter tensor has a
            Gramian and a pair of weights of its own, of which the weight columns show the mean.
        saliency: Fraction of the weights that may move: those on which the forget loss of the
            original model depends most (see :func:`~._saliency.saliency_mask`). The others have no
            part in the Gramian and stay bit-identical. ``None``: all may move.
        auto_lr: Whether ``lr`` is only where the learning rate starts (see
            :class:`~._auto_lr.AutoLR`); with ``sgd`` only.
        path: Continuation: a knob of the aggregator or the forget loss, or ``lr``, that moves in
            levels of equally many steps. A model is shown at the end of each, and nowhere else.
            Model, momentum, batches and the aggregator's state go on from one level to the next.
            ``None``: nothing moves.
        path_from: Value of the knob in the first level.
        path_to: Value in the last one.
        path_levels: How many levels there are.
        path_scale: ``linear`` or ``log``: whether the values have even differences or ratios.

    Raises:
        InputError: When a word is not known, ``auto_lr`` is asked of ``adamw`` or of a learning
            rate that moves, or no part lets the knob of the path move.
    """

    aggregator: Aggregator
    forget_loss: ForgetLoss
    retain_loss: Literal["task", "kl"] = "task"
    granularity: Literal["full", "layer"] = "full"
    saliency: float | None = None
    auto_lr: bool = False
    path: str | None = None
    path_from: float = 0.95
    path_to: float = 0.05
    path_levels: int = 11
    path_scale: Literal["linear", "log"] = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.retain_loss not in RETAIN_LOSSES:
            raise unknown("retain_loss", self.retain_loss, RETAIN_LOSSES)
        if self.granularity not in GRANULARITIES:
            raise unknown("granularity", self.granularity, GRANULARITIES)
        if self.auto_lr and self.optimizer != "sgd":
            raise InputError(
                f"auto_lr: it measures along the step of sgd; set optimizer to 'sgd', not "
                f"{self.optimizer!r}, or auto_lr to false."
            )
        if self.path_scale not in SCALES:
            raise unknown("path_scale", self.path_scale, SCALES)
        if self._path is not None:
            self._require_movable(self._path.knob)

    @property
    def _path(self) -> Path | None:
        if self.path is None:
            return None
        ends = (self.path_from, self.path_to)
        return Path(self.path, *ends, self.path_levels, self.path_scale)

    def _require_movable(self, knob: str) -> None:
        """Refuses a knob that is read when its part is made, and never again."""
        require_one_rate(knob, self.auto_lr)
        if knob == "lr":
            return
        if holder_of(self.aggregator, knob) is None and not takes(self.forget_loss, knob):
            raise InputError(
                f"path: {knob!r} does not move, since neither {type(self.aggregator).__name__} "
                "nor the forget loss reads an attribute of that name at every step; take another "
                "knob."
            )

    def evaluation_steps(self, budget: Budget) -> Sequence[int]:
        """The ends of the levels of a path; else as the budget says."""
        return budget.evaluation_steps() if self._path is None else self._path.ends(budget.steps)

    def require(self, data: UnlearningData) -> None:
        """Refuses losses that the aggregator or the data are not made for.

        Raises:
            InputError: When the aggregator needs positive losses and one is not, or the forget
                loss asks for what the data do not have.
        """
        require_met(self.forget_loss, data)
        positive = isinstance(self.aggregator, Rule) and self.aggregator.needs_positive_losses
        loss = function_of(self.forget_loss)
        if positive and self.retain_loss == "kl":
            raise InputError(
                f"retain_loss: 'kl' is 0 at the original model, and"
                f" {type(self.aggregator).__name__} is defined for positive losses only; take"
                " 'task'."
            )
        if positive and getattr(loss, "falls_below_zero", False):
            raise InputError(
                f"aggregator: {type(self.aggregator).__name__} is defined for positive losses "
                f"only; take another forget_loss than {loss.__name__!r}."
            )

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        ledger = setting.ledger
        objectives = Objectives(
            setting.model,
            setting.data,
            setting.streams,
            ledger,
            self.forget_loss,
            RETAIN_LOSSES[self.retain_loss],
        )
        jacobian = Jacobian(setting.parameters, mask=self._mask(setting))
        gramian = jacobian.gramian if self.granularity == "full" else jacobian.gramians
        device = jacobian.rows.device
        aggregator = copy.deepcopy(self.aggregator).to(device)
        aggregate = self._aggregate(aggregator, setting, objectives, device)
        course = self._course(aggregator, setting, objectives, device)
        auto_lr = (
            AutoLR(setting.parameters, setting.optimizer, objectives.retain_again)
            if self.auto_lr
            else None
        )

        return PairStep(
            setting.ledger, objectives, aggregator, course, jacobian, gramian, aggregate, auto_lr
        )

    def alone(self) -> str:
        """Why models of this configuration cannot step together; empty if they can.

        A :class:`~pareto_explorer.unlearning.aggregators.Weighting` takes many Gramians at once,
        and one that keeps no state takes those of several runs.
        """
        weighting = self.aggregator
        if not isinstance(weighting, Weighting) or weighting.keeps_state:
            return f"aggregator {type(weighting).__name__} needs more than the Gramian of a step"
        for knob in ("saliency", "auto_lr"):
            if getattr(self, knob):
                return f"{knob} is set"
        return "" if self.granularity == "full" else f"granularity is {self.granularity}"

    def _course(
        self,
        aggregator: nn.Module,
        setting: Setting,
        objectives: Objectives,
        device: torch.device,
    ) -> Course | None:
        """What moves the knob of the path, if there is one."""
        path = self._path
        if path is None:
            return None
        holder = holder_of(aggregator, path.knob)

        def move(value: float) -> None:
            if path.knob == "lr":
                for group in setting.optimizer.param_groups:
                    group["lr"] = value
            elif holder is not None:
                setattr(holder, path.knob, value)
            else:
                loss = with_argument(objectives.forget_loss, path.knob, value)
                objectives.forget_loss = loss

        return Course(path, setting.steps, move, setting.ledger, device)

    def _aggregate(
        self,
        aggregator: Aggregator,
        setting: Setting,
        objectives: Objectives,
        device: torch.device,
    ) -> Callable[[Step], Tensor]:
        """Lets the run's own copy of the aggregator take part in it."""
        if not isinstance(aggregator, Rule):
            return lambda step: aggregator(step.gramian)
        seed = setting.streams.generator("aggregator").initial_seed()
        groups = setting.optimizer.param_groups
        aggregator.begin(
            Descent(
                setting.ledger,
                torch.Generator(device).manual_seed(seed),
                lambda: float(groups[0]["lr"]),
                self._products,
                objectives.draw_others,
                objectives.retain_again,
                objectives.losses_again,
            )
        )
        setting.after_step.append(aggregator.after)
        return aggregator

    def _products(self, jacobian: Jacobian, others: Tensor | None) -> Tensor:
        """Products of rows, at the method's granularity."""
        if self.granularity == "layer":
            return jacobian.gramians(others)
        return jacobian.gramian(others)

    def _mask(self, setting: Setting) -> Tensor | None:
        """Ones and zeros of shape (n,): which weights may move; the others are put back."""
        if self.saliency is None:
            return None
        masks = saliency_mask(setting.model, setting.data.forget, self.saliency)
        samples = len(setting.data.forget)
        setting.ledger.count(forward=samples, backward=samples)
        originals = [p.detach().clone() for p in setting.parameters]
        setting.after_step.append(lambda: restore_masked(setting.parameters, masks, originals))
        return torch.cat([mask.flatten() for mask in masks]).to(setting.parameters[0].dtype)


@dataclass(frozen=True)
class PairStep:
    """A step of one run: draws, differentiates, weighs and leaves the gradients.

    Attributes:
        ledger: Where diagnostics go.
        objectives: Gives both losses.
        aggregator: The run's own copy.
        course: What moves a knob along a path, if anything does.
        jacobian: Room for the gradients.
        gramian: Gives their products.
        aggregate: Gives the weights of a step, by the aggregator.
        auto_lr: What sets the learning rate, if anything does.
    """

    ledger: Ledger
    objectives: Objectives
    aggregator: Aggregator
    course: Course | None
    jacobian: Jacobian
    gramian: Callable[[], Tensor]
    aggregate: Callable[[Step], Tensor]
    auto_lr: AutoLR | None

    def __call__(self) -> None:
        """Does what :meth:`~._descent.GradientMethod.prepare` says."""
        if self.course is not None:
            self.course.advance()
        losses = self.objectives.draw()
        self.jacobian.differentiate(losses)
        products = self.gramian()
        loss_r, loss_f = (loss.detach() for loss in losses)
        weights = self.aggregate(Step((loss_r, loss_f), products, self.jacobian))
        self.jacobian.combine(weights)
        if self.auto_lr is not None:
            self.auto_lr.update(loss_r, self.jacobian.step)
        self.observe(loss_r, loss_f, weights, products)

    def observe(self, loss_r: Tensor, loss_f: Tensor, weights: Tensor, products: Tensor) -> None:
        """Notes the diagnostics of a step."""
        self.ledger.observe(_diagnostics, loss_r, loss_f, weights, products)


def _diagnostics(
    losses_r: Tensor, losses_f: Tensor, weights: Tensor, gramians: Tensor
) -> dict[str, Tensor]:
    """Derives :data:`DIAGNOSTICS` of n steps; a cosine with a zero gradient counts as 0."""
    if gramians.ndim > 3:
        gramians = gramians.sum(1)
    if weights.ndim > 2:
        weights = weights.mean(1)
    norm_r, norm_f = gramians.diagonal(dim1=-2, dim2=-1).sqrt().unbind(-1)
    product, scale = gramians[:, 0, 1], norm_r * norm_f
    values = (
        losses_r,
        losses_f,
        weights[:, 0],
        weights[:, 1],
        norm_r,
        norm_f,
        torch.where(scale > 0, product / scale, 0.0),
        -product,
    )
    return dict(zip(DIAGNOSTICS, values, strict=True))


ENTRIES = (
    Entry.of(
        "jacobian_descent",
        JacobianDescent,
        summary="Steps along an aggregate of the retain and the forget gradient.",
        source="Quinton and Rey, arXiv 2406.16232; RAUL, Khosrowshahi et al., arXiv 2606.00399",
        knobs=optimiser([0.003, 0.3])
        | {
            "retain_loss": RETAIN_LOSS,
            "granularity": KnobSpec(
                None,
                "full: one pair of weights; layer: one for each parameter tensor",
                one_of(GRANULARITIES),
            ),
            "saliency": KnobSpec(
                None,
                "fraction of the weights that may move, by forget gradient; null: all",
                absent_or_fraction,
            ),
            "auto_lr": KnobSpec(
                None,
                "whether lr is only the start: every tenth step it is fitted to the retain loss",
                true_or_false,
            ),
        }
        | KNOBS,
    ),
)
