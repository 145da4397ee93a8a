"""What another draw of the configurations could have given: half-samples of those drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.statistics.configurations import (
    ALL_UP_TO,
    BAND,
    SUBSETS,
    Configurations,
)
from pareto_explorer.schema.columns import config_columns

__all__ = ["HalfSamples", "half_samples", "lead_share"]

_NOTHING = 1e-12  # a difference of hypervolumes below this is rounding


@dataclass(frozen=True, eq=False)
class HalfSamples:
    """The hypervolumes of a family with half of its configurations.

    Attributes:
        volumes: By replicate, (s,), the hypervolume of each half-sample: ⌊n/2⌋ of the n
            configurations, all choices of them up to n = 12, 2,000 random ones beyond; the same
            choices in every replicate and in every family with as many configurations. A family
            with one configuration is taken whole.
        numbers: The numbers at the end of the configurations' names, ascending; empty where one
            has none or two have the same.
        knobs: The knobs in which the configurations differ, in this order; those that are numbers.
    """

    volumes: Mapping[int, NDArray[np.float64]]
    numbers: tuple[int, ...]
    knobs: Mapping[str, NDArray[np.float64]]

    @property
    def varied(self) -> bool:
        """Whether there is more than one half-sample, so that something may depend on the draw."""
        return any(len(row) > 1 for row in self.volumes.values())

    def spread(self) -> tuple[float, float, float]:
        """The mean hypervolume of the half-samples, and their 10 and 90 % quantiles.

        Of their means over replicates, so this covers the draw alone, with these seeds.
        """
        means = np.mean(list(self.volumes.values()), axis=0)
        low, high = np.quantile(means, BAND)
        return float(means.mean()), float(low), float(high)

    def paired_with(self, other: HalfSamples) -> bool:
        """Whether configurations with the same number share their quantiles.

        They do in compare mode, and it shows: with the same numbers in both families, each knob
        that varies in both ascends in the same order. Two searches or imported sweeps do not.
        """
        shared = self.knobs.keys() & other.knobs.keys()
        return (
            self.numbers == other.numbers != ()
            and bool(shared)
            and all(_same_order(self.knobs[name], other.knobs[name]) for name in shared)
        )


def half_samples(found: Configurations, trials: pd.DataFrame, *, seed: int = 0) -> HalfSamples:
    """Measures a family with half of its configurations, again and again.

    Where hypervolumes behave like means, half-samples spread around all n configurations as widely
    as independent draws of n spread around what to expect of them: half as many double the
    variance, and drawing them without replacement halves it again. Balanced draws vary less than
    independent ones, and their halves are not balanced, so this errs on the side of doubt.

    Args:
        found: The family's configurations.
        trials: One row of the points table for each of them, in any order.
        seed: Of random half-samples.
    """
    own = trials.set_index("trial_id").loc[list(found.names)]
    volumes = found.volumes(_halves(len(found.names), seed))
    return HalfSamples(
        dict(zip(found.replicates, volumes, strict=True)),
        _numbers(found.names),
        {
            name: own[name].to_numpy(np.float64)
            for name in config_columns(own)
            if pd.api.types.is_numeric_dtype(own[name].dtype)
            and own[name].notna().all()
            and own[name].nunique() > 1
        },
    )


def lead_share(ahead: HalfSamples, behind: HalfSamples) -> float | None:
    """The share of half-samples in which a lead holds in the mean over the common replicates.

    Where configurations are paired, both families keep the same ones; else each half-sample of the
    one meets each of the other. An exact tie does not hold.

    Args:
        ahead: Of the family that leads.
        behind: Of the other one; they have a replicate in common.

    Returns:
        The share; None where neither family has a draw that could vary.
    """
    if not (ahead.varied or behind.varied):
        return None
    common = ahead.volumes.keys() & behind.volumes.keys()
    a, b = (
        np.mean([own.volumes[replicate] for replicate in sorted(common)], axis=0)
        for own in (ahead, behind)
    )
    if ahead.paired_with(behind):
        return float((a - b > _NOTHING).mean())
    return float(np.searchsorted(np.sort(b), a - _NOTHING).sum() / (len(a) * len(b)))


def _numbers(names: Sequence[str]) -> tuple[int, ...]:
    ends = [re.search(r"\d+$", name) for name in names]
    numbers = tuple(int(end.group()) for end in ends if end)
    return numbers if len(set(numbers)) == len(names) else ()


@lru_cache(maxsize=16)
def _halves(n: int, seed: int) -> NDArray[np.bool_]:
    """Which of n configurations each half-sample keeps, (s, n)."""
    if n < 2:
        return np.ones((1, n), dtype=np.bool_)
    if n <= ALL_UP_TO:
        chosen = np.array(list(combinations(range(n), n // 2)))
    else:
        order = np.random.default_rng(seed).random((SUBSETS, n)).argsort(axis=1)
        chosen = order[:, : n // 2]
    members = np.zeros((len(chosen), n), dtype=np.bool_)
    np.put_along_axis(members, chosen, True, axis=1)
    return members


def _same_order(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool((np.diff(b[np.lexsort((b, a))]) >= 0).all())
