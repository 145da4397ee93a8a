"""Stratified, disjoint splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["stratified_split"]


def stratified_split(labels: Tensor, fractions: Sequence[float], seed: int) -> list[Tensor]:
    """Splits samples into disjoint parts with the same share of every class.

    Each class is cut at its rounded cumulative fractions, so a part's share of a class is exact
    up to one sample. The order within a part is random and mixes the classes.

    Args:
        labels: Class of each sample, (n,).
        fractions: Share of each part; they sum to 1.
        seed: Seed of the draw.

    Returns:
        Positions of each part's samples; together they are 0 to n - 1.
    """
    rng = np.random.default_rng([seed, 0])
    targets = labels.numpy()
    cumulative = np.cumsum(fractions)[:-1]
    parts: list[list[np.ndarray]] = [[] for _ in fractions]
    for label in np.unique(targets):
        members = rng.permutation(np.flatnonzero(targets == label))
        cuts = np.rint(cumulative * len(members)).astype(int)
        for part, chunk in zip(parts, np.split(members, cuts), strict=True):
            part.append(chunk)
    return [torch.from_numpy(rng.permutation(np.concatenate(part))) for part in parts]
