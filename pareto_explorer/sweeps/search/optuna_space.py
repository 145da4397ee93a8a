"""Families and their knobs as a conditional space of Optuna."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy.stats import norm

from pareto_explorer.sweeps.spec.domains import Domain
from pareto_explorer.sweeps.spec.families import Family

__all__ = ["FAMILY", "distributions", "draw", "knobs_to_params"]

FAMILY = "family"
"""The parameter that chooses the family; every other one belongs to one family."""

_TAIL = 1e-4  # a normal knob is drawn by its quantile, from here to 1 minus this


def draw(trial: optuna.Trial, families: Mapping[str, Family]) -> tuple[Family, dict[str, Any]]:
    """Draws a family, then its knobs.

    Args:
        trial: What proposes the values.
        families: By name.

    Returns:
        The family, and all its knobs, fixed ones included.
    """
    family = families[trial.suggest_categorical(FAMILY, list(families))]
    knobs = dict(family.knobs)
    for name, domain in family.domains.items():
        drawn = _suggest(trial, _parameter(family, name), _distribution(domain))
        knobs[name] = _to_knob(domain, drawn)
    return family, knobs


def distributions(family: Family, families: Sequence[str]) -> dict[str, BaseDistribution]:
    """The distributions of a family's parameters, that of the family's name included."""
    return {FAMILY: CategoricalDistribution(list(families))} | {
        _parameter(family, name): _distribution(domain) for name, domain in family.domains.items()
    }


def knobs_to_params(family: Family, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that give knobs; those outside of their domain, or missing, are left out."""
    params: dict[str, Any] = {FAMILY: family.name}
    for name, domain in family.domains.items():
        if knobs.get(name) is None and None not in domain.arguments:
            continue
        value = _to_parameter(domain, knobs.get(name))
        if _inside(value, _distribution(domain)):
            params[_parameter(family, name)] = value
    return params


def _parameter(family: Family, knob: str) -> str:
    return f"{family.name}.{knob}"


def _distribution(domain: Domain) -> BaseDistribution:
    low, high, *rest = (*domain.arguments, None, None)[:3]
    match domain.kind:
        case "uniform":
            return FloatDistribution(low, high)
        case "loguniform":
            return FloatDistribution(low, high, log=True)
        case "quniform":
            return FloatDistribution(low, high, step=rest[0])
        case "randint" | "lograndint":  # Ray Tune leaves out the upper end
            return IntDistribution(low, high - 1, log=domain.kind == "lograndint")
        case "normal":
            return FloatDistribution(_TAIL, 1 - _TAIL)
        case _:
            return CategoricalDistribution(domain.arguments)


def _suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    match distribution:
        case FloatDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_float(name, low, high, step=step, log=log)
        case IntDistribution(low=low, high=high, log=log):
            return trial.suggest_int(name, low, high, log=log)
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(name, choices)
    raise TypeError(f"{distribution!r} is none of those that a domain becomes")


def _inside(value: Any, distribution: BaseDistribution) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)  # noqa: S101
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and distribution.low <= value <= distribution.high


def _to_knob(domain: Domain, value: Any) -> Any:
    return float(norm.ppf(value, *domain.arguments)) if domain.kind == "normal" else value


def _to_parameter(domain: Domain, value: Any) -> Any:
    return float(norm.cdf(value, *domain.arguments)) if domain.kind == "normal" else value
