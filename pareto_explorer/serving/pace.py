"""How often something may be computed, so that it takes a small share of one core."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Pace"]


@dataclass
class Pace:
    """Lets something be done, and then not again before its cost is a small share of the time.

    Attributes:
        share: Seconds of computing per second that passes, at most.
        least: Seconds between two times, at least.
    """

    share: float
    least: float
    _next: float = -math.inf

    def due(self, now: float) -> bool:
        """Whether it may be done."""
        return now >= self._next

    def left(self, now: float) -> float:
        """Seconds until it may be done."""
        return max(self._next - now, 0.0)

    def spent(self, cost: float, now: float) -> None:
        """Takes what it has cost, in seconds of computing, and when it was done."""
        self._next = now + max(self.least, cost / self.share - cost)

    def hurry(self) -> None:
        """Lets it be done at once, this time."""
        self._next = -math.inf
