"""Slow twins of the decision rules, in plain Python, written from the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from math import dist, sqrt
from statistics import fmean, pstdev, stdev

Point = Sequence[float]


def trade_off(front: Sequence[Point], i: int) -> float:
    """The least loss per gain over all moves from point i to its neighbours."""
    others = sorted((dist(front[i], q), j) for j, q in enumerate(front) if j != i)
    near = [j for distance, j in others if distance <= 0.125]
    least = min(2 * len(front[0]), len(front) - 1)
    if len(near) + 1 < least:  # a point counts among its own neighbours
        near = [j for _, j in others[:least]]
    ratios = []
    for j in near:
        changes = [q - p for p, q in zip(front[i], front[j], strict=True)]
        loss, gain = sum(c for c in changes if c > 0), -sum(c for c in changes if c < 0)
        ratios.append(loss / gain)
    return min(ratios)


def knee(front: Sequence[Point]) -> int | None:
    """The highest trade-off if it stands out by more than one standard deviation."""
    ratios = [trade_off(front, i) for i in range(len(front))]
    best = max(range(len(front)), key=ratios.__getitem__)
    return best if ratios[best] - fmean(ratios) > pstdev(ratios) else None


def closest(front: Sequence[Point]) -> int:
    """The point whose worst objective is smallest; the sum breaks ties."""
    return min(range(len(front)), key=lambda i: max(front[i]) + 1e-4 * sum(front[i]))


def pseudo_weights(front: Sequence[Point]) -> list[list[float]]:
    """For two or more points that differ in every objective."""
    columns = list(zip(*front, strict=True))
    found = []
    for point in front:
        shares = [(max(c) - x) / (max(c) - min(c)) for c, x in zip(columns, point, strict=True)]
        found.append([share / sum(shares) for share in shares])
    return found


def alike(scores: Sequence[Sequence[Point]], best: int) -> list[bool]:
    """Scores by model, replicate and kind."""
    marks = []
    for model in scores:
        mark = True
        for kind in range(len(model[0])):
            differences = [
                mine[kind] - its[kind] for mine, its in zip(model, scores[best], strict=True)
            ]
            error = stdev(differences) / sqrt(len(differences))
            mark = mark and fmean(differences) <= error * (1 + 1e-9)
        marks.append(mark)
    return marks
