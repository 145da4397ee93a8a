"""Domains of knobs, under Ray Tune's names, and the draws of the compare mode."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.sweeps.spec.draws import BalancedDraws

__all__ = ["DOMAINS", "Domain", "compare_configurations", "parse_knob"]

DOMAINS = {
    "uniform": ("low", "high"),
    "loguniform": ("low", "high"),
    "quniform": ("low", "high", "step"),
    "randint": ("low", "high"),
    "lograndint": ("low", "high"),
    "normal": ("mean", "sd"),
    "choice": ("value", "..."),
    "grid_search": ("value", "..."),
}


@dataclass(frozen=True)
class Domain:
    """A sampled knob: Ray Tune's domain by name, with its arguments."""

    kind: str
    arguments: tuple[Any, ...]

    def extremes(self) -> tuple[Any, ...]:
        """Values that must be valid for every draw to be: all choices, or both bounds."""
        if self.kind in ("choice", "grid_search"):
            return self.arguments
        return () if self.kind == "normal" else self.arguments[:2]

    def middle(self) -> Any:
        """A value in its middle: the one at the median, or half-way along a list."""
        if not self.drawn:
            return self.arguments[len(self.arguments) // 2]
        return self.at(0.5)

    @property
    def drawn(self) -> bool:
        """Whether its values are drawn; those of a grid are gone through."""
        return self.kind != "grid_search"

    def at(self, quantile: float) -> Any:
        """The value at a quantile of the domain's distribution.

        Args:
            quantile: Strictly between 0 and 1; equal steps of it are equal shares of the domain
                on its own scale: of logarithms, of the values where they can be counted, of
                probability for ``normal``.
        """
        match self.kind, self.arguments:
            case "choice", choices:
                return choices[int(quantile * len(choices))]
            case "uniform", (low, high):
                return low + quantile * (high - low)
            case "loguniform", (low, high):
                return math.exp(math.log(low) + quantile * math.log(high / low))
            case "quniform", (low, high, step):
                first, last = math.ceil(_index(low, step)), math.floor(_index(high, step))
                return min(max((first + int(quantile * (last - first + 1))) * step, low), high)
            case "randint", (low, high):
                return low + int(quantile * (high - low))
            case "lograndint", (low, high):
                value = math.exp(math.log(low) + quantile * math.log(high / low))
                return min(int(value), high - 1)
            case "normal", (mean, sd):
                from scipy.stats import norm  # 0.4 s to import, and no worker draws

                return float(norm.ppf(quantile, mean, sd))
        raise TypeError(f"{self.kind} is not drawn")

    def recorded(self, value: Any) -> Any:
        """The value as it was drawn, from how the points table keeps it."""
        if pd.isna(value):
            return None
        if self.kind in ("choice", "grid_search"):
            same = [a for a in self.arguments if a == value]  # or as text, in a mixed column
            return [*same, *(a for a in self.arguments if str(a) == str(value))][0]
        return int(value) if self.kind.endswith("randint") else float(value)


def _index(bound: float, step: float) -> float:
    """A bound in steps, without what rounding has added to a whole number."""
    index = bound / step
    return round(index) if math.isclose(index, round(index), rel_tol=1e-9) else index


def parse_knob(where: str, value: Any) -> Any:
    """Reads a knob of the search-space file: a ``Domain``, or the fixed value as it is.

    Args:
        where: Path of the knob, for messages.
        value: A number, text or boolean (fixed), or ``{domain name: arguments}``.

    Raises:
        InputError: The domain is unknown or its arguments do not fit it.
    """
    if not isinstance(value, Mapping):
        if isinstance(value, list):
            raise InputError(
                f"{where}: a list is not a knob; write {{choice: {brief(value)}}} to draw from it "
                f"or {{grid_search: {brief(value)}}} to try each."
            )
        _check_fits(where, value)
        return value
    if len(value) != 1:
        raise InputError(
            f"{where}: expected one domain such as {{uniform: [0, 1]}}, found {brief(value)}."
        )
    kind, arguments = next(iter(value.items()))
    if kind not in DOMAINS:
        raise unknown(where, kind, DOMAINS)
    if not isinstance(arguments, list | tuple) or not arguments:
        raise InputError(f"{where}.{kind}: expected a list of arguments, found {brief(arguments)}.")
    for argument in arguments:
        _check_fits(f"{where}.{kind}", argument)
    domain = Domain(kind, tuple(arguments))
    if kind not in ("choice", "grid_search"):
        _check_numbers(f"{where}.{kind}", domain)
    return domain


def _check_fits(where: str, value: Any) -> None:
    """Refuses what no cell of the points table holds: it keeps 64 bits of a whole number."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InputError(
            f"{where}: {brief(value)} does not fit into 64 bits; write it as a text or a decimal."
        )


def _check_numbers(where: str, domain: Domain) -> None:
    names = DOMAINS[domain.kind]
    values = domain.arguments
    found = brief(list(values))
    if len(values) != len(names):
        raise InputError(f"{where}: expected [{', '.join(names)}], found {found}.")
    if not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values
    ):
        raise InputError(f"{where}: expected finite numbers, found {found}.")
    if domain.kind == "normal":
        if values[1] <= 0:
            raise InputError(f"{where}: sd must be positive, found {values[1]}.")
        return
    low, high = values[:2]
    if low >= high:
        raise InputError(f"{where}: low must be below high, found {found}.")
    if domain.kind.startswith("log") and low <= 0:
        raise InputError(f"{where}: low must be positive on a log scale, found {low}.")
    if domain.kind.endswith("randint") and not all(isinstance(v, int) for v in values):
        raise InputError(f"{where}: expected whole numbers, found {found}.")
    if domain.kind == "quniform" and not 0 < values[2] <= high - low:
        raise InputError(f"{where}: the step must fit between low and high, found {found}.")
    spans = [high - low]
    spans += [high / low] if domain.kind.startswith("log") else []
    spans += [low / values[2], high / values[2]] if domain.kind == "quniform" else []
    if not all(map(math.isfinite, spans)):
        raise InputError(f"{where}: {found} spans more than numbers can; bring the bounds closer.")


def compare_configurations(
    where: str, knobs: Mapping[str, Any], configurations: int, draws: BalancedDraws
) -> list[dict[str, Any]]:
    """Configurations of one family in compare mode.

    Families that share a knob share its quantiles, and a longer sweep begins with the
    configurations of a shorter one. The cells of ``grid_search`` knobs are gone through in order,
    the first knob slowest, and each draws from a block of its own. A family without any sampled
    knob has one configuration.

    Args:
        where: Path of the family, for messages.
        knobs: Name to ``Domain`` or fixed value.
        configurations: How many configurations every family gets.
        draws: The quantiles of all knobs of the sweep that are drawn.

    Raises:
        InputError: A grid does not fit the number of configurations.
    """
    domains = {k: d for k, d in knobs.items() if isinstance(d, Domain)}
    grids = {k: d.arguments for k, d in domains.items() if not d.drawn}
    drawn = {k: d for k, d in domains.items() if d.drawn}
    fixed = {k: v for k, v in knobs.items() if k not in domains}
    size = math.prod(map(len, grids.values()))
    fits = configurations % size == 0 if drawn else configurations == size
    if grids and not fits:
        raise InputError(
            f"{where}: its grid has {size} cells but search.configurations is "
            f"{configurations}; set it to {'a multiple of ' if drawn else ''}{size}."
        )
    if not domains:
        return [dict(fixed)]
    cells = list(itertools.product(*grids.values()))
    blocks = [draws.quantiles(configurations // len(cells), block) for block in range(len(cells))]
    found = []
    for index in range(configurations):
        number, cell = divmod(index, len(cells))
        at = {name: float(quantiles[number]) for name, quantiles in blocks[cell].items()}
        values = {name: domain.at(at[name]) for name, domain in drawn.items()}
        found.append({**fixed, **dict(zip(grids, cells[cell], strict=True)), **values})
    return found
