"""Everything that can be named in a search-space file, for ``pareto-explorer list``."""

from __future__ import annotations

import inspect
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pareto_explorer.cli import examples
from pareto_explorer.cli.remembered import foundations, recall, remember
from pareto_explorer.cli.space_text import flow
from pareto_explorer.schema.metrics import BETTER, PARTS
from pareto_explorer.sweeps.spec.shipped import shipped_spaces
from pareto_explorer.text import listing
from pareto_explorer.trust.files import read_yaml

if TYPE_CHECKING:
    from pareto_explorer.schema.metrics import MetricEntry
    from pareto_explorer.tasks import Recipe
    from pareto_explorer.unlearning import Entry, Knob, Preset

__all__ = ["KINDS", "Kind", "Listed", "catalogue", "knob_line"]

_RECIPE_SOURCES = {
    "fast": "one-cycle training at large batches",
    "published": "code of Unlearn-Sparse, SalUn and their descendants",
}

_SAID = ("name", "meaning", "source")
"""Fields of a metric that stand elsewhere."""

_AIM = "the retrained model's value is the aim"


@dataclass(frozen=True)
class Listed:
    """One registered name; all of it is plain data.

    Attributes:
        name: As written in a search-space file.
        summary: One sentence.
        source: Paper and section, or where else it comes from.
        lines: What ``list`` prints below the name.
        knobs: What can be set: ``name`` and ``default``, ``domain`` where there is a default one,
            ``required`` where there is no default, and ``meaning`` where it is known.
        facts: What else is known of a name of this kind.
        example: A part of a search space that names it, in YAML; of a search space the command that
            runs it.
    """

    name: str
    summary: str
    source: str
    lines: tuple[str, ...] = ()
    knobs: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    example: str = ""


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
    missing = {kind: _collected(kind) for kind in wanted if kind not in found}
    if missing:
        found |= missing
        remember(found, of)
    return {kind: [_listed(one) for one in found[kind]] for kind in wanted}


def _collected(kind: str) -> Any:
    """The names of a kind, as they are remembered: without tuples."""
    return json.loads(json.dumps([asdict(one) for one in KINDS[kind].collect()]))


def _listed(facts: Mapping[str, Any]) -> Listed:
    return Listed(**{**facts, "lines": tuple(facts["lines"]), "knobs": tuple(facts["knobs"])})


def _tasks() -> list[Listed]:
    from pareto_explorer.tasks import TASKS

    found = []
    for name, entry in TASKS.items():
        knobs = _options(entry.build)
        line = ", ".join(
            one["name"] if one.get("required") else f"{one['name']}: {_yaml(one['default'])}"
            for one in knobs
        )
        text = examples.of_task(name)
        found.append(Listed(name, entry.summary, entry.source, (line,), knobs, example=text))
    return found


def _models() -> list[Listed]:
    from pareto_explorer.tasks import MODELS

    return [
        Listed(
            name,
            entry.summary,
            entry.source,
            tuple(f"{key}: {value}" for key, value in entry.options.items()),
            _given(entry.options),
            example=examples.of_model(name, entry.options),
        )
        for name, entry in MODELS.items()
    ]


def _recipes() -> list[Listed]:
    from pareto_explorer.tasks import RECIPES

    return [_recipe(name, recipe) for name, recipe in RECIPES.items()]


def _methods() -> list[Listed]:
    from pareto_explorer.unlearning import METHODS

    return _entries(METHODS, examples.of_method)


def _aggregators() -> list[Listed]:
    from pareto_explorer.unlearning import AGGREGATORS

    return _entries(AGGREGATORS, examples.of_aggregator)


def _forget_losses() -> list[Listed]:
    from pareto_explorer.unlearning import FORGET_LOSSES

    return _entries(FORGET_LOSSES, examples.of_forget_loss)


def _presets() -> list[Listed]:
    from pareto_explorer.unlearning import PRESETS

    return [
        Listed(
            name,
            preset.summary,
            preset.source,
            _settings(preset),
            facts={"sets": dict(preset.family), "sweep": dict(preset.domains)},
            example=examples.of_preset(name, preset.domains),
        )
        for name, preset in PRESETS.items()
    ]


def _metrics() -> list[Listed]:
    from pareto_explorer.schema.metrics import METRICS

    return [_metric(metric) for metric in METRICS.values()]


def _objectives() -> list[Listed]:
    from pareto_explorer.fronts import OBJECTIVES

    return [
        Listed(
            name,
            entry.summary,
            entry.source,
            facts={"metrics": list(entry.metrics), "needs_retrained": entry.needs_retrained},
            example=examples.of_objectives(name, entry.metrics),
        )
        for name, entry in OBJECTIVES.items()
    ]


def _search_spaces() -> list[Listed]:
    return [_search_space(name, path) for name, path in shipped_spaces().items()]


class Kind(NamedTuple):
    """A kind of names.

    Attributes:
        one: What one of them is.
        collect: Lists them; it imports what it needs.
    """

    one: str
    collect: Callable[[], list[Listed]]


KINDS: Mapping[str, Kind] = {
    "tasks": Kind("task", _tasks),
    "models": Kind("model", _models),
    "recipes": Kind("recipe", _recipes),
    "methods": Kind("method", _methods),
    "aggregators": Kind("aggregator", _aggregators),
    "forget-losses": Kind("forget loss", _forget_losses),
    "presets": Kind("preset", _presets),
    "metrics": Kind("metric", _metrics),
    "objectives": Kind("objectives", _objectives),
    "search-spaces": Kind("search space", _search_spaces),
}
"""What there is to list."""


def _entries(registry: Mapping[str, Entry], example: Callable[..., str]) -> list[Listed]:
    return [
        Listed(
            name,
            entry.summary,
            entry.source,
            tuple(f"{knob_line(_facts(knob))} - {knob.summary}" for knob in entry.knobs),
            tuple(_facts(knob) for knob in entry.knobs),
            {"defects_of_published_code": entry.defects} if entry.defects else {},
            example(name, {knob.name: knob.domain for knob in entry.knobs if knob.domain}),
        )
        for name, entry in registry.items()
    ]


def _facts(knob: Knob) -> dict[str, Any]:
    domain = {"domain": dict(knob.domain)} if knob.domain else {}
    return {"name": knob.name, "default": knob.default, **domain, "meaning": knob.summary}


def _options(build: Callable[..., Any]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"name": name, "required": True}
        if option.default is option.empty
        else {"name": name, "default": option.default}
        for name, option in inspect.signature(build).parameters.items()
    )


def _given(options: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    return tuple({"name": name, "default": value} for name, value in options.items())


def _search_space(name: str, path: Path) -> Listed:
    text = path.read_text(encoding="utf-8")
    comment = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    words = " ".join(" ".join(line.lstrip("# ") for line in comment).split())
    summary = re.split(r"(?<=[.?])\s", words, maxsplit=1)[0]
    content: Any = read_yaml(path)
    forget = content["task"].get("forget")
    line = f"task: {content['task']['name']}" + (f", forget: {flow(forget)}" if forget else "")
    return Listed(
        name,
        summary,
        f"search_spaces/{path.name}",
        (line,),
        facts={"task": content["task"]["name"], "path": str(path)},
        example=f"pareto-explorer sweep {name}\n",
    )


def _yaml(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _recipe(name: str, recipe: Recipe) -> Listed:
    values = {key: value for key, value in asdict(recipe).items() if value != ()}
    summary = "How a landmark is trained, for `recipe` of a task."
    shown = ", ".join(f"{key}: {_yaml(value)}" for key, value in values.items())
    source, text = _RECIPE_SOURCES[name], examples.of_recipe(name)
    return Listed(name, summary, source, (shown,), _given(values), example=text)


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
    return Listed(
        metric.name,
        metric.meaning,
        metric.source,
        ("; ".join(facts), *on_tokens),
        facts={key: value for key, value in asdict(metric).items() if key not in _SAID},
        example=examples.of_metric(metric),
    )


def knob_line(knob: Mapping[str, Any]) -> str:
    """A knob of ``Listed`` without what it means."""
    if knob.get("required"):
        return f"{knob['name']}: required"
    domain = f"; sweep: {_short(knob['domain'])}" if "domain" in knob else ""
    return f"{knob['name']}: {_yaml(knob['default'])}{domain}"


def _settings(preset: Preset) -> tuple[str, ...]:
    sets = ", ".join(f"{key}: {value}" for key, value in preset.family.items())
    sweeps = (f"sweep {key}: {_short(domain)}" for key, domain in preset.domains.items())
    return (sets, *sweeps)


def _short(domain: Mapping[str, list[Any]]) -> str:
    kind, values = next(iter(domain.items()))
    shown = values if len(values) <= 6 else [*values[:2], "...", values[-1]]
    return f"{{{kind}: [{', '.join(map(str, shown))}]}}"
