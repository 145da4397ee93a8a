"""One replicate of one trial, without Ray: from a configuration to rows of the points table."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from types import GeneratorType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import Diverged, Evaluator, evaluator_of
from pareto_explorer.schema.columns import BUNDLE, place
from pareto_explorer.schema.statuses import DIVERGED, OK
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.tasks import UnlearningTask, builds_its_original, restore_model
from pareto_explorer.tasks.landmarks.training import repeatable
from pareto_explorer.tasks.models.logits import version_of
from pareto_explorer.unlearning import Budget, Ledger, UnlearningData, make_method
from pareto_explorer.unlearning.bundle import MemberError, descend_together
from pareto_explorer.unlearning.core.batch_norm import FormerStatistics, recompute_statistics
from pareto_explorer.unlearning.core.budget import as_position
from pareto_explorer.unlearning.core.session import (
    GlobalDraws,
    data_tensors,
    load_session,
    save_session,
)

__all__ = [
    "Bench",
    "Landmarks",
    "Point",
    "ReplicateRun",
    "Row",
    "describe",
    "run_replicate",
    "step_together",
    "unlearning_data",
]

Row = dict[str, Any]


@dataclass(frozen=True)
class Landmarks:
    """Weights of the original and the retrained model of one training seed, on the CPU.

    Where nothing is retrained, the latter are None.
    """

    original: dict[str, torch.Tensor]
    retrained: dict[str, torch.Tensor] | None = None


class Point(NamedTuple):
    """One evaluated checkpoint.

    Attributes:
        row: Its row of the points table.
        model: The model that it describes; live, the next step changes it.
        stopped: Why the method ended here, before its budget did; empty if it did not.
        forget_margins: The model's margins on the forget set, (f,); None if it has diverged.
        more: Whether the method has further models to show at this step.
    """

    row: Row
    model: nn.Module
    stopped: str
    forget_margins: NDArray[np.float64] | None = None
    more: bool = False


def unlearning_data(task: UnlearningTask) -> UnlearningData:
    """What a method may look at of a task."""
    return UnlearningData(
        task.retain,
        task.forget,
        task.heldout,
        task.n_classes,
        fresh_model=None if builds_its_original(task) else task.model,
        adjacent=task.adjacent,
        remote=task.remote,
        augment=task.augment,
        loss=task.loss,
        refusals=task.language.refusals if task.language else None,
    )


class Bench:
    """What all trials of a process share: the task on its device, originals, evaluators.

    Args:
        task: The unlearning task.
        landmarks: Landmarks by training seed.
        device: Where unlearning and evaluation run.
    """

    def __init__(
        self, task: UnlearningTask, landmarks: Mapping[int, Landmarks], device: str
    ) -> None:
        self.task = task.to(device)
        self.device = device
        self.data = unlearning_data(self.task)
        self._landmarks = landmarks
        self._prepared: dict[int, tuple[nn.Module, Evaluator]] = {}
        self._versions = self._count_changes()

    def prepared(self, training_seed: int) -> tuple[nn.Module, Evaluator]:
        """The original model of a training seed and the evaluator against its landmarks."""
        if training_seed not in self._prepared:
            landmarks = self._landmarks[training_seed]
            original = restore_model(self.task, landmarks.original, self.device)
            retrained = (
                None
                if landmarks.retrained is None
                else restore_model(self.task, landmarks.retrained, self.device)
            )
            evaluator = evaluator_of(self.task, original, retrained)
            self._prepared[training_seed] = original, evaluator
        return self._prepared[training_seed]

    def require_untouched(self) -> None:
        """Refuses to go on with data that a method has changed, or its model in training.

        Raises:
            InputError: The data are no longer what they were.
        """
        for name, version in self._count_changes().items():
            if version != self._versions[name]:
                raise InputError(
                    f"model or method: it changes the task's {name} in place; let it compute on "
                    "new tensors, as x = x / 4 does and x /= 4 does not."
                )

    def _count_changes(self) -> dict[str, int]:
        return {name: version_of(values) for name, values in data_tensors(self.data).items()}


class ReplicateRun:
    """One replicate being unlearned: an iterator over its points that can be saved in between.

    The random numbers depend on the replicate alone, so that every family sees the same batches.
    PyTorch's global generators, which layers such as dropout draw from, are the replicate's own
    while its method works, whatever else runs in the process.

    Args:
        bench: Task, landmarks and device.
        plan: The trial.
        replicate: Its seeds.
        budget: Steps, batch size and evaluation interval.
    """

    def __init__(
        self, bench: Bench, plan: TrialPlan, replicate: Replicate, budget: BudgetSpec
    ) -> None:
        self._bench = bench
        self._plan = plan
        self._replicate = replicate
        self._budget = budget
        self._progress: _Progress | None = None
        self._can_save = True

    @classmethod
    def resumed(
        cls,
        bench: Bench,
        plan: TrialPlan,
        replicate: Replicate,
        budget: BudgetSpec,
        snapshot: bytes,
    ) -> ReplicateRun:
        """Goes on from a snapshot of a run with the same arguments, on any device."""
        run = cls(bench, plan, replicate, budget)
        progress = load_session(snapshot, data_tensors(bench.data), bench.device)
        if not isinstance(progress, _Progress):
            raise TypeError(f"a snapshot holds a {type(progress).__name__}")
        run._progress = progress
        return run

    def __iter__(self) -> Iterator[Point]:
        return self

    def __next__(self) -> Point:
        """Moves to the next evaluation.

        A diverged model ends the iteration with a row whose ``status`` says so.

        Raises:
            InputError: The method yields a second model at one step and position, or goes back;
                or the data have been changed in place.
        """
        with repeatable():
            return self._advance()

    def _advance(self) -> Point:
        if self._progress is None:
            self._progress = self._begin()
        progress = self._progress
        if progress.ended:
            raise StopIteration
        ledger = progress.spent.ledger
        progress.draws.give()
        with ledger.clock():
            model = self._next_model(progress)
        progress.draws.take_back()
        self._bench.require_untouched()
        if model is None:
            progress.ended = True
            raise StopIteration
        position = self._new_position(progress, ledger)
        row = describe(self._plan, self._replicate) | {
            "step": ledger.step,
            "position": position,
            "samples": ledger.samples,
            "seconds": ledger.seconds,
        }
        if progress.together > 1:
            row[BUNDLE] = float(progress.together)
            progress.together = 1
        started = perf_counter()
        row |= ledger.drain()
        _, evaluator = self._bench.prepared(self._replicate.training_seed)
        margins = None
        try:
            _check_finite(model)
            metrics, margins = evaluator.evaluate(model, last=self._is_last(ledger))
            row |= metrics
        except Diverged as error:
            row |= {"status": DIVERGED, "error": str(error)}
            progress.ended = True
        progress.evaluation_seconds += perf_counter() - started
        row["evaluation_seconds"] = progress.evaluation_seconds
        more = progress.more and not progress.ended
        return Point(row, model, ledger.stopped, margins, more)

    def _next_model(self, progress: _Progress) -> nn.Module | None:
        """Moves on to the next model; its steps never see the statistics that it is shown with."""
        progress.restore_statistics()
        model = next(progress.models, None)
        if model is not None and self._budget.batch_norm_statistics == "recompute":
            ledger, retain = progress.spent.ledger, self._bench.data.retain
            progress.former = recompute_statistics(model, retain, ledger)
        return model

    def _is_last(self, ledger: Ledger) -> bool:
        """Whether the run ends at this step; that of a method without steps ends at 0."""
        return bool(ledger.stopped) or ledger.step == 0 or ledger.step >= self._budget.steps

    def _new_position(self, progress: _Progress, ledger: Ledger) -> float:
        """Where the next model is; refuses a second one there, as only one could be kept."""
        method, step, last = self._plan.family.method, ledger.step, progress.step
        position = as_position(ledger.position)
        if last is not None and (step < last or (step == last and not progress.more)):
            raise InputError(
                f"method {method!r}: it yields a model at step {step} after one at step {last}; "
                "add the steps that it takes to budget.ledger.step before it yields, and yield one "
                "model at each step, or several in `for position in budget.ledger.along(...)`."
            )
        if step != last:
            if progress.more:
                raise InputError(
                    f"method {method!r}: it leaves its line of models at step {last} before the "
                    "last position; yield a model at each position of budget.ledger.along(...)."
                )
            progress.positions = set()
        if position in progress.positions:
            raise InputError(
                f"method {method!r}: it yields two models at {place(step, position)}; give each a "
                "position of its own."
            )
        progress.positions.add(position)
        progress.step, progress.more = step, ledger.more
        return position

    @property
    def begun(self) -> bool:
        """Whether it has taken a step, here or before its snapshot."""
        return self._progress is not None

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, or has diverged."""
        return self._progress is not None and self._progress.ended

    def _ready(self) -> _Progress:
        """The state from which the next step starts."""
        if self._progress is None:
            self._progress = self._begin()
        self._progress.restore_statistics()
        return self._progress

    @property
    def can_save(self) -> bool:
        """Whether there is anything to save that is known to be possible to save."""
        return (
            self._can_save
            and self._progress is not None
            and not isinstance(self._progress.models, GeneratorType)
        )

    def snapshot(self) -> bytes | None:
        """The state between two points, without the data; the points so far are not in it.

        Returns:
            What :meth:`resumed` takes, or None for a run that can only start again: it has not
            begun, its method is a Python generator, or a part of a user's own cannot be pickled.
        """
        if not self.can_save:
            return None
        try:
            return save_session(self._progress, data_tensors(self._bench.data), self._bench.device)
        except Exception:  # whatever a user's own part raises there, the trial can go on
            self._can_save = False
            return None

    def _begin(self) -> _Progress:
        original, _ = self._bench.prepared(self._replicate.training_seed)
        budget, device = self._budget, self._bench.device
        spent = Budget(budget.steps, budget.batch_size, budget.evaluate_every)
        seed = _seed(self._replicate)
        generator = torch.Generator(device).manual_seed(seed)
        method = make_method(self._plan.config)
        models = method.run(copy.deepcopy(original), self._bench.data, spent, generator)
        return _Progress(models, spent, GlobalDraws(seed, device))


@dataclass
class _Progress:
    """What a run has come to: all that a snapshot holds."""

    models: Iterator[nn.Module]
    spent: Budget
    draws: GlobalDraws
    evaluation_seconds: float = 0.0
    former: FormerStatistics | None = None
    step: int | None = None
    positions: set[float] = field(default_factory=set)  # at that step
    more: bool = False
    ended: bool = False
    together: int = 1  # replicates that have stepped up to the next point at once

    def restore_statistics(self) -> None:
        """Puts back what the last model was not shown with."""
        if self.former is not None:
            self.former.restore()
            self.former = None


def run_replicate(
    bench: Bench, plan: TrialPlan, replicate: Replicate, budget: BudgetSpec
) -> ReplicateRun:
    """Unlearns one replicate and evaluates it at each interval; see :class:`ReplicateRun`."""
    return ReplicateRun(bench, plan, replicate, budget)


def step_together(runs: Sequence[ReplicateRun]) -> None:
    """Takes the steps of some replicates up to their next points, which each then finds at once.

    Each is charged its own samples, and an equal share of the seconds.

    Args:
        runs: Replicates of one trial that may step together, as far as each other. Those that have
            ended are left out; with one alone, nothing is done.

    Raises:
        MemberError: The loss of one of them fails; ``member`` is its place among ``runs``.
    """
    living = [run for run in runs if not run.ended]
    if len(living) < 2:
        return
    states, spent = [run._ready() for run in living], Ledger()
    try:
        with repeatable(), spent.clock():
            descend_together([state.models for state in states])
    except MemberError as error:
        raise MemberError(runs.index(living[error.member]), error.cause) from error.cause
    for state in states:
        state.spent.ledger.seconds += spent.seconds / len(states)
        state.together = len(states)


def describe(plan: TrialPlan, replicate: Replicate) -> Row:
    """The columns that say which point a row is about; nothing measured yet."""
    return {
        "trial_id": plan.trial_id,
        "family": plan.family.name,
        "method": plan.family.method,
        "aggregator": plan.family.aggregator or "",
        "forget_loss": plan.family.forget_loss or "",
        "replicate": replicate.index,
        "training_seed": replicate.training_seed,
        "unlearning_seed": replicate.unlearning_seed,
        "step": 0,
        "position": 0.0,
        "samples": 0,
        "seconds": 0.0,
        "status": OK,
        "error": "",
    } | {f"config.{name}": value for name, value in plan.knobs.items()}


def _check_finite(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise Diverged(f"parameter {name} is not finite")


def _seed(replicate: Replicate) -> int:
    key = f"{replicate.training_seed}/{replicate.unlearning_seed}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big")
