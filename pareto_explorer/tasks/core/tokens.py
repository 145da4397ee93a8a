"""Labels per token: which predictions a sequence asks for, and its losses.

A sequence of L token ids has L labels, a copy of the ids with `IGNORED` where nothing is asked. A
causal model predicts each token from those before it, so the logits at one position belong to the
label at the next: data are not shifted, and whoever compares logits with labels goes through
:func:`asked`. Padding stands on the right, where no real token sees it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from pareto_explorer.errors import InputError

__all__ = [
    "IGNORED",
    "Asked",
    "asked",
    "check_tokens",
    "cross_entropy",
    "in_float32",
    "negative_log_likelihood",
    "per_sample",
]

#: The label of a token that nothing is asked about: a prompt's or padding's.
IGNORED = -100


class Asked(NamedTuple):
    """The predictions that labels ask for, one after another.

    Attributes:
        logits: Shape (T, C).
        labels: Shape (T,), none of them `IGNORED`.
        row: The sample that each belongs to, its place in the batch, (T,), ascending.
    """

    logits: Tensor
    labels: Tensor
    row: Tensor


def asked(logits: Tensor, labels: Tensor) -> Asked:
    """Flattens the logits of a batch to those that its labels ask for.

    Args:
        logits: Shape (B, C), or (B, L, C) of sequences.
        labels: Shape (B,), or (B, L) of sequences, `IGNORED` where nothing is asked. The first
            label of a sequence is never asked for, since no token stands before it.

    Returns:
        For labels of shape (B,), the tensors that were given; T is B then.
    """
    if labels.ndim == 1:
        return Asked(logits, labels, torch.arange(len(labels), device=labels.device))
    row, place = (labels[:, 1:] != IGNORED).nonzero(as_tuple=True)
    return Asked(logits[row, place], labels[row, place + 1], row)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy over all predictions that labels ask for.

    Of sequences it is the mean over the tokens of the whole batch, so that long answers weigh
    more, as in the loss of ``transformers``.

    Args:
        logits: Shape (B, C), or (B, L, C) of sequences.
        labels: Shape (B,) or (B, L).
    """
    found = asked(logits, labels)
    return functional.cross_entropy(found.logits, found.labels)


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """What each sample costs: of a sequence, the sum of the cross-entropy over its labelled tokens.

    Args:
        logits: Shape (B, C), or (B, L, C) of sequences.
        labels: Shape (B,) or (B, L).

    Returns:
        Shape (B,).
    """
    found = asked(logits, labels)
    losses = functional.cross_entropy(found.logits, found.labels, reduction="none")
    if labels.ndim == 1:
        return losses
    return losses.new_zeros(len(labels)).index_add(0, found.row, losses)


def in_float32(values: Tensor) -> Tensor:
    """The values in float32, in which sums over tokens keep their digits; float64 ones stay."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def per_sample(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy of each sample: of a sequence, the mean over its labelled tokens.

    Args:
        logits: Shape (B, C), or (B, L, C) of sequences.
        labels: Shape (B,) or (B, L); every sequence has a label.

    Returns:
        Shape (B,).
    """
    sums = negative_log_likelihood(logits, labels)
    return sums if labels.ndim == 1 else sums / (labels[:, 1:] != IGNORED).sum(1)


def check_tokens(name: str, inputs: Tensor, labels: Tensor, vocabulary: int) -> None:
    """Refuses sequences that a causal model cannot be asked about.

    Args:
        name: The field, for messages.
        inputs: Token ids, (n, L).
        labels: Their labels, (n, L).
        vocabulary: How many tokens there are.

    Raises:
        InputError: An id is outside the vocabulary, a label is neither the token at its place nor
            `IGNORED`, or a sequence has none after its first token.
    """
    low, high = int(inputs.min()), int(inputs.max())
    if low < 0 or high >= vocabulary:
        raise InputError(
            f"{name}: token {low if low < 0 else high} is outside the vocabulary of {vocabulary};"
            f" use 0 to {vocabulary - 1}."
        )
    wanted = labels != IGNORED
    other = (wanted & (labels != inputs)).nonzero()
    if len(other):
        row, place = other[0].tolist()
        raise InputError(
            f"{name}: sample {row} has the label {int(labels[row, place])} at token {place}, which"
            f" is {int(inputs[row, place])}; a label is the token at its own place (the shift is"
            f" made in the loss), or {IGNORED} where nothing is asked."
        )
    empty = (~wanted[:, 1:].any(1)).nonzero()
    if len(empty):
        raise InputError(
            f"{name}: sample {int(empty[0])} has no label after its first token, so nothing is"
            " asked of it; leave it out."
        )
