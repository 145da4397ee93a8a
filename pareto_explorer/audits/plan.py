"""What an audit is going to do: which models it has, trains and unlearns, and what each part takes.

A plan knows seeds and seconds only. Its stages stand in the order of their value; with a budget,
those that fit are taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pareto_explorer.audits.compute import LEAST, Point
from pareto_explorer.audits.records import HALVES, NONE, Arrays, Shadow
from pareto_explorer.errors import InputError, brief
from pareto_explorer.text import count, listing

__all__ = ["GAMES", "AuditPlan", "Costs", "Stage", "plan_audit", "seconds_of", "seeds_for"]

GAMES = ("indistinguishability", "leakage", "recovery")
"""What can be asked of an unlearned model: is it a retrained one; was this sample forgotten or
never seen; and does what was forgotten come back?"""

_NEEDS: Mapping[str, str] = {
    "indistinguishability": "original, retrained and unlearned models of the same seeds",
    "leakage": "originals of halves of the forget set, and what is unlearned from them",
    "recovery": "some steps of training of every model",
}
_PAIRS = 8
"""Seeds that leakage takes at most by default."""
_RELEARNED = 4
"""Seeds whose models are trained further."""


@dataclass(frozen=True)
class Costs:
    """What one of each takes, in seconds, as the run has measured it.

    Attributes:
        train: A landmark.
        unlearn: A replicate of each audited point, evaluations included.
        ask: Evaluating a landmark.
        relearn: Training a model further.
        slots: How many run at a time.
    """

    train: float
    unlearn: Mapping[Point, float]
    ask: float = 0.0
    relearn: float = 0.0
    slots: int = 1


@dataclass(frozen=True)
class Stage:
    """A part of an audit: models of some seeds.

    Attributes:
        game: One of `GAMES`.
        seeds: The training seeds.
        there: Models that an earlier audit has measured, or landmarks from the cache.
        to_train: Landmarks that are missing.
        to_unlearn: Models that are to be unlearned.
        seconds: What is expected to be left to do, on all slots.
        fits: Whether the budget has room for it.
    """

    game: str
    seeds: tuple[int, ...]
    there: int
    to_train: int
    to_unlearn: int
    seconds: float
    fits: bool = True

    @property
    def needs(self) -> str:
        """What its statistics are computed from, in words."""
        return _NEEDS[self.game]


@dataclass(frozen=True)
class AuditPlan:
    """What an audit is going to do.

    Attributes:
        points: What is audited; doing nothing beside it.
        own: The sweep's training seeds.
        stages: In the order of their value.
        notes: Sentences on what is left out, and why.
    """

    points: tuple[Point, ...]
    own: tuple[int, ...]
    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()

    def seeds(self, game: str) -> tuple[int, ...]:
        """The seeds of a game that the budget has room for; empty if there is none."""
        found = [stage.seeds for stage in self.stages if stage.game == game and stage.fits]
        return tuple(seed for seeds in found for seed in seeds)

    @property
    def seconds(self) -> float:
        """What the stages that fit are expected to take."""
        return sum(stage.seconds for stage in self.stages if stage.fits)


def plan_audit(
    points: Sequence[Point],
    own: Sequence[int],
    *,
    models: int,
    games: Collection[str] = GAMES,
    measured: Mapping[Shadow, Arrays],
    cached: Callable[[Shadow], bool],
    costs: Costs,
    budget: float | None = None,
) -> AuditPlan:
    """Plans an audit.

    Args:
        points: What is audited, without doing nothing.
        own: The sweep's training seeds; they come first.
        models: Most models of each role; further seeds are fresh.
        games: Some of `GAMES`; the first is always asked, since the others need its models, and
            below four seeds it alone.
        measured: What earlier audits have.
        cached: Whether a landmark is trained already.
        costs: Seconds.
        budget: Seconds that there are; None for as many as it takes.
    """
    everything = seeds_for(own, models)
    asked = {GAMES[0]} if models < LEAST else {GAMES[0], *games}
    left = float("inf") if budget is None else budget
    stages: list[Stage] = []
    full: set[str] = set()
    whole: set[int] = set()
    for game, seeds in _by_value(everything, asked):
        stage = _stage(game, seeds, points, measured, cached, costs)
        possible = game == GAMES[0] or whole.issuperset(seeds)
        fits = stage.seconds <= left and possible and game not in full
        if fits:
            left -= stage.seconds
            whole.update(seeds if game == GAMES[0] else ())
        else:
            full.add(game)
        stages.append(stage if fits else replace(stage, fits=False))
    plan = AuditPlan((*points, Point(NONE, 0)), tuple(own), tuple(stages))
    return AuditPlan(plan.points, plan.own, plan.stages, tuple(_notes(plan)))


def seeds_for(own: Sequence[int], models: int) -> tuple[int, ...]:
    """The sweep's training seeds, then the numbers after the largest one; ``models`` in all.

    PyTorch draws from the lower 32 bits of a seed: numbers that are the same there are left out.
    """
    seeds = list(own[:models])
    taken = {seed % 2**32 for seed in own}
    following = max(own) + 1
    while len(seeds) < models:
        if following % 2**32 not in taken:
            seeds.append(following)
        following += 1
    return tuple(seeds)


def seconds_of(text: str) -> float:
    """Reads a duration such as ``90``, ``90s``, ``5m`` or ``1.5h``, in seconds.

    Raises:
        InputError: It is none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([smh]?)\s*", text)
    if found is None or not float(found[1]):
        raise InputError(f"`budget`: {brief(text)} is no duration; write for example 90s or 5m.")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _by_value(
    seeds: tuple[int, ...], games: Collection[str]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each game and seeds that go on from those before, the most telling first."""
    order = (
        ("indistinguishability", 0, 4),
        ("indistinguishability", 4, 8),
        ("leakage", 0, 4),
        ("recovery", 0, _RELEARNED),
        ("indistinguishability", 8, 16),
        ("leakage", 4, _PAIRS),
        ("indistinguishability", 16, 32),
        ("indistinguishability", 32, 64),
        ("indistinguishability", 64, len(seeds)),
    )
    for game, first, last in order:
        if game in games and seeds[first:last]:
            yield game, seeds[first:last]


def _stage(
    game: str,
    seeds: tuple[int, ...],
    points: Sequence[Point],
    measured: Mapping[Shadow, Arrays],
    cached: Callable[[Shadow], bool],
    costs: Costs,
) -> Stage:
    halves = HALVES if game == "leakage" else ("",)
    roles = ("original",) if game == "leakage" else ("original", "retrained")
    landmarks = [Shadow(r, seed, half=half) for r in roles for seed in seeds for half in halves]
    if game == "recovery":
        models = [*landmarks, *(point.shadow(seed) for point in points for seed in seeds)]
        left = [shadow for shadow in models if "relearn" not in measured.get(shadow, {})]
        asked_before = measured.keys() & set(left)
        again = [p for p in points for seed in seeds if p.shadow(seed) in asked_before]
        seconds = costs.relearn * len(left) + sum(costs.unlearn[point] for point in again)
        there = len(models) - len(left)
        return Stage(game, seeds, there, 0, len(again), seconds / costs.slots)
    to_ask = [shadow for shadow in landmarks if shadow not in measured]
    to_train = [shadow for shadow in to_ask if not cached(shadow)]
    unlearned = [(p, p.shadow(seed, half)) for p in points for seed in seeds for half in halves]
    to_unlearn = [point for point, shadow in unlearned if shadow not in measured]
    seconds = costs.train * len(to_train) + costs.ask * len(to_ask)
    seconds += sum(costs.unlearn[point] for point in to_unlearn)
    there = len(landmarks) + len(unlearned) - len(to_train) - len(to_unlearn)
    return Stage(game, seeds, there, len(to_train), len(to_unlearn), seconds / costs.slots)


def _notes(plan: AuditPlan) -> Iterator[str]:
    left_out = [
        f"{stage.game} with {count(len(stage.seeds), 'further seed')} ({stage.seconds:.0f} s)"
        for stage in plan.stages
        if not stage.fits
    ]
    if left_out:
        yield f"the budget has no room for {listing(left_out, 9)}"
    n = len(plan.seeds("indistinguishability"))
    if n < LEAST:
        yield (
            f"{count(n, 'seed')}: no attacker who has models of other seeds can be simulated below "
            f"{LEAST}; outputs, RMIA and population attacks are all that is told"
        )
