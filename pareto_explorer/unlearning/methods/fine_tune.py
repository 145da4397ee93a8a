"""Fine-tuning: forget by training on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pareto_explorer.unlearning.methods.descent import GradientMethod, Setting, follow

__all__ = ["FineTune"]


@dataclass(frozen=True, kw_only=True)
class FineTune(GradientMethod):
    """Descends on the task's loss on the retain set; the forget set is never read.

    Source: the FT baseline of *Model Sparsity Can Simplify Machine Unlearning*
    (arXiv 2304.04934).
    """

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        return follow(setting, "retain", setting.data.loss)
