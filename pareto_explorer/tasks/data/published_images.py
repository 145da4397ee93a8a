"""A published image data set, before it is split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.task import Samples

__all__ = ["PublishedImages"]


@dataclass(frozen=True, eq=False)
class PublishedImages:
    """A data set as it was published.

    Attributes:
        train: Training images, uint8 of shape (n, C, H, W), and their labels.
        test: Test images and their labels.
        groups: What is known of the classes; ``class_names`` are always given.
        strata: What the split takes equal shares of, (n,); the labels by default.
        facts: What reports tell beside the usual.
    """

    train: Samples
    test: Samples
    groups: Groups
    strata: Tensor | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
