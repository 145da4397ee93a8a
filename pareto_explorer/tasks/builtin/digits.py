"""The digits task: real handwritten digits that ship inside scikit-learn."""

from __future__ import annotations

import torch

from pareto_explorer.tasks.builtin.build import forget_parts
from pareto_explorer.tasks.core.positions import check_seed
from pareto_explorer.tasks.core.splits import stratified_split
from pareto_explorer.tasks.core.task import Samples, UnlearningTask
from pareto_explorer.tasks.forget.requests import ForgetRequest, Mislabelled
from pareto_explorer.tasks.models.registry import digits_cnn

__all__ = ["digits"]

_N_CLASSES = 10
_FRACTIONS = (0.6, 0.1, 0.1, 0.2)


def digits(forget: ForgetRequest | None = None, seed: int = 0) -> UnlearningTask:
    """Builds the digits task: 1,797 grey images of 8x8 pixels in ten classes.

    The images are split 60/10/10/20 % into train, held-out, validation and test, stratified by
    class. Held-out, validation and test labels are always the true ones.

    Args:
        forget: What to forget; 10 % mislabelled training samples by default. A ``class`` request
            drops the class from validation and test (see `WholeClass`). ``class`` and
            ``subclass`` requests give the task an adjacent set (see `select_adjacent_set`).
        seed: Seed of the split and of the forget request.

    Raises:
        InputError: When the request does not fit the data or the seed is no integer of 0 or more.
    """
    from sklearn.datasets import load_digits  # slow to import, and no worker needs it

    check_seed("task.seed", seed)
    request = Mislabelled() if forget is None else forget
    bunch = load_digits()
    images = torch.from_numpy(bunch.images).float().unsqueeze(1) / 16
    everything = Samples(images, torch.from_numpy(bunch.target))
    train, heldout, validation, test = (
        everything.take(part) for part in stratified_split(everything.labels, _FRACTIONS, seed)
    )
    parts = forget_parts(request, train, validation, test, _N_CLASSES, seed)
    return UnlearningTask(
        name="digits",
        train=parts.train,
        heldout=heldout,
        validation=parts.validation,
        test=parts.test,
        forget_indices=parts.forget_indices,
        n_classes=_N_CLASSES,
        model=digits_cnn,
        facts=parts.facts({}),
        adjacent_indices=parts.adjacent_indices,
        planted=parts.planted,
    )
