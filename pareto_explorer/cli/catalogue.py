"""Everything that can be named in a search-space file, for ``pareto-explorer list``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pareto_explorer.fronts import OBJECTIVES
from pareto_explorer.schema.metrics import METRICS, MetricEntry
from pareto_explorer.tasks import MODELS, RECIPES, TASKS, Recipe
from pareto_explorer.unlearning import FORGET_LOSSES, METHODS, PRESETS, WEIGHTINGS, Knob, Preset

__all__ = ["Listed", "catalogue"]

_RECIPE_SOURCES = {
    "fast": "one-cycle training at large batches",
    "published": "code of Unlearn-Sparse, SalUn and their descendants",
}

_BETTER = {
    "min": "lower is better",
    "max": "higher is better",
    "none": "the retrained model's value is the aim",
}


@dataclass(frozen=True)
class Listed:
    """One registered name.

    Attributes:
        name: As written in a search-space file.
        summary: One sentence.
        source: Paper and section, or where else it comes from.
        knobs: One line each: name, default, default domain, meaning; of a metric what is known.
    """

    name: str
    summary: str
    source: str
    knobs: tuple[str, ...] = ()


def catalogue() -> dict[str, list[Listed]]:
    """All registered names by kind."""
    found = {
        "tasks": [
            Listed(name, e.summary, e.source, _options(e.build)) for name, e in TASKS.items()
        ],
        "models": [
            Listed(name, e.summary, e.source, tuple(f"{k}: {v}" for k, v in e.options.items()))
            for name, e in MODELS.items()
        ],
        "recipes": [_recipe(name, recipe) for name, recipe in RECIPES.items()],
    }
    for heading, registry in (
        ("methods", METHODS),
        ("aggregators", WEIGHTINGS),
        ("forget losses", FORGET_LOSSES),
    ):
        found[heading] = [
            Listed(name, e.summary, e.source, tuple(_knob(k) for k in e.knobs))
            for name, e in registry.items()
        ]
    found["presets"] = [
        Listed(name, preset.summary, preset.source, _settings(preset))
        for name, preset in PRESETS.items()
    ]
    found["metrics"] = [_metric(metric) for metric in METRICS.values()]
    found["objectives"] = [Listed(name, e.summary, e.source) for name, e in OBJECTIVES.items()]
    return found


def _options(build: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(build).parameters.values()
    shown = (
        p.name if p.default is p.empty else f"{p.name}: {_yaml(p.default)}" for p in parameters
    )
    return (", ".join(shown),)


def _yaml(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _recipe(name: str, recipe: Recipe) -> Listed:
    values = {key: value for key, value in asdict(recipe).items() if value != ()}
    summary = "How a landmark is trained, for `recipe` of a task."
    shown = ", ".join(f"{key}: {_yaml(value)}" for key, value in values.items())
    return Listed(name, summary, _RECIPE_SOURCES[name], (shown,))


def _metric(metric: MetricEntry) -> Listed:
    facts = [_BETTER[metric.direction]]
    facts += ["needs a retrained model"] * metric.needs_retrained
    facts += ["needs an adjacent set"] * metric.needs_adjacent
    facts += ["reads the test set"] * metric.reads_test
    facts += [f"models are chosen by {metric.twin}"] * (metric.twin is not None)
    return Listed(metric.name, metric.meaning, metric.source, ("; ".join(facts),))


def _knob(knob: Knob) -> str:
    domain = f"; sweep: {_short(knob.domain)}" if knob.domain else ""
    return f"{knob.name}: {knob.default}{domain} - {knob.summary}"


def _settings(preset: Preset) -> tuple[str, ...]:
    sets = ", ".join(f"{key}: {value}" for key, value in preset.family.items())
    sweeps = (f"sweep {key}: {_short(domain)}" for key, domain in preset.domains.items())
    return (sets, *sweeps)


def _short(domain: Mapping[str, list[Any]]) -> str:
    kind, values = next(iter(domain.items()))
    shown = values if len(values) <= 6 else [*values[:2], "...", values[-1]]
    return f"{{{kind}: [{', '.join(map(str, shown))}]}}"
