"""Doing nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from pareto_explorer.unlearning.budget import Budget
from pareto_explorer.unlearning.data import UnlearningData

__all__ = ["DoNothing"]


@dataclass(frozen=True)
class DoNothing:
    """Yields the original model once, at step 0: the control that every method has to beat."""

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,  # noqa: ARG002 - part of every method's interface
        budget: Budget,  # noqa: ARG002
        generator: torch.Generator,  # noqa: ARG002
    ) -> Iterator[nn.Module]:
        """Runs as ``Method.run`` says, and spends nothing."""
        yield model.eval()
