"""What every task of ours does with a forget request once its data are split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.planted import Planted
from pareto_explorer.tasks.core.splits import PublishedSplit
from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.forget.adjacent_set import select_adjacent_set
from pareto_explorer.tasks.forget.forget_set import select_forget_set
from pareto_explorer.tasks.forget.planting import trained_samples
from pareto_explorer.tasks.forget.requests import ForgetRequest, WholeClass

__all__ = ["ForgetParts", "forget_parts"]


@dataclass(frozen=True, eq=False)
class ForgetParts:
    """What a forget request makes of the sets of a task.

    Attributes:
        request: The request.
        seed: The seed of its draws.
        train: The training samples as the original model is trained on them.
        validation: Without a class that is forgotten.
        test: The same.
        forget_indices: Positions of the forget set in ``train``.
        adjacent_indices: Those of the adjacent set, if the request defines one.
        adjacent_facts: Its classes, for reports.
        planted: What the request put into the samples of the forget set.
    """

    request: ForgetRequest
    seed: int
    train: Samples
    validation: Samples
    test: Samples
    forget_indices: Tensor
    adjacent_indices: Tensor | None
    adjacent_facts: Mapping[str, Any]
    planted: Planted | None

    def facts(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """What reports tell of the task: the request, its seed, the task's own facts."""
        request = self.request.model_dump(mode="json", exclude_none=True)
        return {"forget": request, "seed": self.seed, **own, **self.adjacent_facts}


def forget_parts(
    request: ForgetRequest,
    train: Samples,
    validation: Samples,
    test: Samples,
    n_classes: int,
    seed: int,
    groups: Groups | None = None,
    split: PublishedSplit | None = None,
) -> ForgetParts:
    """Selects the forget and the adjacent set, and drops a forgotten class from what measures.

    Args:
        request: What to forget.
        train: Training samples with their true labels.
        validation: Validation samples.
        test: Test samples.
        n_classes: Number of classes.
        seed: Seed of the request's draws.
        groups: What is known of the classes.
        split: See `select_forget_set`.

    Raises:
        InputError: The request does not fit the data.
    """
    chosen = select_forget_set(request, train, n_classes, seed, groups, split)
    forgotten = chosen.indices
    adjacent = select_adjacent_set(request, train, forgotten, groups)
    facts: dict[str, Any] = {}
    if adjacent is not None:
        true = train.labels[adjacent]
        facts = (
            {"adjacent_class": int(true[0])}
            if groups is None
            else {"adjacent_classes": groups.classes_of(true)}
        )
    if isinstance(request, WholeClass):
        validation, test = validation.without(request.label), test.without(request.label)
    trained, planted = trained_samples(request, train, chosen, seed)
    return ForgetParts(
        request, seed, trained, validation, test, forgotten, adjacent, facts, planted
    )
