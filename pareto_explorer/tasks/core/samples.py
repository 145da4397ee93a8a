"""Labelled samples: what is trained on, forgotten and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.positions import integers
from pareto_explorer.tasks.core.tokens import IGNORED

__all__ = ["Samples", "padded"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled samples that stay resident on one device.

    A sample has one label, or is a sequence of L token ids with a label for each, `IGNORED` where
    nothing is asked (see ``tasks.core.tokens``).

    Attributes:
        inputs: Tensor of shape (n, ...): numbers, pixels as bytes, or token ids.
        labels: Integer tensor of shape (n,), or (n, L) for inputs of that shape; stored as int64.

    Raises:
        InputError: When the lengths differ, the labels are no integers of such a shape, or the
            inputs are no tensor, sparse or complex.
    """

    inputs: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, Tensor):
            raise InputError(
                f"inputs: a {type(self.inputs).__name__} is no tensor; give one, as "
                "torch.as_tensor(inputs) makes."
            )
        if self.inputs.requires_grad:
            object.__setattr__(self, "inputs", self.inputs.detach())
        object.__setattr__(self, "labels", _labels(self.labels))
        if self.inputs.layout is not torch.strided:
            raise InputError(
                "inputs: they are sparse; give dense ones, as inputs.to_dense() makes."
            )
        if self.inputs.is_complex():
            raise InputError(
                "inputs: they are complex; give real ones, as torch.view_as_real(inputs) makes."
            )
        if self.inputs.ndim == 0 or len(self.inputs) != len(self.labels):
            raise InputError(
                f"samples: {_length(self.inputs)} inputs do not match {len(self.labels)} labels;"
                " give one label per input."
            )
        if self.tokens:
            _check_sequences(self.inputs, self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def tokens(self) -> bool:
        """Whether the samples are sequences with a label per token."""
        return self.labels.ndim == 2

    def trimmed(self) -> Samples:
        """Leaves out the columns that stand after the last label of every sequence.

        A causal model predicts no label from them. Samples with one label each stay as they are.
        """
        if not self.tokens:
            return self
        asked = (self.labels != IGNORED).any(0).nonzero()
        length = int(asked[-1]) + 1 if len(asked) else 1
        return Samples(self.inputs[:, :length], self.labels[:, :length])

    def take(self, index: Tensor) -> Samples:
        """Copies the samples at ``index`` (k,), in that order."""
        return Samples(self.inputs[index], self.labels[index])

    def without(self, label: int | Tensor) -> Samples:
        """Copies the samples of all other classes, in their order."""
        return self.take((self.labels != label).nonzero().squeeze(1))

    def to(self, device: torch.device | str) -> Samples:
        """Returns the samples on ``device`` (the same tensors when they are there already)."""
        return Samples(self.inputs.to(device), self.labels.to(device))


def padded(ids: Sequence[Tensor], labels: Sequence[Tensor], padding: int) -> Samples:
    """Puts sequences below each other, padded on the right to the longest one.

    Args:
        ids: The token ids of each, (L_i,); one sequence at least.
        labels: Their labels, of the same lengths.
        padding: The id that padding has.
    """
    return Samples(
        pad_sequence(list(ids), batch_first=True, padding_value=padding),
        pad_sequence(list(labels), batch_first=True, padding_value=IGNORED),
    )


def _labels(values: Tensor) -> Tensor:
    """Labels as int64, one per sample or one per token."""
    values = torch.as_tensor(values)
    if values.ndim != 2:
        return integers("labels", values)
    return integers("labels", values.flatten()).view(values.shape)


def _check_sequences(inputs: Tensor, labels: Tensor) -> None:
    if inputs.shape != labels.shape or inputs.is_floating_point():
        raise InputError(
            f"labels: one per token, of shape {tuple(labels.shape)}, for inputs that are"
            f" {str(inputs.dtype).removeprefix('torch.')} of shape {tuple(inputs.shape)}; give"
            " token ids of the same shape."
        )


def _length(values: Tensor) -> int:
    return len(values) if values.ndim else 0
