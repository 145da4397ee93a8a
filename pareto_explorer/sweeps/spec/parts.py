"""The parts of a search-space file that say how a sweep runs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    Tag,
    field_validator,
    model_validator,
)

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.trust.redaction import has_secrets, redacted

__all__ = [
    "MAX_TRIALS",
    "BudgetSpec",
    "Checkpoints",
    "CompareSearch",
    "Constraint",
    "Count",
    "EarlyStopping",
    "ExploreSearch",
    "Number",
    "Part",
    "Replicate",
    "Replicates",
    "Resources",
    "SamplesBudget",
    "SecondsBudget",
    "Stop",
]

MAX_TRIALS = 100_000
"""Configurations of a sweep, those of all families together: each is kept in memory."""


def _plain(value: Any) -> Any:
    """Numbers of any library as Python's own, 1e3 as whole; the strict types refuse the rest."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    if isinstance(value, Integral):
        return int(value)
    number = float(value)
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number


def _seed(value: Any) -> Any:
    """No seed is read from a float, which does not hold all of them."""
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value


Count = Annotated[int, Field(gt=0, le=10**9, strict=True), BeforeValidator(_plain)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False), BeforeValidator(_plain)]
Positive = Annotated[Number, Field(gt=0)]
Amount = Annotated[Number, Field(ge=0, le=10**6)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63, strict=True), BeforeValidator(_seed)]
Seeds = Annotated[list[Seed], Field(min_length=1, max_length=10_000)]
Trials = Annotated[Count, Field(le=MAX_TRIALS)]


class Part(BaseModel):
    """A mapping of the file; keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


@dataclass(frozen=True)
class Replicate:
    """One (training seed, unlearning seed) pair and its number."""

    index: int
    training_seed: int
    unlearning_seed: int


class Replicates(Part):
    """Training and unlearning seeds; every pair of them is one replicate.

    Attributes:
        training_seeds: Each has an original model and a retrained one.
        unlearning_seeds: Each repeats the unlearning, its batches and draws, of every model.
    """

    training_seeds: Seeds = [0, 1, 2]
    unlearning_seeds: Seeds = [0]

    @field_validator("training_seeds", "unlearning_seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("seeds must differ from each other")
        return seeds

    @field_validator("training_seeds")
    @classmethod
    def _drawn_apart(cls, seeds: list[int]) -> list[int]:
        """On the CPU, PyTorch's generator starts from the lower 32 bits alone."""
        first: dict[int, int] = {}
        for seed in seeds:
            twin = first.setdefault(seed % 2**32, seed)
            if twin != seed:
                raise InputError(
                    f"replicates.training_seeds: {twin} and {seed} give the same models, as "
                    "PyTorch draws from the lower 32 bits; take others."
                )
        return seeds

    @model_validator(mode="after")
    def _countable(self) -> Replicates:
        pairs = len(self.training_seeds) * len(self.unlearning_seeds)
        if pairs > 10_000:
            raise InputError(
                f"replicates: {pairs:,} pairs of seeds, and 10,000 are the most; name fewer seeds."
            )
        return self


class BudgetSpec(Part):
    """What every trial may spend: gradient steps of a batch size.

    Attributes:
        steps: Steps of one replicate of a trial.
        batch_size: Samples of each set in a step.
        evaluate_every: Steps between two points; the last step is always one.
        batch_norm_statistics: With which running statistics of batch norm a model is evaluated and
            kept: ``keep``: those that its steps have left; ``recompute``: its own, from a pass over
            the retain set that counts as samples.
    """

    steps: Count = 60
    batch_size: Count = 64
    evaluate_every: Count = 20
    batch_norm_statistics: Literal["keep", "recompute"] = "keep"


class SecondsBudget(Part):
    """Time that a family may spend.

    Attributes:
        seconds: Seconds of unlearning, summed over its replicates.
    """

    seconds: Positive


class SamplesBudget(Part):
    """Samples that a family may process, which no machine makes more or fewer.

    Attributes:
        samples: What the ledgers of its runs count, summed over them, in one replicate.
    """

    samples: Count


def _form(budget: Any) -> str:
    """Which budget of a family a value means."""
    if isinstance(budget, SamplesBudget) or (isinstance(budget, Mapping) and "samples" in budget):
        return "SamplesBudget"
    return "SecondsBudget" if isinstance(budget, SecondsBudget | Mapping) else "Trials"


PerFamily = Annotated[
    Annotated[Trials, Tag("Trials")]
    | Annotated[SecondsBudget, Tag("SecondsBudget")]
    | Annotated[SamplesBudget, Tag("SamplesBudget")],
    Discriminator(_form),
]


class CompareSearch(Part):
    """The same budget for every family, balanced draws with the same quantiles for shared knobs.

    Attributes:
        mode: Which of the two searches it is.
        configurations: How many every family gets: 4 unless a budget says otherwise.
        budget_per_family: The same number, or ``{seconds: S}``: then families draw configurations
            in turn, the one that has spent least first, until each has spent S seconds; or
            ``{samples: N}``: as many as fit, at least one.
        seed: Seed of all draws.
    """

    mode: Literal["compare"] = "compare"
    configurations: Trials | None = 4
    budget_per_family: PerFamily | None = None
    seed: Seed = 0

    @model_validator(mode="before")
    @classmethod
    def _one_budget(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        if values.get("budget_per_family") is None:
            return {k: v for k, v in values.items() if k != "configurations" or v is not None}
        budget, number = values["budget_per_family"], values.get("configurations")
        if number is not None and number != budget:
            raise InputError(
                f"search.budget_per_family: {brief(budget)} given beside search.configurations "
                f"{brief(number)}; give one of them."
            )
        if isinstance(budget, Mapping) and ("seconds" in budget) == ("samples" in budget):
            raise InputError(
                f"search.budget_per_family: {brief(budget)} given; give seconds or samples, such "
                "as {seconds: 120}."
            )
        if isinstance(budget, Real):
            return {**values, "configurations": budget, "budget_per_family": None}
        return {**values, "configurations": None}

    @property
    def compute_per_family(self) -> SecondsBudget | SamplesBudget | None:
        """What a family may spend, where that is no number of configurations."""
        budget = self.budget_per_family
        return budget if isinstance(budget, Part) else None


@dataclass(frozen=True)
class Constraint:
    """A bound that the replicate mean of a metric should keep.

    Attributes:
        metric: The metric.
        sense: ``"<="`` or ``">="``.
        bound: The bound, in the metric's units.
    """

    metric: str
    sense: Literal["<=", ">="]
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.sense} {self.bound:g}"

    def violation(self, value: float) -> float:
        """How far a value is on the wrong side: at most 0 where it is on the right one."""
        return value - self.bound if self.sense == "<=" else self.bound - value


class ExploreSearch(Part):
    """One multi-objective search over all families at once.

    Attributes:
        mode: Which of the two searches it is.
        configurations: How many in all.
        sampler: What proposes them.
        seed: Seed of the sampler.
        constraints: Bounds such as ``"retain_gap <= 0.02"``.
        warm_start: A run directory whose front is tried first.
        start_from_defaults: Whether every family's defaults are tried first.
        concurrency: Most trials at a time; ``None``: as many as there are resources.
    """

    mode: Literal["explore"]
    configurations: Trials = 40
    sampler: Literal["tpe", "nsga2", "nsga3", "gp", "qmc", "random", "grid"] = "tpe"
    seed: Annotated[Seed, Field(ge=0, lt=2**32)] = 0  # what Optuna's samplers take
    constraints: list[str] = []
    warm_start: str | None = None
    start_from_defaults: StrictBool = True
    concurrency: Count | None = None

    @field_validator("constraints")
    @classmethod
    def _readable(cls, texts: list[str]) -> list[str]:
        for text in texts:
            _constraint(text)
        return texts

    @field_validator("warm_start")
    @classmethod
    def _without_secrets(cls, run: str | None) -> str | None:
        if run is not None and has_secrets(run):
            raise InputError(
                f"search.warm_start: {redacted(run)!r} is given with a password or key, which the "
                "run directory would record; put it into the environment."
            )
        return run

    @property
    def bounds(self) -> list[Constraint]:
        """The constraints, read."""
        return [_constraint(text) for text in self.constraints]


class EarlyStopping(Part):
    """Ends trials that others dominate at the same number of steps.

    Attributes:
        grace: Steps that every trial may take.
        eta: At each rung, one trial in ``eta`` goes on.
        margin: A trial goes on where no other is better by more than this share of the box in
            every objective.
        by_family: Whether trials are compared with their own family only.
    """

    grace: Count
    eta: Annotated[Number, Field(gt=1)] = 2.0
    margin: Annotated[Number, Field(ge=0)] = 0.02
    by_family: StrictBool = True


class Stop(Part):
    """Ends the sweep once the pooled hypervolume has stopped growing.

    Attributes:
        gain: What it has to gain to go on.
        configurations: Over how many ended trials.
    """

    gain: Positive = 0.001
    configurations: Count = 20


class Checkpoints(Part):
    """Which models are kept, and how often a running trial saves its state.

    Attributes:
        keep: ``front``: the models on the pooled front; ``final``: those and the last model of
            every trial; ``all``: every evaluated model; ``none``.
        every_seconds: Seconds of compute after which a trial saves its state, so that one that
            loses its worker goes on from there.
    """

    keep: Literal["front", "final", "all", "none"] = "front"
    every_seconds: Positive = 60


class Resources(Part):
    """What one trial books on the cluster.

    Attributes:
        cpu: CPU cores; also the threads of PyTorch.
        gpu: GPUs, or a share of one.
        custom: Other resources that nodes of the cluster declare.
        replicate_parallelism: ``trial``: one worker runs all replicates of a configuration;
            ``replicate``: each replicate is a Ray trial of its own.
        bundle: How many replicates of a configuration take their steps together, in one pass of
            their stacked models: ``off``: none; a number: at most so many; ``auto``: all of them
            where a few steps of a family are then faster.
    """

    cpu: Annotated[Amount, Field(gt=0)] = 1
    gpu: Amount = 0
    custom: dict[str, Annotated[Amount, Field(gt=0)]] = {}
    replicate_parallelism: Literal["trial", "replicate"] = "trial"
    bundle: Literal["auto", "off"] | int = "off"

    @field_validator("bundle", mode="before")
    @classmethod
    def _bundled(cls, value: Any) -> Any:
        value = "off" if value is False else _plain(value)  # YAML reads off as false
        if value in ("auto", "off") or (type(value) is int and value > 1):
            return value
        raise ValueError("give auto, off, or a whole number above 1")

    @model_validator(mode="after")
    def _in_one_worker(self) -> Resources:
        if self.bundle != "off" and self.replicate_parallelism == "replicate":
            raise InputError(
                "resources.bundle: replicates that step together are in one worker; set "
                "replicate_parallelism to 'trial', or bundle to off."
            )
        return self

    def bundle_of(self, replicates: int) -> int:
        """How many of some replicates may step together at most; 1: each steps alone."""
        if self.bundle == "off":
            return 1
        return replicates if self.bundle == "auto" else min(int(self.bundle), replicates)

    @property
    def threads(self) -> int:
        """Threads that PyTorch may use in a trial."""
        return max(1, int(self.cpu))

    @property
    def device(self) -> str:
        """Where a trial computes."""
        return "cuda" if self.gpu else "cpu"


def _constraint(text: str) -> Constraint:
    number = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
    found = re.fullmatch(rf"\s*(\w+)\s*(<=|>=)\s*({number})\s*", text)
    if found is None:
        raise InputError(
            f"search.constraints: {brief(text)} is no bound; write it as 'retain_gap <= 0.02'."
        )
    if found[1] not in METRICS:
        raise unknown("search.constraints", found[1], METRICS)
    if not math.isfinite(float(found[3])):
        raise InputError(f"search.constraints: {brief(text)} has no finite bound; give one.")
    return Constraint(found[1], "<=" if found[2] == "<=" else ">=", float(found[3]))
