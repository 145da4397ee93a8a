"""What tasks of sequences measure by, whether their model is pretrained or trained here."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief

__all__ = ["RETAIN_SAMPLE", "check_seed", "compressed", "spread"]

RETAIN_SAMPLE = 400
"""Retained samples that are measured at most."""


def compressed(texts: Iterable[str]) -> Tensor:
    """Bytes of each text as zlib compresses it."""
    return torch.tensor([len(zlib.compress(text.encode())) for text in texts])


def spread(n: int, most: int) -> Tensor:
    """At most so many of n positions, evenly apart."""
    return torch.arange(min(n, most)) * n // min(n, most)


def check_seed(seed: object) -> None:
    """Refuses what is no seed."""
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise InputError(f"task.seed: {brief(seed)} is no seed; give one from 0 to 2**63 - 1.")
