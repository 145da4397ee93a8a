"""The path of a family, along which a knob moves during each run: from the file to knobs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.sweeps.spec.domains import Domain
from pareto_explorer.unlearning import METHODS, Knob
from pareto_explorer.unlearning.methods._continuation import PARTS
from pareto_explorer.unlearning.registry import path_of

__all__ = ["check_path", "flat_path", "levels_of", "moving_knob", "path_words", "require_levels"]

_WORDS = {part: f"path.{word}" for word, part in PARTS.items()}


def flat_path(where: str, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Writes ``path: {knob: ..., from: ..., ...}`` as the knobs that it stands for.

    Args:
        where: Path of the family, for messages.
        method: Its method.
        given: Its knobs as the file has them.

    Raises:
        InputError: The path has no knob, or a key that it does not know.
    """
    path = moving_knob(method, given)
    if not isinstance(path, Mapping):
        return dict(given)
    for word in path:
        if word not in PARTS:
            raise unknown(f"{where}.path", word, PARTS)
    if not isinstance(path.get("knob"), str):
        raise InputError(
            f"{where}.path.knob: {brief(path.get('knob'))} must be the name of a knob, for example "
            "weight."
        )
    rest = {key: value for key, value in given.items() if key != "path"}
    for word in path:
        if PARTS[word] in rest:
            raise InputError(
                f"{where}.{PARTS[word]}: {brief(rest[PARTS[word]])} given beside path.{word}; "
                "remove one of them."
            )
    return {**rest, **{PARTS[word]: value for word, value in path.items()}}


def path_words(entry: Mapping[str, Any]) -> Mapping[str, str]:
    """What messages call the knobs of a path where an entry writes it as a mapping."""
    return _WORDS if isinstance(entry.get("path"), Mapping) else {}


def moving_knob(method: str, chosen: Mapping[str, Any]) -> Any:
    """What a family has as its path; ``None`` for nothing, and for a method that has no path."""
    return chosen.get("path") if method == "jacobian_descent" else None


def check_path(
    where: str, method: str, chosen: Mapping[str, Any], knobs: Mapping[str, Knob]
) -> None:
    """Refuses a path that some configuration of a family could not take.

    Raises:
        InputError: As for ``path_of``; or the number of levels is drawn from a range.
    """

    def named(knob: str) -> str:
        return f"{where}.{_WORDS.get(knob, knob)}"

    levels = chosen.get("path_levels") if moving_knob(method, chosen) else None
    if isinstance(levels, Domain) and levels.kind not in ("choice", "grid_search"):
        raise InputError(
            f"{named('path_levels')}: {levels.kind} given, and not every number in a range divides "
            "the steps; list those that do under choice."
        )
    varied = (*PARTS.values(), "auto_lr")
    parts = {part: _extremes(chosen[part]) for part in varied if part in chosen}
    rest = {key: value for key, value in chosen.items() if key not in parts}
    for values in itertools.product(*parts.values()):
        path_of(method, {**rest, **dict(zip(parts, values, strict=True))}, knobs, named)


def levels_of(method: str, chosen: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of levels that the path of a family may have; none where it has no path."""
    if moving_knob(method, chosen) is None:
        return ()
    default = next(k.default for k in METHODS[method].knobs if k.name == "path_levels")
    return _extremes(chosen.get("path_levels", default))


def require_levels(name: str, levels: Iterable[int], steps: int) -> None:
    """Refuses levels that cannot be of equally many steps.

    Args:
        name: The family.
        levels: The numbers of levels that its path may have.
        steps: Steps of a run.

    Raises:
        InputError: One of them does not divide the steps.
    """
    for number in levels:
        if steps % number:
            raise InputError(
                f"budget.steps: {steps} given, which the {number} levels of the path of "
                f"{brief(name)} do not divide; take a multiple of {number}, such as "
                f"{-(-steps // number) * number}."
            )


def _extremes(value: Any) -> tuple[Any, ...]:
    return (value.extremes() or (value.middle(),)) if isinstance(value, Domain) else (value,)
