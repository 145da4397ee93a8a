"""A few real steps of every family, with the time and the memory that they take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.schema.statuses import DIVERGED
from pareto_explorer.sweeps.checks.batches import is_lone, lone_families
from pareto_explorer.sweeps.checks.data import Finding
from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.memory import peak_memory
from pareto_explorer.sweeps.trials.refusals import refused_methods
from pareto_explorer.sweeps.trials.replicate import Bench, Point, run_replicate
from pareto_explorer.tasks import Language, Samples, UnlearningTask
from pareto_explorer.text import families, plural
from pareto_explorer.unlearning import Ledger, UnlearningData
from pareto_explorer.unlearning.core.batch_norm import recompute_statistics

__all__ = [
    "FamilyCheck",
    "Pass",
    "Scale",
    "check_families",
    "check_methods",
    "seconds_per_sample",
    "thinned",
]

_PASSES = BudgetSpec(steps=4, evaluate_every=2)
_SLOW = BudgetSpec(steps=2, evaluate_every=1)
"""What is tried of models whose step takes more than a second."""


@dataclass(frozen=True)
class FamilyCheck:
    """What a few real steps of one family took, on one replicate.

    Attributes:
        name: The family.
        setup_seconds: Before the first step; for a method without steps, all of it.
        step_seconds: Each step; 0 for a method without steps.
        evaluation_seconds: Each evaluation.
        statistics_seconds: New batch-norm statistics before each evaluation; 0 where they are kept.
        statistics_samples: What these count.
        setup_samples: Samples that one replicate counts before its first step.
        step_samples: And in each step.
        memory: Most memory held meanwhile, in bytes.
        failed: Why it failed; empty if it did not.
        raised: Whether that is what code has raised, and no refusal.
    """

    name: str
    setup_seconds: float = 0.0
    step_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    statistics_seconds: float = 0.0
    statistics_samples: float = 0.0
    setup_samples: float = 0.0
    step_samples: float = 0.0
    memory: int = 0
    failed: str = ""
    raised: bool = False

    def seconds(self, steps: int, evaluations: int) -> float:
        """Seconds of one replicate of a trial, evaluations included."""
        evaluations = evaluations if self.step_seconds else 1
        return self.unlearning(steps, evaluations) + evaluations * self.evaluation_seconds

    def unlearning(self, steps: int, evaluations: int) -> float:
        """Seconds of one replicate of a trial that its points record as those of unlearning."""
        evaluations = evaluations if self.step_seconds else 1
        stepping = self.setup_seconds + steps * self.step_seconds
        return stepping + evaluations * self.statistics_seconds

    def samples(self, steps: int, evaluations: int) -> float:
        """Samples that one replicate of a trial counts."""
        evaluations = evaluations if self.step_seconds else 1
        stepping = self.setup_samples + steps * self.step_samples
        return stepping + evaluations * self.statistics_samples


@dataclass(frozen=True)
class Scale:
    """How many times larger one task is than another.

    Attributes:
        trained: In training samples.
        evaluated: In samples of all sets.
        batch: In samples of a batch.
    """

    trained: float = 1.0
    evaluated: float = 1.0
    batch: float = 1.0

    @classmethod
    def between(cls, task: UnlearningTask, small: UnlearningTask, batch: float = 1.0) -> Scale:
        """How many times larger ``task`` is than ``small``, and ``batch`` as it is."""
        sizes = [
            len(t.train) + len(t.heldout) + len(t.validation) + len(t.test) for t in (task, small)
        ]
        return cls(len(task.train) / len(small.train), sizes[0] / sizes[1], batch)


def thinned(task: UnlearningTask, most: int, least: int) -> UnlearningTask:
    """The task with evenly spaced samples of every set only.

    Args:
        task: The task.
        most: About how many training samples are left; the task itself comes back if it has no
            more.
        least: What is left of each set, if it has as many: a batch.
    """
    share = most / len(task.train)
    if share >= 1:
        return task
    parts = {"retain": task.retain_indices, "forget": task.forget_indices}
    if task.adjacent_indices is not None and task.remote_indices is not None:
        parts = {
            "remote": task.remote_indices,
            "adjacent": task.adjacent_indices,
            "forget": task.forget_indices,
        }
    left = {name: _spaced(index, share, least) for name, index in parts.items()}
    kept = torch.cat(list(left.values())).sort().values

    def position(name: str) -> Tensor:
        return torch.searchsorted(kept, left[name])

    return dataclasses.replace(
        task,
        train=task.train.take(kept),
        heldout=_fewer(task.heldout, share, least),
        validation=_fewer(task.validation, share, least),
        test=_fewer(task.test, share, least),
        forget_indices=position("forget"),
        adjacent_indices=position("adjacent") if "adjacent" in left else None,
        planted=None,
        language=_thinned_language(task, kept, left["forget"]),
    )


def _thinned_language(task: UnlearningTask, kept: Tensor, forgotten: Tensor) -> Language | None:
    """What is measured of a language model where these positions of its training set are left."""
    if task.language is None:
        return None
    measured = task.language.retain_sample
    measured = task.retain_indices if measured is None else measured
    rows = torch.isin(measured, kept).nonzero().squeeze(1)
    forget = (forgotten[:, None] == task.forget_indices).nonzero()[:, 1]
    return task.language.of_rows(forget, rows, torch.searchsorted(kept, measured[rows]))


def seconds_per_sample(task: UnlearningTask, model: nn.Module, device: str, batch: int) -> float:
    """Times one forward and backward pass in training mode; the second of two.

    Batch norm needs two samples at least.
    """
    samples = task.train.take(torch.arange(min(max(batch, 2), len(task.train)))).to(device)
    parameters = [p for p in model.parameters() if p.requires_grad]
    flags = [(module, module.training) for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    seconds = 0.0
    for _ in range(2):
        started = perf_counter()
        loss = task.loss(model.train()(samples.inputs), samples.labels)
        torch.autograd.grad(loss, parameters, allow_unused=True)
        if device != "cpu":
            torch.cuda.synchronize()
        seconds = perf_counter() - started
    model.load_state_dict(state)
    for module, training in flags:
        module.training = training
    return seconds / len(samples)


class Pass(NamedTuple):
    """What a pass for new batch-norm statistics takes."""

    seconds: float = 0.0
    samples: float = 0.0

    @classmethod
    def measured(cls, model: nn.Module, retain: Samples) -> Pass:
        """Takes one over the retain set; the model's statistics stay as they were."""
        ledger, started = Ledger(), perf_counter()
        former = recompute_statistics(model, retain, ledger)
        if retain.labels.is_cuda:
            torch.cuda.synchronize()
        seconds = perf_counter() - started
        former.restore()
        return cls(seconds, ledger.samples)

    def times(self, number: float) -> Pass:
        """So many of them, or one over so many times as many samples."""
        return Pass(self.seconds * number, self.samples * number)


_KEPT = Pass()


def check_methods(plans: Sequence[TrialPlan], task: UnlearningTask) -> list[Finding]:
    """Lets the method of every trial refuse the task; each refusal once."""
    refusals = (f"family {plan.family.name}: {e}" for plan, e in refused_methods(plans, task))
    return [Finding("error", text) for text in dict.fromkeys(refusals)]


def check_families(
    bench: Bench,
    plans: Mapping[str, TrialPlan],
    replicate: Replicate,
    batch_size: int,
    *,
    scale: Scale = Scale(),
    statistics: Pass = _KEPT,
    slow: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[list[FamilyCheck], list[Finding]]:
    """Takes a few steps of one trial of every family, as the sweep will, and evaluates them.

    Args:
        bench: Task, landmarks and device.
        plans: A trial of every family, by the family's name.
        replicate: Its replicate.
        batch_size: Samples per batch.
        scale: How many times larger the whole task is than the one on the bench, and the sweep's
            batches than these; times that grow with them are scaled up.
        statistics: What new batch-norm statistics take of each model on the whole task, where the
            sweep computes them; the steps here do without.
        slow: Whether a step takes so long that as few as possible are taken.
        tell: Told which family is at work.

    Returns:
        What each family took, and what went wrong.
    """
    budget = (_SLOW if slow else _PASSES).model_copy(update={"batch_size": batch_size})
    if not slow:
        _warm_up(bench, next(iter(plans.values())), replicate, budget)
    checks, findings = [], []
    for number, (name, plan) in enumerate(plans.items(), 1):
        tell(f"family {number} of {len(plans)}: {name}")
        check, own = _check_family(bench, plan, replicate, budget, scale, statistics)
        checks.append(check)
        findings += own
    return checks, [*findings, *_fallen(checks, bench.data, batch_size)]


def _fallen(
    checks: Sequence[FamilyCheck], data: UnlearningData, batch_size: int
) -> Iterator[Finding]:
    """What made steps fail: each reason once, with the families that it made fail."""
    reasons: dict[str, list[str]] = {}
    for check in checks:
        if check.raised:
            reasons.setdefault(check.failed, []).append(check.name)
    lone = [name for reason in filter(is_lone, reasons) for name in reasons[reason]]
    if lone:
        yield lone_families(lone, data, batch_size)
    for reason, names in reasons.items():
        if not is_lone(reason):
            noun = plural(len(names), "family", "families")
            yield Finding("error", f"{noun} {families(names)}: a step fails ({reason}).")


def _warm_up(bench: Bench, plan: TrialPlan, replicate: Replicate, budget: BudgetSpec) -> None:
    """Lets libraries load what they load when they are first used."""
    with suppress(Exception):
        next(run_replicate(bench, plan, replicate, budget))


def _check_family(
    bench: Bench,
    plan: TrialPlan,
    replicate: Replicate,
    budget: BudgetSpec,
    scale: Scale,
    statistics: Pass,
) -> tuple[FamilyCheck, list[Finding]]:
    family: Family = plan.family
    points: list[Point] = []
    with peak_memory(bench.device) as peak:
        try:
            points.extend(run_replicate(bench, plan, replicate, budget))
        except InputError as error:  # as `check_methods` words it
            text = f"family {family.name}: {error}"
            return FamilyCheck(family.name, failed=str(error)), [Finding("error", text)]
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            return FamilyCheck(family.name, failed=reason, raised=True), []
    if not points:
        reason = "its method yields no model"
        return FamilyCheck(family.name, failed=reason), [
            Finding("error", f"family {family.name}: {reason}.")
        ]
    rows = [point.row for point in points]
    findings = [
        Finding(
            "warning",
            f"family {family.name}: {row['error']} after {row['step']} steps with "
            f"{_knobs(plan) or 'no knobs'}; lower its learning rate if trained weights do so too.",
        )
        for row in rows
        if row["status"] == DIVERGED
    ]
    steps = [row["step"] for row in rows]
    shown = len(rows) / len(set(steps))  # models at a step
    evaluation = rows[-1]["evaluation_seconds"] / len(set(steps)) * scale.evaluated
    seconds = [row["seconds"] for row in rows]
    if len(rows) > 1 and steps[-1] > steps[0]:
        step = max((seconds[-1] - seconds[0]) / (steps[-1] - steps[0]), 1e-9)
    else:
        step = seconds[0] / steps[0] if steps[0] else 0.0
    setup = max(seconds[0] - steps[0] * step, 0.0)
    before, per_step = _samples(rows)
    if before >= len(bench.data.forget):  # so many that they grow with the task
        setup *= scale.trained
        before *= scale.trained
    check = FamilyCheck(
        family.name,
        setup,
        step * scale.batch,
        evaluation,
        *statistics.times(shown),
        before,
        per_step * scale.batch,
        peak.bytes,
    )
    return check, findings


def _samples(rows: Sequence[Mapping[str, int]]) -> tuple[float, float]:
    """Samples before the first step, and in each."""
    first, last = rows[0], rows[-1]
    steps = last["step"] - first["step"]
    per_step = (last["samples"] - first["samples"]) / steps if steps else 0.0
    return first["samples"] - first["step"] * per_step, per_step


def _knobs(plan: TrialPlan) -> str:
    values = {
        k: f"{v:g}" if isinstance(v, float) else str(v)
        for k, v in plan.knobs.items()
        if k in plan.family.domains
    }
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _spaced(index: Tensor, share: float, least: int) -> Tensor:
    wanted = min(len(index), max(least, 1, round(share * len(index))))
    return index[torch.arange(wanted) * len(index) // wanted]


def _fewer(samples: Samples, share: float, least: int) -> Samples:
    return samples.take(_spaced(torch.arange(len(samples)), share, least))
