"""Margins with known statistics, and properties that every statistic of seeds has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Margins = NDArray[np.float64]


def gaussian_pair(
    n: int, samples: int, d: float, rho: float = 0.0, seed: int = 0
) -> tuple[Margins, Margins]:
    """Unit normal margins, means d apart, with the correlation rho between models of one seed."""
    rng = np.random.default_rng(seed)
    shared = np.sqrt(rho) * rng.normal(size=(n, samples))
    u, r = (shared + np.sqrt(1 - rho) * rng.normal(size=(n, samples)) for _ in range(2))
    return u + d, r


def tied_pair(n: int, samples: int, seed: int = 0) -> tuple[Margins, Margins]:
    """Margins of few values, so that many are equal."""
    rng = np.random.default_rng(seed)
    u, r = (rng.integers(0, 4, (n, samples)).astype(float) for _ in range(2))
    return u + rng.integers(0, 2, samples), r
