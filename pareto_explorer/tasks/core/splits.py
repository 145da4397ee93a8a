"""Stratified, disjoint splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

__all__ = ["PublishedSplit", "published_split", "stratified_split"]

_VALIDATION = 0.1  # of every class


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


class PublishedSplit(NamedTuple):
    """How the unlearning literature splits a published training set of n samples.

    Attributes:
        training: Ascending positions of what models are trained on, (n_training,).
        validation: Positions of the validation part, class after class, (n - n_training,).
        seed: Seed of the split; the draw of a random forget set belongs to it too.
    """

    training: Tensor
    validation: Tensor
    seed: int

    @property
    def total(self) -> int:
        """Size n of the published training set."""
        return len(self.training) + len(self.validation)

    def random_subset(self, count: int) -> Tensor:
        """Draws a random forget set as the published code does.

        It draws positions in the training part with ``RandomState(seed - 1)``. Seed 0, with which
        that code cannot run, wraps around to 2**32 - 1 here.

        Args:
            count: How many samples.

        Returns:
            Ascending positions in the training part, (count,).
        """
        rng = np.random.RandomState((self.seed - 1) % 2**32)
        drawn = rng.choice(len(self.training), count, replace=False)
        return torch.from_numpy(np.sort(drawn))


def published_split(labels: Tensor, seed: int) -> PublishedSplit:
    """Splits a published training set as Unlearn-Sparse, SalUn and their descendants do.

    10 % of every class, rounded down, become the validation part: 45,000 and 5,000 of CIFAR's
    50,000. The draws are theirs, sample by sample, since they come from ``RandomState(seed)`` class
    after class (``cifar10_dataloaders`` in ``dataset.py`` of OPTML-Group/Unlearn-Saliency). That
    code trains the original model on the split of seed 1 whatever the seed of the forget set; here
    one seed serves all, so that no retained sample is unknown to the original model.

    Args:
        labels: Class of each sample, (n,), from 0 on.
        seed: Seed of the draw, below 2**32; the published code's default is 2.
    """
    rng = np.random.RandomState(seed)
    targets = labels.numpy()
    drawn = []
    for label in range(int(targets.max()) + 1):
        members = np.flatnonzero(targets == label)
        drawn.append(rng.choice(members, int(_VALIDATION * len(members)), replace=False))
    validation = np.concatenate(drawn)
    training = np.setdiff1d(np.arange(len(targets)), validation)
    return PublishedSplit(torch.from_numpy(training), torch.from_numpy(validation), seed)
