"""Slow twins of coverage and edges, in plain Python, from the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tests.fronts.twins import Point
from tests.fronts.twins_draws import Drawn, mean_volume


def share_tried(places: Sequence[float], parts: int) -> float:
    """The share of equal parts of [0, 1] with a value."""
    return len({min(int(place * parts), parts - 1) for place in places}) / parts


def largest_hole(places: Sequence[float]) -> float:
    """The longest stretch of [0, 1] without a value."""
    ordered = [0.0, *sorted(places), 1.0]
    return max(b - a for a, b in pairwise(ordered))


def edge(drawn: Drawn, places: Sequence[float], reference: Point) -> str:
    """The end at which the family is best, or nothing."""
    replicates, everyone = list(drawn), range(len(places))

    def reached(chosen: Sequence[int]) -> float:
        return mean_volume(drawn, replicates, chosen, reference)

    whole = reached(everyone)
    best = max(everyone, key=lambda i: (reached([i]), -i))
    for end, place in (("lower", lambda i: places[i]), ("upper", lambda i: 1 - places[i])):
        others = [i for i in everyone if place(i) > 0.1]
        lost = whole - reached(others)
        near = reached([i for i in others if place(i) < 0.5])
        far = reached([i for i in others if place(i) >= 0.5])
        if place(best) <= 0.1 and whole > 0 and lost >= 0.05 * whole and near > far:
            return end
    return ""
