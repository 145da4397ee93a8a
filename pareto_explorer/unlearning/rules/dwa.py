"""Dynamic weight average."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.rules.rule import Descent
from pareto_explorer.unlearning.rules.scalariser import Scalariser

__all__ = ["DWA"]


class DWA(Scalariser):
    """More weight for the loss that has been falling more slowly.

    The weights are 2 softmax(r/T), where rᵢ is the mean of loss i over the last full window of
    steps, divided by its mean over the window before; (1, 1) until there are two. The paper's
    windows are epochs, which the short runs of unlearning hardly complete. Meant for losses that
    keep their sign.

    Source: Liu, Johns and Davison (arXiv 1803.10704, section 3.3), as
    ``torchjd.scalarization.DWA``.

    Args:
        temperature: T > 0.
        window: Steps whose losses are averaged.
    """

    def __init__(self, temperature: float = 2.0, window: int = 10) -> None:
        super().__init__()
        self.temperature = temperature
        self.window = window

    def begin(self, descent: Descent) -> None:
        """Forgets all losses."""
        super().begin(descent)
        self._seen: list[Tensor] = []
        self._weights: Tensor | None = None

    def weigh(self, losses: Tensor) -> Tensor:
        """Weighs the losses, and notes them."""
        if len(self._seen) == 2 * self.window:
            older, newer = torch.stack(self._seen).view(2, self.window, 2).mean(1)
            self._weights = 2 * (newer / older / self.temperature).softmax(0)
            del self._seen[: self.window]
        self._seen.append(losses)
        return torch.ones_like(losses) if self._weights is None else self._weights

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"temperature={self.temperature}, window={self.window}"
