"""Everything that can be named in a search-space file, for ``pareto-explorer list``."""

from __future__ import annotations

from dataclasses import dataclass

from pareto_explorer.fronts import OBJECTIVES
from pareto_explorer.metrics import METRICS
from pareto_explorer.tasks import TASKS
from pareto_explorer.unlearning import FORGET_LOSSES, METHODS, WEIGHTINGS, Knob

__all__ = ["Listed", "catalogue"]


@dataclass(frozen=True)
class Listed:
    """One registered name.

    Attributes:
        name: As written in a search-space file.
        summary: One sentence.
        source: Paper and section, or where else it comes from.
        knobs: One line each: name, default, default domain, meaning.
    """

    name: str
    summary: str
    source: str
    knobs: tuple[str, ...] = ()


def catalogue() -> dict[str, list[Listed]]:
    """All registered names by kind."""
    found = {
        "tasks": [Listed(name, e.summary, e.source) for name, e in TASKS.items()],
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
    found["metrics"] = [Listed(name, e.summary, e.source) for name, e in METRICS.items()]
    found["objectives"] = [Listed(name, e.summary, e.source) for name, e in OBJECTIVES.items()]
    return found


def _knob(knob: Knob) -> str:
    domain = ""
    if knob.domain:
        kind, arguments = next(iter(knob.domain.items()))
        domain = f"; sweep: {{{kind}: {list(arguments)}}}"
    return f"{knob.name}: {knob.default}{domain} - {knob.summary}"
