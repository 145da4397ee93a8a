"""Everything that can be named in a search-space file, for ``pareto-explorer list``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pareto_explorer.cli.remembered import foundations, recall, remember
from pareto_explorer.schema.metrics import BETTER, PARTS
from pareto_explorer.text import listing

if TYPE_CHECKING:
    from pareto_explorer.schema.metrics import MetricEntry
    from pareto_explorer.tasks import Recipe
    from pareto_explorer.unlearning import Entry, Knob, Preset

__all__ = ["KINDS", "Listed", "catalogue"]

_RECIPE_SOURCES = {
    "fast": "one-cycle training at large batches",
    "published": "code of Unlearn-Sparse, SalUn and their descendants",
}

_AIM = "the retrained model's value is the aim"


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


def catalogue(kinds: Iterable[str] | None = None) -> dict[str, list[Listed]]:
    """Registered names by kind.

    Most of them stand beside classes that need PyTorch, which takes seconds to import; so what was
    listed is remembered until a file of this package changes.

    Args:
        kinds: Some of ``KINDS``; by default all.
    """
    wanted = list(KINDS if kinds is None else kinds)
    of = foundations()
    found = recall(of)
    missing = {kind: [asdict(one) for one in KINDS[kind]()] for kind in wanted if kind not in found}
    if missing:
        found |= missing
        remember(found, of)
    return {kind: [_listed(one) for one in found[kind]] for kind in wanted}


def _listed(facts: Mapping[str, Any]) -> Listed:
    return Listed(**{**facts, "knobs": tuple(facts["knobs"])})


def _tasks() -> list[Listed]:
    from pareto_explorer.tasks import TASKS

    return [Listed(name, e.summary, e.source, _options(e.build)) for name, e in TASKS.items()]


def _models() -> list[Listed]:
    from pareto_explorer.tasks import MODELS

    return [
        Listed(name, e.summary, e.source, tuple(f"{k}: {v}" for k, v in e.options.items()))
        for name, e in MODELS.items()
    ]


def _recipes() -> list[Listed]:
    from pareto_explorer.tasks import RECIPES

    return [_recipe(name, recipe) for name, recipe in RECIPES.items()]


def _methods() -> list[Listed]:
    from pareto_explorer.unlearning import METHODS

    return _entries(METHODS)


def _aggregators() -> list[Listed]:
    from pareto_explorer.unlearning import AGGREGATORS

    return _entries(AGGREGATORS)


def _forget_losses() -> list[Listed]:
    from pareto_explorer.unlearning import FORGET_LOSSES

    return _entries(FORGET_LOSSES)


def _presets() -> list[Listed]:
    from pareto_explorer.unlearning import PRESETS

    return [
        Listed(name, preset.summary, preset.source, _settings(preset))
        for name, preset in PRESETS.items()
    ]


def _metrics() -> list[Listed]:
    from pareto_explorer.schema.metrics import METRICS

    return [_metric(metric) for metric in METRICS.values()]


def _objectives() -> list[Listed]:
    from pareto_explorer.fronts import OBJECTIVES

    return [Listed(name, e.summary, e.source) for name, e in OBJECTIVES.items()]


KINDS: Mapping[str, Callable[[], list[Listed]]] = {
    "tasks": _tasks,
    "models": _models,
    "recipes": _recipes,
    "methods": _methods,
    "aggregators": _aggregators,
    "forget-losses": _forget_losses,
    "presets": _presets,
    "metrics": _metrics,
    "objectives": _objectives,
}
"""What there is to list, and what collects it; each imports what it needs."""


def _entries(registry: Mapping[str, Entry]) -> list[Listed]:
    return [
        Listed(name, e.summary, e.source, tuple(_knob(k) for k in e.knobs))
        for name, e in registry.items()
    ]


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
    facts = [BETTER.get(metric.direction, _AIM)]
    facts += ["needs a retrained model"] * metric.needs_retrained
    least = metric.least_seeds
    facts += [f"compares the models of {least} training seeds or more"] * (least > 1)
    facts += ["needs an adjacent set"] * metric.needs_adjacent
    facts += [f"needs a forget request of kind {metric.request}"] * bool(metric.request)
    facts += ["language models only"] * metric.tokens_only
    facts += [f"needs {listing([PARTS[part] for part in metric.needs])}"] * bool(metric.needs)
    reads = "reads samples that only report" if metric.tokens_only else "reads the test set"
    facts += [reads] * metric.reads_test
    facts += [f"models are chosen by {metric.twin}"] * (metric.twin is not None)
    own = metric.on_tokens
    more = f" Needs {listing([PARTS[part] for part in own.needs])}." if own and own.needs else ""
    source = f" [{own.source}]" if own and own.source else ""
    on_tokens = [f"of language models: {own.meaning}{more}{source}"] if own else []
    return Listed(metric.name, metric.meaning, metric.source, ("; ".join(facts), *on_tokens))


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
