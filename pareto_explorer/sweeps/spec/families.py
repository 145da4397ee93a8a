"""Families: method × aggregator × forget loss, and the trials that sweep their knobs.

A configuration has three forms on its way from the file to its method, all with its knobs by name:
a `Family`, with a domain where the file has one; a `TrialPlan`, with a value there; the mapping
that ``make_method`` takes. Ray, the journal and the points table only carry the plan, as plain data
that `plan_of` and `recorded_plan` read.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from pareto_explorer.errors import InputError, bare, brief, unknown
from pareto_explorer.schema.columns import AXES, CONFIG_PREFIX
from pareto_explorer.sweeps.spec.domains import Domain, compare_configurations, parse_knob
from pareto_explorer.sweeps.spec.draws import BalancedDraws
from pareto_explorer.sweeps.spec.parts import BudgetSpec
from pareto_explorer.sweeps.spec.paths import (
    check_path,
    flat_path,
    levels_of,
    moving_knob,
    path_words,
)
from pareto_explorer.unlearning import METHODS, Knob, find_preset, knobs_of
from pareto_explorer.unlearning.methods._continuation import PARTS

__all__ = [
    "Family",
    "TrialPlan",
    "draws_of",
    "expand_families",
    "plan_of",
    "plan_trials",
    "recorded_plan",
    "slugs",
]

_MOST = 1000  # families, whose domains sweep.yaml spells out
_LONGEST = 100  # characters of a name, which is part of names of files


@dataclass(frozen=True)
class Family:
    """Method × aggregator × forget loss, with its knobs.

    Attributes:
        name: Its name in tables and figures.
        method: Its method.
        aggregator: Its aggregator, if the method takes one.
        forget_loss: Its forget loss, if the method takes one.
        knobs: A ``Domain`` or a fixed value each.
        defaults: For each knob with a domain, the value that it has where nobody sets it; for those
            of a path, one in the middle.
        budget: What its runs may spend where that is not what those of the sweep may: ``steps``,
            ``evaluate_every``.
    """

    name: str
    method: str
    aggregator: str | None
    forget_loss: str | None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, int] = field(default_factory=dict)

    def within(self, shared: BudgetSpec) -> BudgetSpec:
        """What its runs may spend in a sweep with such a budget."""
        return shared.model_copy(update=self.budget)

    @property
    def domains(self) -> dict[str, Domain]:
        """The knobs that have several values."""
        return {name: knob for name, knob in self.knobs.items() if isinstance(knob, Domain)}

    @property
    def levels(self) -> tuple[int, ...]:
        """The numbers of models that a run along its path may show; none without a path."""
        return levels_of(self.method, self.knobs)

    @property
    def cells(self) -> int:
        """How many combinations its listed values have, were each a grid."""
        return math.prod(len(domain.arguments) for domain in self.domains.values())


@dataclass(frozen=True)
class TrialPlan:
    """One trial before it runs: its name, its family and its configuration."""

    trial_id: str
    family: Family
    knobs: Mapping[str, Any]

    @property
    def config(self) -> dict[str, Any]:
        """The mapping that ``unlearning.make_method`` takes."""
        parts = {
            "method": self.family.method,
            "aggregator": self.family.aggregator,
            "forget_loss": self.family.forget_loss,
        }
        return {k: v for k, v in parts.items() if v is not None} | dict(self.knobs)

    def to_config(self) -> dict[str, Any]:
        """The configuration of the Ray trial: plain data; ``plan_of`` reads it."""
        return {
            "trial_id": self.trial_id,
            "family": self.family.name,
            "knobs": dict(self.knobs),
        }


def plan_of(config: Mapping[str, Any], families: Mapping[str, Family]) -> TrialPlan:
    """The trial that ``TrialPlan.to_config`` describes; also reads the journal's plans.

    Raises:
        InputError: There is no such family.
    """
    if config["family"] not in families:
        raise unknown(f"points: family of trial {config['trial_id']!r}", config["family"], families)
    return TrialPlan(config["trial_id"], families[config["family"]], config["knobs"])


def recorded_plan(row: Mapping[Hashable, Any], families: Mapping[str, Family]) -> TrialPlan:
    """The trial that wrote a row of the points table, by whatever rule it was drawn."""
    family = families[row["family"]]
    knobs = {
        name: knob.recorded(row[CONFIG_PREFIX + name]) if isinstance(knob, Domain) else knob
        for name, knob in family.knobs.items()
    }
    return TrialPlan(row["trial_id"], family, knobs)


def slugs(families: Sequence[Family]) -> dict[str, str]:
    """A distinct word for each family's name that can be part of a file's name."""
    found: dict[str, str] = {}
    for family in families:
        slug = re.sub(r"[^A-Za-z0-9_.]+", "-", family.name).strip("-")
        while slug in found.values():
            slug += "_"
        found[family.name] = slug
    return found


def expand_families(entries: Sequence[Mapping[str, Any]]) -> list[Family]:
    """Reads the ``families`` of a specification.

    Args:
        entries: One mapping each; a list at preset, method, aggregator or forget_loss is an
            axis. A knob goes to the families that have it; one that none has is an error.

    Raises:
        InputError: A name or knob is unknown, missing or out of range, or two families share
            a name.
    """
    found: dict[str, Family] = {}
    for index, entry in enumerate(entries):
        for family in _expand(f"families.{index}", entry):
            if family.name in found:
                raise InputError(
                    f"families.{index}: a second family is called {brief(family.name)}; "
                    "give one of them a name of its own with name: ..."
                )
            found[family.name] = family
        if len(found) > _MOST:
            raise InputError(f"families: there are more than {_MOST:,}; make several sweeps.")
    return list(found.values())


def draws_of(families: Sequence[Family], seed: int) -> BalancedDraws:
    """The draws of a sweep in compare mode: one dimension per knob, whichever families have it."""
    names = [name for f in families for name, domain in f.domains.items() if domain.drawn]
    return BalancedDraws(names, seed)


def plan_trials(families: Sequence[Family], configurations: int, seed: int) -> list[TrialPlan]:
    """Every trial of a sweep in compare mode, first configurations of all families first."""
    trials: list[tuple[int, TrialPlan]] = []
    draws = draws_of(families, seed)
    words = slugs(families)
    for family in families:
        drawn = compare_configurations(family.name, family.knobs, configurations, draws)
        trials += [
            (index, TrialPlan(f"{words[family.name]}-{index:03d}", family, knobs))
            for index, knobs in enumerate(drawn)
        ]
    return [trial for _, trial in sorted(trials, key=lambda item: item[0])]


def _expand(where: str, entry: Mapping[str, Any]) -> list[Family]:
    if "preset" not in entry:
        return _cross(where, entry, {}, {})
    named = _as_list(f"{where}.preset", entry["preset"])
    own = {key: value for key, value in entry.items() if key != "preset"}
    families = []
    for name in named:
        preset = find_preset(name, f"{where}.preset")
        chosen = {"name": name, **preset.family, **own}
        if "name" in own and len(named) > 1:
            chosen["name"] = f"{_name(where, own['name'])}/{name}"
        families += _cross(where, chosen, preset.domains, preset.family)
    return families


def _cross(
    where: str,
    entry: Mapping[str, Any],
    domains: Mapping[str, Mapping[str, list[Any]]],
    defaults: Mapping[str, Any],
) -> list[Family]:
    """The families of one entry; a knob goes to those that have it."""
    if "method" not in entry:
        raise InputError(f"{where}.method: missing; choose from {', '.join(sorted(METHODS))}.")
    axes = {axis: _as_list(f"{where}.{axis}", entry.get(axis)) for axis in AXES}
    if math.prod(map(len, axes.values())) > _MOST:
        raise InputError(f"{where}: its lists make more than {_MOST:,} families; shorten them.")
    budget = _own_budget(f"{where}.budget", entry.get("budget", {}))
    given = {key: value for key, value in entry.items() if key not in (*AXES, "name", "budget")}
    families: list[Family] = []
    known: set[str] = set()
    words = path_words(entry)
    for method, aggregator, loss in itertools.product(*axes.values()):
        try:
            knobs = knobs_of(method, aggregator, loss)
        except InputError as error:
            raise InputError(f"{where}.{error}") from None
        known |= knobs.keys()
        chosen = {
            key: _knob(f"{where}.{bare(words.get(key, key))}", knobs[key], value, domains.get(key))
            for key, value in flat_path(where, method, given).items()
            if key in knobs
        }
        moving = moving_knob(method, chosen)
        if moving is not None and moving in defaults and chosen.get(moving) == defaults[moving]:
            del chosen[moving]  # a preset's value of the knob that moves
        check_path(where, method, chosen, knobs)
        parts = [p for p in (aggregator, loss) if p]
        if not parts or (method != "jacobian_descent" and (aggregator or method in METHODS)):
            parts = [method, *parts]
        if moving is not None:
            parts.append("path")
        name = "/".join(str(p).rpartition(":")[2] for p in parts)
        if "name" in entry:
            alone = all(len(values) == 1 for values in axes.values())
            given_name = _name(where, entry["name"])
            name = given_name if alone else f"{given_name}/{name}"
        usual = {
            key: value.middle() if key in PARTS.values() else defaults.get(key, knobs[key].default)
            for key, value in chosen.items()
            if isinstance(value, Domain)
        }
        families.append(Family(name, method, aggregator, loss, chosen, usual, budget))
    own = [key for key in given if key not in defaults or given[key] != defaults[key]]
    for key in own:  # a preset's knobs of a part that is replaced go with it
        if key not in known:
            raise unknown(f"{where}.{bare(key)}", key, known)
    return families


def _name(where: str, name: object) -> str:
    """A name that the file gives, as text."""
    if isinstance(name, bool) or not isinstance(name, str | int | float) or name == "":
        raise InputError(f"{where}.name: {brief(name)} is no name; give a text.")
    if len(str(name)) > _LONGEST or not str(name).isprintable():
        raise InputError(
            f"{where}.name: {brief(name)} is no short line; take up to {_LONGEST} characters."
        )
    return str(name)


def _own_budget(where: str, given: Any) -> dict[str, int]:
    """What an entry says of the budget, in the words of the sweep's."""
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: {brief(given)} is no mapping; write for example {{steps: 60}}.")
    known = ("steps", "evaluate_every")
    for key in given:
        if key not in known:
            raise unknown(where, key, known)
    try:
        own = BudgetSpec.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        raise InputError(
            f"{where}.{problem['loc'][0]}: {brief(problem['input'])} given; take a whole number "
            "from 1 to 1,000,000,000."
        ) from None
    return {key: getattr(own, key) for key in given}


def _as_list(where: str, value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise InputError(f"{where}: the list is empty; name at least one.")
    return values


def _knob(where: str, knob: Knob, value: Any, preset_domain: Mapping[str, list[Any]] | None) -> Any:
    if value == "sweep":
        value = preset_domain or knob.domain
        if value is None:
            raise InputError(f"{where}: has no default domain to sweep; write one.")
    parsed = parse_knob(where, value)
    for candidate in parsed.extremes() if isinstance(parsed, Domain) else (parsed,):
        knob.validate(candidate, where)
    return parsed
