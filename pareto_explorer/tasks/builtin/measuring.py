"""What tasks of sequences measure by, whether their model is pretrained or trained here."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import torch
from torch import Tensor

__all__ = ["RETAIN_SAMPLE", "compressed", "spread"]

RETAIN_SAMPLE = 400
"""Retained samples that are measured at most."""


def compressed(texts: Iterable[str]) -> Tensor:
    """Bytes of each text as zlib compresses it."""
    return torch.tensor([len(zlib.compress(text.encode())) for text in texts])


def spread(n: int, most: int) -> Tensor:
    """At most so many of n positions, evenly apart."""
    return torch.arange(min(n, most)) * n // min(n, most)
