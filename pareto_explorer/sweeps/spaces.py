"""Domains of knobs, under Ray Tune's names, and the draws of the compare mode."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ray import tune

from pareto_explorer.errors import InputError, unknown

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

    def draw(self, *key: int | str) -> Any:
        """Draws one value; the same key always gives the same draw.

        Args:
            *key: What the draw belongs to (seed, configuration, name of the knob). Domains that
                differ only in their bounds give the same quantile for the same key, which is what
                makes random numbers common to families.
        """
        digest = hashlib.sha256(repr(key).encode()).digest()
        random = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
        if self.kind == "choice":
            return self.arguments[int(random.integers(len(self.arguments)))]
        sampler = tune.randn if self.kind == "normal" else getattr(tune, self.kind)
        value = sampler(*self.arguments).sample(random_state=random)
        return value.item() if isinstance(value, np.generic) else value


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
                f"{where}: a list is not a knob; write {{choice: {value}}} to draw from it or "
                f"{{grid_search: {value}}} to try each."
            )
        return value
    if len(value) != 1:
        raise InputError(
            f"{where}: expected one domain such as {{uniform: [0, 1]}}, found {value}."
        )
    kind, arguments = next(iter(value.items()))
    if kind not in DOMAINS:
        raise unknown(where, kind, DOMAINS)
    if not isinstance(arguments, list | tuple) or not arguments:
        raise InputError(f"{where}.{kind}: expected a list of arguments, found {arguments!r}.")
    domain = Domain(kind, tuple(arguments))
    if kind not in ("choice", "grid_search"):
        _check_numbers(f"{where}.{kind}", domain)
    return domain


def _check_numbers(where: str, domain: Domain) -> None:
    names = DOMAINS[domain.kind]
    values = domain.arguments
    if len(values) != len(names):
        raise InputError(f"{where}: expected [{', '.join(names)}], found {list(values)}.")
    if not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values
    ):
        raise InputError(f"{where}: expected finite numbers, found {list(values)}.")
    if domain.kind == "normal":
        if values[1] <= 0:
            raise InputError(f"{where}: sd must be positive, found {values[1]}.")
        return
    low, high = values[:2]
    if low >= high:
        raise InputError(f"{where}: low must be below high, found {list(values)}.")
    if domain.kind.startswith("log") and low <= 0:
        raise InputError(f"{where}: low must be positive on a log scale, found {low}.")
    if domain.kind.endswith("randint") and not all(isinstance(v, int) for v in values):
        raise InputError(f"{where}: expected whole numbers, found {list(values)}.")
    if domain.kind == "quniform" and not 0 < values[2] <= high - low:
        raise InputError(f"{where}: the step must fit between low and high, found {list(values)}.")


def compare_configurations(
    where: str, knobs: Mapping[str, Any], configurations: int, seed: int
) -> list[dict[str, Any]]:
    """Configurations of one family in compare mode.

    Knobs are drawn by (seed, index of the configuration, name of the knob): families that share a
    knob share its random numbers, and a longer sweep begins with the configurations of a shorter
    one. The cells of ``grid_search`` knobs are gone through in order, the first knob slowest. A
    family without any sampled knob has one configuration.

    Args:
        where: Path of the family, for messages.
        knobs: Name to ``Domain`` or fixed value.
        configurations: How many configurations every family gets.
        seed: Seed of the search.

    Raises:
        InputError: A grid does not fit the number of configurations.
    """
    grids = {k: d.arguments for k, d in knobs.items() if _is(d, "grid_search")}
    drawn = {k: d for k, d in knobs.items() if isinstance(d, Domain) and k not in grids}
    fixed = {k: v for k, v in knobs.items() if not isinstance(v, Domain)}
    cells = list(itertools.product(*grids.values()))
    fits = configurations % len(cells) == 0 if drawn else configurations == len(cells)
    if grids and not fits:
        raise InputError(
            f"{where}: its grid has {len(cells)} cells but search.configurations is "
            f"{configurations}; set it to {'a multiple of ' if drawn else ''}{len(cells)}."
        )
    if not grids and not drawn:
        return [dict(fixed)]
    return [
        fixed
        | dict(zip(grids, cells[index % len(cells)], strict=True))
        | {name: domain.draw(seed, index, name) for name, domain in drawn.items()}
        for index in range(configurations)
    ]


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, Domain) and value.kind == kind
