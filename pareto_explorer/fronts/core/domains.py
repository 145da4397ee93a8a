"""The domains that knobs were drawn from, as a run's manifest records them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, brief

__all__ = ["KnobDomain", "read_domains"]

_NUMBERS = {
    "uniform": 2,
    "loguniform": 2,
    "quniform": 3,
    "randint": 2,
    "lograndint": 2,
    "normal": 2,
}
_OPTIONS = ("choice", "grid_search")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class KnobDomain:
    """A domain under its name in Ray Tune, with its arguments."""

    kind: str
    arguments: tuple[Any, ...]

    @property
    def options(self) -> tuple[Any, ...]:
        """What there is to choose from; empty for a range of numbers."""
        return self.arguments if self.kind in _OPTIONS else ()

    @property
    def bounded(self) -> bool:
        """Whether it is a range with two ends."""
        return not self.options and self.kind != "normal"

    def positions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The stretch of the range that each value stands for, as shares of its length: (n, 2).

        A range of logarithms is measured in logarithms, a normal distribution by its quantiles. A
        real number stands for itself alone, a whole one for all that is rounded to it.
        """
        low, high, *rest = (float(argument) for argument in self.arguments)
        ends = np.column_stack([values, values])
        if self.kind == "normal":
            found = np.vectorize(NormalDist(low, high).cdf)(ends)
        elif self.kind == "quniform":
            step = rest[0]
            first, last = np.ceil(low / step - _ROUNDING), np.floor(high / step + _ROUNDING)
            index = np.rint(values / step) - first
            found = np.column_stack([index, index + 1]) / (last - first + 1)
        else:
            if self.kind.endswith("randint"):
                ends[:, 1] += 1
            if self.kind.startswith("log"):
                low, high, ends = np.log(low), np.log(high), np.log(np.maximum(ends, low))
            found = (ends - low) / (high - low)
        return np.clip(found, 0.0, 1.0)

    def __str__(self) -> str:
        if self.options:
            return f"{{{', '.join(map(str, self.options))}}}"
        low, high = (f"{argument:g}" for argument in self.arguments[:2])
        return f"normal({low}, {high})" if self.kind == "normal" else f"[{low}, {high}]"


def read_domains(recorded: object) -> dict[str, dict[str, KnobDomain]]:
    """Reads the ``domains`` of a manifest.

    Args:
        recorded: ``{family: {knob: {kind: [argument, ...]}}}``.

    Returns:
        The domains by family and knob.

    Raises:
        InputError: It is something else.
    """
    found: dict[str, dict[str, KnobDomain]] = {}
    for family, knobs in _mapping("domains", recorded).items():
        where = f"domains.{family}"
        found[str(family)] = {
            str(knob): _domain(f"{where}.{knob}", domain)
            for knob, domain in _mapping(where, knobs).items()
        }
    return found


def _domain(where: str, recorded: object) -> KnobDomain:
    if isinstance(recorded, Mapping) and len(recorded) == 1:
        ((kind, arguments),) = recorded.items()
        if isinstance(arguments, list) and arguments:
            if kind in _OPTIONS:
                return KnobDomain(kind, tuple(arguments))
            numbers = all(
                isinstance(x, int | float) and not isinstance(x, bool) and abs(x) < np.inf
                for x in arguments
            )
            if numbers and len(arguments) == _NUMBERS.get(kind) and _ordered(kind, arguments):
                return KnobDomain(kind, tuple(arguments))
    raise InputError(
        f"{where}: {brief(recorded)} in sweep.yaml is no domain such as {{uniform: [0, 1]}}; "
        "restore the file."
    )


def _ordered(kind: str, arguments: list[float]) -> bool:
    if kind == "normal":
        return arguments[1] > 0
    low, high, *step = arguments
    return low < high and (low > 0 or not kind.startswith("log")) and min(step, default=1) > 0


def _mapping(where: str, value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: {brief(value)} in sweep.yaml is no mapping; restore the file.")
    return value
