"""Slow twins of the statistics over draws of configurations, from the definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from math import comb, prod
from statistics import fmean

from tests.fronts.twins import Point
from tests.fronts.twins_geometry import slow_volume

Drawn = Mapping[int, Sequence[Sequence[Point]]]
"""By replicate, the points of each configuration."""


def volume_of(drawn: Drawn, replicate: int, chosen: Sequence[int], reference: Point) -> float:
    """The hypervolume of some of the configurations in one replicate."""
    return slow_volume([p for i in chosen for p in drawn[replicate][i]], reference)


def mean_volume(
    drawn: Drawn, replicates: Sequence[int], chosen: Sequence[int], reference: Point
) -> float:
    """The same in the mean over replicates."""
    return fmean(volume_of(drawn, replicate, chosen, reference) for replicate in replicates)


def halves(drawn: Drawn) -> list[tuple[int, ...]]:
    """Every half-sample; one configuration is taken whole."""
    n = len(next(iter(drawn.values())))
    return list(combinations(range(n), n // 2)) if n > 1 else [(0,)]


def expected_exactly(
    drawn: Sequence[Sequence[Point]], k: int, reference: Point, cells: int
) -> float:
    """The mean volume of all k-subsets, by regions instead of subsets.

    A place that m of the n configurations dominate is dominated by a k-subset with probability
    1 - C(n-m, k) / C(n, k). Points are whole numbers of cells, of which an axis has so many.
    """
    n, size = len(drawn), [limit / cells for limit in reference]
    total = 0.0
    for place in product(range(cells), repeat=len(reference)):
        middle = [(index + 0.5) * width for index, width in zip(place, size, strict=True)]
        m = sum(
            any(all(x <= z for x, z in zip(p, middle, strict=True)) for p in own) for own in drawn
        )
        total += prod(size) * (1 - comb(n - m, k) / comb(n, k))
    return total


def holds(ahead: Drawn, behind: Drawn, reference: Point, *, paired: bool) -> float:
    """The share of half-samples, or of pairs of them, in which the first is ahead."""
    replicates = [replicate for replicate in ahead if replicate in behind]

    def pairs() -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        if paired:
            yield from ((chosen, chosen) for chosen in halves(ahead))
        else:
            yield from product(halves(ahead), halves(behind))

    return fmean(
        mean_volume(ahead, replicates, a, reference)
        > mean_volume(behind, replicates, b, reference) + 1e-12
        for a, b in pairs()
    )


def quantile(values: Sequence[float], level: float) -> float:
    """The value at this level, straight lines between the sorted values."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * level
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
