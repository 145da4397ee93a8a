"""For every registered name, a part of a search space that names it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from pareto_explorer.cli.space_text import space_text
from pareto_explorer.schema.metrics import METRICS, MetricEntry

__all__ = [
    "of_aggregator",
    "of_forget_loss",
    "of_method",
    "of_metric",
    "of_model",
    "of_objectives",
    "of_preset",
    "of_recipe",
    "of_task",
]

Domains = Mapping[str, Mapping[str, Any]]

_LONG = 6
"""A domain of more values is called ``sweep``, which stands for it."""

_TWO_LOSSES = ("jacobian_descent", "pareto_line", "interpolation")
"""Methods that take a forget loss."""

_TASKS: Mapping[str, Mapping[str, Any]] = {
    "digits": {"forget": {"kind": "mislabelled", "fraction": 0.1}},
    "image_folder": {"root": "data/mine", "forget": {"kind": "class", "label": 0}},
    "text": {"forget": {"kind": "subclass", "subclass": "football_club"}},
    "authors": {"forget": {"kind": "authors", "count": 10}},
    "tofu": {"root": "data/TOFU", "split": "forget10", "model": {"path": "models/mine"}},
    "corpus": {"root": "data/texts", "model": {"path": "models/mine"}},
}
"""What a task is told in an example; of the others, which tenth of the data is forgotten."""


def of_task(name: str) -> str:
    """A task with its forget request."""
    return space_text({"task": {"name": name, **_TASKS.get(name, {"forget": _random()})}})


def of_model(name: str, options: Mapping[str, Any]) -> str:
    """A network of a task."""
    return space_text({"task": {"name": "cifar10", "model": {"name": name, **options}}})


def of_recipe(name: str) -> str:
    """How the landmarks of a task are trained."""
    return space_text({"task": {"name": "cifar10", "recipe": name}})


def of_method(name: str, domains: Domains) -> str:
    """A family of a method, its knobs drawn from their default domains."""
    parts = {"aggregator": "upgrad"} if name == "jacobian_descent" else {}
    loss = {"forget_loss": "bounded_cross_entropy"} if name in _TWO_LOSSES else {}
    return _family({"method": name, **parts, **loss}, domains)


def of_aggregator(name: str, domains: Domains) -> str:
    """A family of Jacobian descent with an aggregator."""
    parts = {"aggregator": name, "forget_loss": "bounded_cross_entropy"}
    return _family({"method": "jacobian_descent", **parts}, {**domains, "lr": {}})


def of_forget_loss(name: str, domains: Domains) -> str:
    """A family of Jacobian descent with a forget loss."""
    parts = {"aggregator": "upgrad", "forget_loss": name}
    return _family({"method": "jacobian_descent", **parts}, {**domains, "lr": {}})


def of_preset(name: str, domains: Domains) -> str:
    """A family of a preset."""
    return _family({"preset": name}, domains)


def of_objectives(name: str, metrics: Iterable[str]) -> str:
    """A named choice of objectives, which stands for some metrics."""
    seeds = max(METRICS[metric].least_seeds for metric in metrics)
    return space_text({"objectives": name, **_seeds(seeds)})


def of_metric(metric: MetricEntry) -> str:
    """A metric as an objective; as a bound where no direction is better."""
    space: dict[str, Any] = {}
    if metric.tokens_only:
        space["task"] = {"name": "authors", **_TASKS["authors"]}
    elif metric.request:
        request = _REQUESTS[metric.request]
        space["task"] = {"name": "digits", "forget": {"kind": metric.request, **request}}
    elif metric.needs_adjacent:
        space["task"] = {"name": "digits", "forget": {"kind": "subclass", "label": 8}}
    space |= _seeds(metric.least_seeds)
    if metric.direction == "none":
        return space_text(
            space | {"search": {"mode": "explore", "constraints": [f"{metric.name} <= 0.5"]}}
        )
    beside = "retain_gap" if metric.name != "retain_gap" else "forget_gap"
    return space_text(
        space | {"objectives": [_objective(metric.name, metric.direction), _objective(beside)]}
    )


_REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "gaussian_poison": {"fraction": 0.1, "noise": 0.25},
    "confused": {"classes": [3, 8], "count": 40},
}


def _seeds(least: int) -> dict[str, Any]:
    return {"replicates": {"training_seeds": [*range(least)]}} if least > 1 else {}


def _random() -> dict[str, Any]:
    return {"kind": "random", "fraction": 0.1}


def _objective(metric: str, direction: str = "min") -> dict[str, Any]:
    ideal, nadir = (1, 0) if direction == "max" else (0, 1)
    return {"metric": metric, "direction": direction, "ideal": ideal, "nadir": nadir}


def _family(parts: Mapping[str, Any], domains: Domains) -> str:
    knobs = {knob: _short(domain) for knob, domain in domains.items()}
    cells = math.prod(len(domain.get("grid_search", "1")) for domain in domains.values())
    search = {"search": {"configurations": cells}} if cells > 1 else {}
    return space_text({"families": [{**parts, **knobs}], **search})


def _short(domain: Mapping[str, Any]) -> object:
    """A domain as a file has it."""
    values = next(iter(domain.values()), None)
    return "sweep" if values is None or len(values) > _LONG else dict(domain)
