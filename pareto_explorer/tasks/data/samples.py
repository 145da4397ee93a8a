"""Samples from what users hold: tensors, arrays, or a map-style Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Number
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.data.tokenised import IDS, sequences_from

__all__ = ["as_samples", "samples_from"]

_WHOLE = (torch.int8, torch.int16, torch.int32, torch.bool)


def samples_from(dataset: Any, limit: int | None = None) -> Samples:
    """Reads a map-style Dataset into tensors, once and for all.

    Give it the transform of evaluation: whatever a random one draws here would be drawn for good.
    Augmentation belongs to the task, which applies it to batches.

    Inputs may be tensors, arrays, numbers or PIL images. Images become uint8 pixels of shape
    (1, H, W) if they are grey and (3, H, W) otherwise, floats of any precision become 32-bit ones,
    and integers other than pixels become int64. `Samples` keeps the types of its tensors.

    Items with ``input_ids``, as tokenizers make them, become sequences with a label per token: see
    `sequences_from`; a mapping of such columns is taken too.

    Args:
        dataset: Anything with a length whose items are pairs of an input and a label, such as the
            classes of torchvision or a ``TensorDataset``; what comes after the label is ignored.
        limit: Reads this many samples, evenly spaced over the data set, since many data sets are
            sorted by class; all by default.

    Raises:
        InputError: When an item is no such pair, or shapes or types differ.

    >>> samples_from([([0.5, 1.5], 0), ([2.5, 3.5], 1)]).inputs
    tensor([[0.5000, 1.5000],
            [2.5000, 3.5000]])
    """
    if isinstance(dataset, Mapping) and IDS in dataset:
        return sequences_from(dataset)
    positions = _positions(dataset, limit)
    first = dataset[positions[0]]
    if isinstance(first, Mapping) and IDS in first:
        return sequences_from([first, *(dataset[position] for position in positions[1:])])
    labels = torch.empty(len(positions), dtype=torch.int64)
    inputs = torch.empty(0)
    for row, position in enumerate(positions):
        value, labels[row] = _pair(dataset[position] if row else first, position)
        if row == 0:
            inputs = torch.empty(len(positions), *value.shape, dtype=value.dtype)
        if value.shape != inputs.shape[1:] or value.dtype != inputs.dtype:
            raise InputError(
                f"dataset: the input of sample {position} is {_kind(value)} and that of sample 0"
                f" {_kind(inputs[0])}; bring them to one shape and type by a transform."
            )
        inputs[row] = value
    return Samples(inputs, labels)


def as_samples(name: str, data: Any) -> Samples:
    """Takes samples in any of the forms in which users have them, to the CPU.

    Args:
        name: The field, for messages.
        data: `Samples`; a pair of inputs and labels, tensors or arrays; a Dataset; or tokenised
            sequences (see `sequences_from`).

    Raises:
        InputError: When it is none of these; the text begins with the field.
    """
    if isinstance(data, Samples):
        return data.to("cpu")
    try:
        if isinstance(data, tuple | list) and len(data) == 2 and _is_array(data[0]):
            return Samples(_numbers("inputs", data[0]), _numbers("labels", data[1])).to("cpu")
        return samples_from(data)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _numbers(what: str, values: Any) -> Tensor:
    """A tensor of all inputs or of all labels."""
    try:
        return _tensor(values)
    except (TypeError, ValueError):
        numbered = "the numbers of classes" if what == "labels" else "numbers"
        raise InputError(
            f"{what}: a {type(values).__name__} that holds something else than numbers; give"
            f" {numbered}."
        ) from None


def _is_array(value: Any) -> bool:
    """Whether it is all inputs in one, and not the first item of a data set of two samples."""
    return isinstance(value, Tensor | np.ndarray) or hasattr(value, "to_numpy")


def _positions(dataset: Any, limit: int | None) -> Sequence[int]:
    if isinstance(dataset, Mapping) or not all(
        hasattr(dataset, method) for method in ("__len__", "__getitem__")
    ):
        raise InputError(
            f"dataset: {type(dataset).__name__} is no map-style data set; it needs a length and"
            " items by position."
        )
    n = len(dataset)
    if n == 0:
        raise InputError("dataset: it is empty; give one with samples.")
    if limit is None:
        return range(n)
    if type(limit) is not int or limit < 1:
        raise InputError(f"limit: {limit!r} must be a whole number above 0.")
    return [i * n // min(limit, n) for i in range(min(limit, n))]


def _pair(item: Any, position: int) -> tuple[Tensor, int]:
    if not isinstance(item, tuple | list) or len(item) < 2:
        raise InputError(
            f"dataset: sample {position} is a {type(item).__name__} and no pair of input and label."
        )
    label = item[1]
    if isinstance(label, Tensor | np.ndarray) and len(label.reshape(-1)) == 1:
        label = label.item()
    if not isinstance(label, Integral) or isinstance(label, bool):
        short = isinstance(label, str | Number | None)
        raise InputError(
            f"dataset: the label of sample {position} is"
            f" {repr(label) if short else f'a {type(label).__name__}'}; it must be the number of a"
            " class."
        )
    try:
        return _tensor(item[0]), int(label)
    except (TypeError, ValueError):
        raise InputError(
            f"dataset: the input of sample {position} is a {type(item[0]).__name__}; give a"
            " tensor, an array, numbers or a PIL image, for example by a transform."
        ) from None


def _tensor(value: Any) -> Tensor:
    """A tensor of one of the types that models are given."""
    if isinstance(value, Image.Image):
        mode = "L" if value.mode in ("1", "L") else "RGB"
        pixels = torch.from_numpy(np.array(value.convert(mode)))
        return pixels[None] if mode == "L" else pixels.permute(2, 0, 1).contiguous()
    if hasattr(value, "to_numpy"):  # a frame or a column of pandas
        value = value.to_numpy()
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value)
        value = value if value.dtype.isnative else value.astype(value.dtype.newbyteorder("="))
        value = torch.tensor(value)
    elif not isinstance(value, Tensor):
        if not isinstance(value, Number | tuple | list):
            raise TypeError
        value = torch.tensor(value)
    value = value.detach()
    if value.is_floating_point():
        return value.to(torch.float32)
    return value.to(torch.int64) if value.dtype in _WHOLE else value


def _kind(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
