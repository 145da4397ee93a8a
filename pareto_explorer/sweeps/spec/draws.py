"""Balanced draws: the quantiles at which the compare mode takes its knobs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRAWS", "RULE", "BalancedDraws"]

DRAWS = "draws"
"""The entry of a run's manifest that says how its configurations were drawn.

Earlier versions wrote none: they drew every knob of every configuration independently.
"""

RULE = "scrambled_sobol"

_BITS = 30
_DIMENSIONS = 64


class BalancedDraws:
    """Quantiles from scrambled Sobol' sequences, one dimension per name of a knob.

    Of every name, the first 2ᵏ quantiles of a block lie one in each of 2ᵏ equal parts of (0, 1).
    Names have the dimensions in which they are given, so names that come after others change
    nothing for these.

    Source: Owen, Scrambling Sobol' and Niederreiter-Xing points, Journal of Complexity 14, 1998;
    ``scipy.stats.qmc.Sobol`` (linear matrix scramble with a digital shift).

    Args:
        names: The knobs that are drawn; repeated ones count once.
        seed: Seed of the scrambling.
    """

    def __init__(self, names: Iterable[str], seed: int) -> None:
        self._columns = {name: column for column, name in enumerate(dict.fromkeys(names))}
        self._seed = seed

    def quantiles(self, number: int, block: int = 0) -> dict[str, NDArray[np.float64]]:
        """The first quantiles of a block.

        Args:
            number: How many; a larger number begins with those of a smaller one.
            block: Which sequence; each is scrambled on its own.

        Returns:
            By name, (number,) values, strictly between 0 and 1.
        """
        from scipy.stats import qmc  # 0.4 s to import, and no worker draws

        width = _DIMENSIONS * max(1, math.ceil(len(self._columns) / _DIMENSIONS))
        key = hashlib.sha256(repr((self._seed, block)).encode()).digest()
        random = np.random.default_rng(np.frombuffer(key, dtype=np.uint32))
        sequence = qmc.Sobol(width, bits=_BITS, rng=random)
        cells = sequence.random_base2(math.ceil(math.log2(number)) if number > 1 else 0)
        middles = cells[:number] + 0.5**_BITS / 2  # never 0, whose normal quantile is infinite
        return {name: middles[:, column] for name, column in self._columns.items()}
