"""Continuation: a run whose knob moves in levels, and that shows a model at the end of each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.unlearning.aggregators import Rule, Weighting
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.entries import keyword_only
from pareto_explorer.unlearning.core.knobs import (
    Knob,
    KnobSpec,
    finite,
    one_of,
    whole_above_zero,
)
from pareto_explorer.unlearning.core.losses import ForgetLoss

__all__ = [
    "KNOBS",
    "PARTS",
    "SCALES",
    "SHARES",
    "Course",
    "Path",
    "holder_of",
    "read_path",
    "require_one_rate",
    "takes",
    "with_argument",
]

SCALES = ("linear", "log")

SHARES = ("weight", "preference", "intensity")
"""Knobs that are the share of forgetting, so that .95 to .05 is strong forgetting first."""

PARTS = {
    "knob": "path",
    "from": "path_from",
    "to": "path_to",
    "levels": "path_levels",
    "scale": "path_scale",
}
"""The knobs by the words that a search space has for them below ``path``."""


def _absent_or_name(value: object) -> str | None:
    return None if value is None or (isinstance(value, str) and value) else "the name of a knob"


KNOBS = {
    "path": KnobSpec(
        None,
        "knob that moves in levels, with a model at the end of each: of the aggregator or the "
        "forget loss, or lr; null: none",
        _absent_or_name,
    ),
    "path_from": KnobSpec(None, "its first value", finite),
    "path_to": KnobSpec(None, "its last value", finite),
    "path_levels": KnobSpec(None, "how many values it takes", whole_above_zero),
    "path_scale": KnobSpec(
        None, "what is even between them: linear, differences; log, ratios", one_of(SCALES)
    ),
}


@dataclass(frozen=True)
class Path:
    """Values of a knob, one after the other.

    Attributes:
        knob: Its name.
        first: Its value in the first level.
        last: Its value in the last one, if there is more than one.
        levels: How many there are.
        scale: ``linear`` or ``log``: even differences, or even ratios of values above 0.
    """

    knob: str
    first: float
    last: float
    levels: int
    scale: str = "linear"

    def __post_init__(self) -> None:
        if reason := whole_above_zero(self.levels):
            raise InputError(f"path_levels: {brief(self.levels)} must be {reason}.")
        if self.scale == "log" and min(self.first, self.last) <= 0:
            raise InputError(
                f"path_scale: log given for values from {self.first:g} to {self.last:g}; take ends "
                "above 0, or linear."
            )

    def at(self, level: int) -> float:
        """The value of a level, counted from 0; the first and the last exactly as given."""
        if level == 0:
            return self.first
        if level == self.levels - 1:
            return self.last
        share = level / (self.levels - 1)
        if self.scale == "log":
            return self.first * (self.last / self.first) ** share
        if isinstance(self.first, int) and isinstance(self.last, int):
            value = self.first + (self.last - self.first) * level / (self.levels - 1)
            return int(value) if value.is_integer() else value
        return self.first + (self.last - self.first) * share

    def starts(self, steps: int) -> dict[int, float]:
        """The value that holds from each step on at which it changes.

        Levels are equally long where their number divides the steps. In a run with fewer steps
        than levels, as checks take, those that would have none are left out.
        """
        return {steps * level // self.levels: self.at(level) for level in range(self.levels)}

    def ends(self, steps: int) -> tuple[int, ...]:
        """The steps after which a model is shown."""
        return (*sorted(self.starts(steps))[1:], steps)


class Course:
    """Sets the knob of one run as its levels begin.

    Args:
        path: The values.
        steps: Steps of the whole run.
        move: Gives the knob a value.
        ledger: Says the step, and hears of each value.
        device: Where diagnostics are.
    """

    def __init__(
        self,
        path: Path,
        steps: int,
        move: Callable[[float], None],
        ledger: Ledger,
        device: torch.device,
    ) -> None:
        self._starts = path.starts(steps)
        self._move = move
        self._ledger = ledger
        self._device = device

    def advance(self) -> None:
        """Called before every step."""
        value = self._starts.get(self._ledger.step)
        if value is not None:
            self._move(value)
            told = torch.tensor(value, dtype=torch.float64, device=self._device)
            self._ledger.observe(_value, told)


def _value(values: Tensor) -> dict[str, Tensor]:
    return {"path_value": values}


def require_one_rate(knob: str, auto_lr: object, where: str = "path") -> None:
    """Refuses a learning rate that moves along a path and is measured too.

    Raises:
        InputError: It is.
    """
    if knob == "lr" and auto_lr:
        raise InputError(
            f"{where}: lr moves along it, and auto_lr sets it too; set auto_lr to false."
        )


def holder_of(aggregator: nn.Module, knob: str) -> nn.Module | None:
    """The aggregator, or one of ours inside it, that has a knob as an attribute to set."""
    for module in aggregator.modules():
        settable = getattr(type(module), knob, None)
        own = vars(module).get(knob, False)
        has = not isinstance(own, bool) or (isinstance(settable, property) and settable.fset)
        if has and (module is aggregator or isinstance(module, Weighting | Rule)):
            return module
    return None


def takes(loss: ForgetLoss, knob: str) -> bool:
    """Whether a forget loss has a knob that :func:`with_argument` can set."""
    return knob in keyword_only(loss.func) if isinstance(loss, partial) else hasattr(loss, knob)


def with_argument(loss: ForgetLoss, knob: str, value: float) -> ForgetLoss:
    """A forget loss with another value of one of its knobs."""
    if isinstance(loss, partial):
        return partial(loss.func, *loss.args, **{**loss.keywords, knob: value})
    moved = copy.copy(loss)
    setattr(moved, knob, value)
    return moved


def read_path(
    chosen: Mapping[str, Any],
    knobs: Mapping[str, Knob],
    fixed: Collection[str],
    named: Callable[[str], str] = str,
) -> Path | None:
    """Reads the path of a configuration.

    Args:
        chosen: Values by knob; those of the path are there only if they are given.
        knobs: All knobs of the family.
        fixed: Those that cannot move.
        named: What messages call a knob.

    Returns:
        The path; ``None`` where nothing moves.

    Raises:
        InputError: The path does not go with the knobs.
    """
    name = chosen.get("path")
    if name is None:
        for part in PARTS.values():
            if part != "path" and part in chosen:
                raise InputError(
                    f"{named(part)}: {brief(chosen[part])} given, and nothing moves; name a knob "
                    f"at {named('path')}, or remove it."
                )
        return None
    movable = [
        knob.name
        for knob in knobs.values()
        if knob.name not in fixed and not isinstance(knob.default, str | bool)
    ]
    if name not in movable:
        raise unknown(named("path"), name, movable)
    if chosen.get("path_scale") == "log":
        for end in ("path_from", "path_to"):
            if chosen.get(end, 1) <= 0:
                raise InputError(
                    f"{named(end)}: {brief(chosen[end])} has no logarithm; take a value above 0, "
                    f"or linear at {named('path_scale')}."
                )
    if name in chosen:
        raise InputError(f"{named(name)}: given, and moves along the path; remove one of them.")
    require_one_rate(name, chosen.get("auto_lr", False), named("path"))
    for end, does in (("path_from", "begins"), ("path_to", "ends")):
        if end not in chosen and name not in SHARES:
            raise InputError(f"{named(end)}: missing; say at which value {name} {does}.")
    first, last, levels, scale = (
        chosen.get(part, knobs[part].default) for part in PARTS.values() if part != "path"
    )
    knobs[name].validate(first, named("path_from"))
    knobs[name].validate(last, named("path_to"))
    path = Path(name, first, last, levels, scale)
    if levels > 2:
        knobs[name].validate(path.at(1), f"{named('path_levels')}, {name} in between")
    return path
