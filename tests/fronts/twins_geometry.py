"""Slow twins of attainment, indicators, contributions and anytime curves, from the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from tests.fronts.twins import Point, front_mask, sweep_volume, volume


def attains(points: Sequence[Point], place: Point) -> bool:
    """Whether a set has a point that is no worse than the place anywhere."""
    return any(all(x <= z for x, z in zip(p, place, strict=True)) for p in points)


def attained_by(sets: Sequence[Sequence[Point]], place: Point) -> int:
    """How many sets attain a place."""
    return sum(attains(points, place) for points in sets)


def surface(sets: Sequence[Sequence[Point]], k: int, m: int) -> list[tuple[float, ...]]:
    """Every place made of the sets' coordinates that k sets attain and no better place is."""
    axes = [sorted({point[axis] for points in sets for point in points}) for axis in range(m)]
    places = [place for place in product(*axes) if attained_by(sets, place) >= k]
    return [place for place, best in zip(places, front_mask(places), strict=True) if best]


def slow_volume(points: Sequence[Point], reference: Point) -> float:
    """Hypervolume by slices, or by inclusion and exclusion of the front."""
    if len(reference) == 2:
        return sweep_volume(points, reference)
    inside = sorted({tuple(p) for p in points if max(a - r for a, r in zip(p, reference)) < 0})  # noqa: B905
    return volume(
        [p for p, best in zip(inside, front_mask(inside), strict=True) if best], reference
    )


def vorobev_level(sets: Sequence[Sequence[Point]], reference: Point) -> int:
    """The largest k whose surface has at least the mean volume of the sets."""
    m = len(reference)
    mean = sum(slow_volume(points, reference) for points in sets) / len(sets)
    volumes = [slow_volume(surface(sets, k, m), reference) for k in range(1, len(sets) + 1)]
    return max(k for k, found in enumerate(volumes, 1) if found >= mean - 1e-12)


def cells_apart(first: Sequence[Point], second: Sequence[Point], size: int, m: int) -> int:
    """Unit cells of a grid that one of two sets of whole numbers dominates and the other not."""
    return sum(
        attains(first, cell) != attains(second, cell) for cell in product(range(size), repeat=m)
    )


def igd_plus(points: Sequence[Point], target: Sequence[Point]) -> float:
    """The mean over the target of the smallest distance, better coordinates counting as equal."""
    distances = [
        min(sum(max(x - z, 0.0) ** 2 for x, z in zip(p, goal, strict=True)) ** 0.5 for p in points)
        for goal in target
    ]
    return sum(distances) / len(distances)


def epsilon(points: Sequence[Point], target: Sequence[Point]) -> float:
    """The largest over the target of the smallest shift that lets a point attain it."""
    return max(
        min(max(x - z for x, z in zip(p, goal, strict=True)) for p in points) for goal in target
    )


def r2(points: Sequence[Point], weights: int = 2000) -> float:
    """The mean over evenly spaced weights of the smallest weighted Chebyshev distance to 0."""
    total = 0.0
    for index in range(weights):
        w = (index + 0.5) / weights
        total += min(max(w * max(x, 0.0), (1 - w) * max(y, 0.0)) for x, y in points)
    return total / weights


def lost_without(points: Sequence[Point], groups: Sequence[int], reference: Point) -> list[float]:
    """For each group the volume of all points minus that of the others."""
    whole = slow_volume(points, reference)
    return [
        whole
        - slow_volume([p for p, g in zip(points, groups, strict=True) if g != group], reference)
        for group in range(max(groups, default=-1) + 1)
    ]
