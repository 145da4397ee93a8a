"""Slow twins of what ``fronts`` computes, in plain Python, written from the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

Point = Sequence[float]


def dominates(a: Point, b: Point) -> bool:
    """Whether a is no worse than b everywhere and better somewhere; smaller is better."""
    pairs = list(zip(a, b, strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def front_mask(points: Sequence[Point]) -> list[bool]:
    """All pairs, O(n²)."""
    return [not any(dominates(other, point) for other in points) for point in points]


def volume(points: Sequence[Point], reference: Point) -> float:
    """Inclusion-exclusion over the boxes between each point and the reference point, O(2ⁿ)."""
    total = 0.0
    for size in range(1, len(points) + 1):
        for chosen in combinations(points, size):
            corner = [max(column) for column in zip(*chosen, strict=True)]
            edges = [max(r - c, 0.0) for c, r in zip(corner, reference, strict=True)]
            total += (-1) ** (size + 1) * prod(edges)
    return total


def sweep_volume(points: Sequence[Point], reference: Point) -> float:
    """Two objectives: slices between neighbouring abscissas, each as high as its best point."""
    inside = sorted(p for p in points if all(x < r for x, r in zip(p, reference, strict=True)))
    total = 0.0
    for index, (x, _) in enumerate(inside):
        right = inside[index + 1][0] if index + 1 < len(inside) else reference[0]
        lowest = min(y for _, y in inside[: index + 1])
        total += (right - x) * (reference[1] - lowest)
    return total
