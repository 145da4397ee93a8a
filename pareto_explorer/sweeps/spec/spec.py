"""The search-space file: what it may contain, and what it means."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import to_jsonable_python

from pareto_explorer.errors import InputError, bare, brief, unknown
from pareto_explorer.fronts import OBJECTIVES, Box, Objective
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.sweeps.spec.families import Family, expand_families
from pareto_explorer.sweeps.spec.parts import (
    MAX_TRIALS,
    BudgetSpec,
    Checkpoints,
    CompareSearch,
    EarlyStopping,
    ExploreSearch,
    Number,
    Part,
    Replicate,
    Replicates,
    Resources,
    Stop,
)
from pareto_explorer.sweeps.spec.paths import require_levels
from pareto_explorer.sweeps.spec.plan import Plan, plan_of_search
from pareto_explorer.sweeps.spec.shipped import shipped_spaces
from pareto_explorer.trust.files import MAX_DEPTH, parse_yaml, read_yaml

__all__ = ["Replicate", "SweepSpec", "find_space"]


class ObjectiveSpec(Part):
    """One axis of the front, in the units of its metric.

    Attributes:
        metric: A metric by name.
        direction: Which way is better.
        ideal: The best value that it can have: the box begins there.
        nadir: The worst value that counts: the box ends there, and so does the hypervolume.
    """

    metric: str
    direction: Literal["min", "max"]
    ideal: Number
    nadir: Number


class PresetSpec(Part):
    """A named pair of objectives.

    Attributes:
        preset: Its name.
        tolerance: Where the box ends in what should be kept (``retain_gap``, ``accuracy_drop``,
            ``model_utility``).
    """

    preset: str = "retrain_gap"
    tolerance: Annotated[Number, Field(gt=0, le=1)] = 0.1


def _mode(search: Any) -> str:
    """The mode that a mapping asks for; anything else is left to the error of compare mode."""
    mode = search.get("mode") if isinstance(search, Mapping) else getattr(search, "mode", None)
    return "explore" if mode == "explore" else "compare"


SearchSpec = Annotated[
    Annotated[CompareSearch, Tag("compare")] | Annotated[ExploreSearch, Tag("explore")],
    Discriminator(_mode),
]


class SweepSpec(Part):
    """A whole sweep. Build it from keywords, ``from_mapping`` or ``load``.

    Attributes:
        task: What is unlearned: a task's ``name``, ``forget`` and the task's own options.
        replicates: Seeds that every trial is repeated with.
        budget: What every trial may spend.
        objectives: The axes of the front: a preset by name, one with a tolerance, or two or three
            metrics with their bounds.
        families: What is compared, a mapping each.
        search: How configurations are found: ``mode: compare`` or ``mode: explore``.
        early_stopping: Whether trials end early that are far behind.
        stop: Whether the sweep ends once it no longer gains.
        checkpoints: Which models are kept.
        retries: How often a trial that lost its worker goes on.
        resources: What one trial books.
        loggers: Trackers that hear of every point as well.

    Raises:
        InputError: From ``load`` and ``from_mapping``, in one sentence, for whatever is wrong.
    """

    task: dict[str, Any]
    replicates: Replicates = Replicates()
    budget: BudgetSpec = BudgetSpec()
    objectives: str | PresetSpec | list[ObjectiveSpec] = "retrain_gap"
    families: Annotated[list[dict[str, Any]], Field(min_length=1)]
    search: SearchSpec = CompareSearch()
    early_stopping: EarlyStopping | None = None
    stop: Stop | None = None
    checkpoints: Checkpoints = Checkpoints()
    retries: Annotated[int, Field(ge=0, le=1000, strict=True)] = 3
    resources: Resources = Resources()
    loggers: list[Literal["tensorboard", "mlflow", "wandb", "aim"]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _meaningful(self) -> SweepSpec:
        if isinstance(self.objectives, list):
            if len(self.objectives) not in (2, 3):
                raise ValueError(
                    f"objectives: expected two or three objectives, found {len(self.objectives)}"
                )
            for index, objective in enumerate(self.objectives):
                if objective.metric not in METRICS:
                    raise unknown(f"objectives.{index}.metric", objective.metric, METRICS)
            try:
                _ = self.declared_box
            except InputError as error:
                text = str(error).removeprefix("objectives: ")
                raise InputError(f"objectives: {text}") from None
        elif self.preset.preset not in OBJECTIVES:
            raise unknown("objectives", self.preset.preset, OBJECTIVES)
        self.plan()
        for family in self.family_list():
            require_levels(family.name, family.levels, family.within(self.budget).steps)
        self._check_grace()
        self._check_search()
        self._check_constraints()
        self._check_seeds()
        return self

    @property
    def declared_box(self) -> Box | None:
        """The box of objectives that the file lists; that of a preset depends on the landmarks."""
        if not isinstance(self.objectives, list):
            return None
        return Box(tuple(Objective(**each.model_dump()) for each in self.objectives))

    def _check_grace(self) -> None:
        if self.early_stopping is None:
            return
        grace, steps = self.early_stopping.grace, self.most_steps
        if grace >= steps:
            raise InputError(
                f"early_stopping.grace: {grace} does not lie inside a trial of {steps} steps; give "
                "a smaller number of gradient steps."
            )

    def _check_search(self) -> None:
        search = self.search
        if isinstance(search, ExploreSearch) and search.sampler == "grid":
            cells = sum(family.cells for family in self.family_list())
            if cells > MAX_TRIALS:
                raise InputError(
                    f"search.sampler: the grid has {cells:,} cells, and {MAX_TRIALS:,} are "
                    "the most; shorten its lists."
                )
        listed = ("choice", "grid_search")
        for family in self.family_list():
            for name, domain in family.domains.items():
                where = f"knob {name!r} of {family.name!r} has {domain.kind}"
                if isinstance(search, CompareSearch):
                    if search.compute_per_family and domain.kind == "grid_search":
                        raise InputError(
                            "search.budget_per_family: seconds and samples may end in the middle "
                            f"of a grid, but {where}; write it as choice."
                        )
                elif search.sampler == "grid" and domain.kind not in listed:
                    raise InputError(
                        f"search.sampler: grid needs listed values, but {where}; write it as "
                        "grid_search or take another sampler."
                    )
        if self.resources.replicate_parallelism == "replicate":
            if isinstance(search, ExploreSearch):
                raise InputError(
                    "resources.replicate_parallelism: a search learns from whole trials; set it "
                    "to 'trial', or search.mode to 'compare'."
                )
            if self.early_stopping is not None:
                raise InputError(
                    "resources.replicate_parallelism: early stopping judges whole trials; set it "
                    "to 'trial', or early_stopping to null."
                )

    def _check_constraints(self) -> None:
        if self.needs_retrained or not isinstance(self.search, ExploreSearch):
            return
        for bound in self.search.bounds:
            if METRICS[bound.metric].needs_retrained:
                raise InputError(
                    f"search.constraints: {bound.metric} needs a retrained model, and "
                    f"{self.preset.preset} does without; bound another metric, for example "
                    "'accuracy_drop <= 0.02'."
                )

    def _check_seeds(self) -> None:
        seeds, again = self.replicates.training_seeds, self.replicates.unlearning_seeds
        for metric in self.across_seeds:
            least = METRICS[metric].least_seeds
            if len(seeds) < least:
                raise InputError(
                    f"replicates.training_seeds: {seeds} given, and {metric} compares the models "
                    f"of {least} training seeds or more; give for example {list(range(least))}."
                )
            if len(again) > 1:
                raise InputError(
                    f"replicates.unlearning_seeds: {brief(again)} given, and {metric} compares one "
                    f"model of each training seed; give one, for example {again[:1]}."
                )
            if self.resources.replicate_parallelism == "replicate":
                raise InputError(
                    f"resources.replicate_parallelism: 'replicate' given, and {metric} compares "
                    "the replicates of a trial in one worker; set it to 'trial'."
                )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], source: str = "") -> SweepSpec:
        """Validates a mapping in the form of the search-space file.

        Args:
            mapping: Parsed YAML.
            source: Name of the file, put before messages.
        """
        prefix = f"{source}: " if source else ""
        try:
            return cls.model_validate(mapping)
        except ValidationError as error:
            raise InputError(prefix + _sentence(error)) from None

    @classmethod
    def load(cls, space: str | Path, overrides: Sequence[str] = ()) -> SweepSpec:
        """Reads a search-space file.

        Args:
            space: A path, or the name of one of the shipped files such as ``"digits"``.
            overrides: ``path=value`` texts such as ``"families.0.lr=0.01"``; values are YAML.
        """
        path = find_space(space)
        mapping = read_yaml(path)
        if not isinstance(mapping, dict):
            raise InputError(f"{path}: expected a mapping with task and families.")
        for override in overrides:
            _override(mapping, override)
        return cls.from_mapping(mapping, str(path))

    @property
    def preset(self) -> PresetSpec:
        """The named objectives, with their tolerance."""
        if isinstance(self.objectives, PresetSpec):
            return self.objectives
        return PresetSpec(preset=str(self.objectives))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The objectives' metrics."""
        if isinstance(self.objectives, list):
            return tuple(objective.metric for objective in self.objectives)
        return OBJECTIVES[self.preset.preset].metrics

    @property
    def across_seeds(self) -> tuple[str, ...]:
        """The objectives and bounds that compare the models of all replicates at a step."""
        bounds = self.search.bounds if isinstance(self.search, ExploreSearch) else []
        named = dict.fromkeys([*self.metrics, *(bound.metric for bound in bounds)])
        return tuple(metric for metric in named if METRICS[metric].least_seeds > 1)

    @property
    def most_steps(self) -> int:
        """Steps of the longest runs."""
        return max(family.within(self.budget).steps for family in self.family_list())

    @property
    def needs_retrained(self) -> bool:
        """Whether the sweep retrains a model for each training seed."""
        if isinstance(self.objectives, list):
            return True
        return OBJECTIVES[self.preset.preset].needs_retrained

    def to_mapping(self) -> dict[str, Any]:
        """The specification as plain data with every default written out.

        What a user's own task and methods are given stays as it is: infinity is not null, and the
        key 3 is not the text "3".
        """
        given = {"task": _plain(self.task), "families": _plain(self.families)}
        return self.model_dump(mode="json") | given

    def replicate_list(self) -> list[Replicate]:
        """Every (training seed, unlearning seed) pair, numbered."""
        pairs = itertools.product(self.replicates.training_seeds, self.replicates.unlearning_seeds)
        return [Replicate(i, t, u) for i, (t, u) in enumerate(pairs)]

    def family_list(self) -> Sequence[Family]:
        """The families, their axes expanded."""
        return self._families

    def plan(self) -> Plan:
        """Every trial that is known beforehand, first configurations of all families first."""
        return self._plan

    @cached_property
    def _families(self) -> tuple[Family, ...]:
        return tuple(expand_families(self.families))

    @cached_property
    def _plan(self) -> Plan:
        return plan_of_search(self._families, self.search)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, whose families and plan are its own."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("_families", "_plan"):
            copied.__dict__.pop(name, None)
        return copied


def find_space(space: str | Path) -> Path:
    """Path of a search-space file given by path or by the name of a shipped one.

    Raises:
        InputError: There is no such file.
    """
    path = Path(space)
    try:
        if path.is_file():
            return path
    except (OSError, ValueError):  # a name too long, or with a zero in it
        raise InputError(f"search space: {brief(str(space))} is no name of a file.") from None
    shipped = shipped_spaces()
    if str(space) in shipped:
        return shipped[str(space)]
    if path.suffix in (".yaml", ".yml") or path.parent != Path():
        raise InputError(f"search space: there is no file {brief(str(space))}.")
    raise unknown("search space", str(space), shipped)


def _override(mapping: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    *parents, last = path.split(".")
    if not separator or not path or len(parents) > MAX_DEPTH:
        raise InputError(
            f"`overrides`: expected path=value such as budget.steps=100, found {brief(override)}."
        )
    where = f"`overrides` {bare(path)}"
    node: Any = mapping
    for key in parents:
        if isinstance(node, dict):
            node = node.setdefault(key, {})
        elif isinstance(node, list):
            node = node[_index(node, key, where)]
        else:
            raise InputError(f"{where}: {brief(key)} lies below a single value; set that.")
    value = parse_yaml(text, f"{where}: {brief(text)}")
    if isinstance(node, list):
        node[_index(node, last, where)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise InputError(f"{where}: {brief(last)} lies below a single value; set that.")


def _index(values: list[Any], key: str, where: str) -> int:
    ordinary = key.isascii() and key.isdecimal() and len(key) < 10
    if not ordinary or int(key) >= len(values):
        known = f"an index from 0 to {len(values) - 1}" if values else "in an empty list"
        raise InputError(f"{where}: {brief(key)} is not {known}; correct it.")
    return int(key)


def _plain(value: Any) -> Any:
    """Lists and mappings anew, what YAML can write as it is, and the rest as pydantic writes it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or type(value) in (bool, int, float, str, bytes, date, datetime):
        return value
    return to_jsonable_python(value)


def _sentence(error: ValidationError) -> str:
    """The first problem of a pydantic error in the project's own wording."""
    problems = error.errors()
    same_field = [p for p in problems if p["loc"][:1] == problems[0]["loc"][:1]]
    problem = max(same_field, key=lambda p: len(p["loc"]))  # of a union, the form that was meant
    *parents, last = problem["loc"] or [""]
    path = [str(p) for p in parents if not _is_union(str(p))]
    path += [] if _is_union(str(last)) and problem["type"] != "extra_forbidden" else [str(last)]
    where = ".".join(map(bare, path)) or "specification"
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return str(cause)
    if problem["type"] == "extra_forbidden":
        model: Any = SweepSpec
        for part in parents:
            model = _PARTS.get(str(part), model)
        return str(unknown(where, last, model.model_fields))
    if problem["type"] == "missing":
        return f"{where}: missing."
    reason = str(cause) if cause else problem["msg"]
    reason = reason[0].lower() + reason[1:]
    if problem["loc"]:
        return f"{where}: {reason}, found {brief(problem['input'])}."
    return f"{reason}."


def _is_union(part: str) -> bool:
    """Whether a part of pydantic's path names a form that a value may take, not a key."""
    forms = ("PresetSpec", "str", "compare", "explore", "Trials", "SecondsBudget", "SamplesBudget")
    return part in forms or part.startswith(("list[", "constrained-", "function-"))


_PARTS: dict[str, type[Part]] = {
    "replicates": Replicates,
    "budget": BudgetSpec,
    "search": CompareSearch,
    "compare": CompareSearch,
    "explore": ExploreSearch,
    "early_stopping": EarlyStopping,
    "stop": Stop,
    "checkpoints": Checkpoints,
    "resources": Resources,
    "objectives": PresetSpec,
}
