"""Adjacent sets: the retained samples that are semantically close to a forget set."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.forget_requests import ForgetRequest, Subclass, WholeClass
from pareto_explorer.tasks.task import Samples

__all__ = ["nearest_class", "select_adjacent_set"]

_FIELD = "task.forget.adjacent"
_CHUNK = 256  # samples whose distances are computed at once


def select_adjacent_set(
    request: ForgetRequest, train: Samples, forget_indices: Tensor
) -> Tensor | None:
    """Says which retained samples are semantically close to what a request forgets.

    Of a ``class`` request these are all samples of one other class, named by the request or found
    by `nearest_class`; of a ``subclass`` request, the rest of the class. Other requests scatter
    over the data and have no such neighbourhood.

    Source: the adjacent and remote parts of Cheng et al., "Machine unlearning under retain-forget
    entanglement" (arXiv 2603.26569), who take the rest of a superclass.

    Args:
        request: What is forgotten.
        train: Training data with the labels to train with.
        forget_indices: What the request selected, (k,).

    Returns:
        Ascending positions in ``train``, or ``None`` where the request has no adjacent set or
        nothing but the adjacent set would be retained.

    Raises:
        InputError: When the class that the request names as adjacent cannot be.
    """
    match request:
        case WholeClass(label=label, adjacent=None):
            wanted = nearest_class(train, label)
        case WholeClass(label=label, adjacent=int() as wanted):
            _check_class(wanted, label, train)
        case Subclass(label=wanted):
            pass
        case _:
            return None
    members = train.labels == wanted
    members[forget_indices] = False
    if int(members.sum()) + len(forget_indices) == len(train):
        return None
    return members.nonzero().squeeze(1)


def nearest_class(train: Samples, label: int) -> int:
    """Finds the class that is most easily taken for ``label``, without a model.

    It is the most frequent prediction for the samples of ``label`` by a nearest-neighbour
    classifier (Euclidean distance of the raw inputs) that knows the other classes only, which is
    what a model retrained without the class is asked; the lowest label among equals.

    Args:
        train: Training data.
        label: A class with samples in ``train``.
    """
    inputs = train.inputs.flatten(1).double()
    inside = train.labels == label
    others, classes = inputs[~inside], train.labels[~inside]
    votes = [
        classes[torch.cdist(part, others).argmin(1)] for part in torch.split(inputs[inside], _CHUNK)
    ]
    return int(torch.cat(votes).bincount().argmax())


def _check_class(wanted: int, label: int, train: Samples) -> None:
    if wanted == label:
        raise InputError(f"{_FIELD}: {wanted} is the class to forget; name another class.")
    if not bool((train.labels == wanted).any()):
        raise InputError(f"{_FIELD}: class {wanted} has no training samples; name another class.")
