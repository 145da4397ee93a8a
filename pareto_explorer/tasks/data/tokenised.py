"""Sequences from what tokenizers make of text: ids, labels and attention masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.samples import Samples, padded
from pareto_explorer.tasks.core.tokens import IGNORED

__all__ = ["IDS", "sequences_from"]

IDS = "input_ids"


def sequences_from(items: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> Samples:
    """Reads tokenised sequences, and pads them on the right to the longest one.

    Args:
        items: Mappings, one per sequence, or one mapping of columns, with ``input_ids``; with
            ``attention_mask`` or without (0 where a token is padding, on either side, which is
            left out); with ``labels`` or without (by default every token is asked for but the
            first). A label is the token at its place, or -100 where nothing is asked: what
            ``transformers`` calls labels, not yet shifted.

    Raises:
        InputError: When a sequence has no ids, or its parts differ in length.

    >>> sequences_from([{"input_ids": [5, 6, 7], "labels": [-100, 6, 7]}, {"input_ids": [5, 8]}])
    Samples(inputs=tensor([[5, 6, 7],
            [5, 8, 0]]), labels=tensor([[-100,    6,    7],
            [-100,    8, -100]]))
    """
    read = [_sequence(row, position) for position, row in enumerate(_rows(items))]
    if not read:
        raise InputError("dataset: it is empty; give one with samples.")
    ids, labels = zip(*read, strict=True)
    return padded(ids, labels, 0)


def _rows(items: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if not isinstance(items, Mapping):
        return items
    columns = [name for name in (IDS, "labels", "attention_mask") if name in items]
    for name in columns:
        if not hasattr(items[name], "__len__"):
            raise InputError(
                f"dataset: its column {name} is a {type(items[name]).__name__}; give one row for"
                " each sequence."
            )
    sizes = {name: len(items[name]) for name in columns}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{size} {name}" for name, size in sizes.items())
        raise InputError(f"dataset: its columns differ in length ({told}); give one row each.")
    return [{name: items[name][row] for name in columns} for row in range(sizes[IDS])]


def _sequence(row: Mapping[str, Any], position: int) -> tuple[Tensor, Tensor]:
    """The ids and the labels of one sequence, without padding."""
    if not isinstance(row, Mapping) or IDS not in row:
        raise InputError(f"dataset: sample {position} has no {IDS}; give token ids.")
    ids = _integers(row[IDS], IDS, position)
    parts = {
        name: _integers(row[name], name, position)
        for name in ("labels", "attention_mask")
        if row.get(name) is not None
    }
    for name, values in parts.items():
        if len(values) != len(ids):
            raise InputError(
                f"dataset: sample {position} has {len(ids)} {IDS} and {len(values)} {name}; give"
                " one for each token."
            )
    labels = parts.get("labels", ids)
    if "attention_mask" in parts:
        real = parts["attention_mask"] != 0
        ids, labels = ids[real], labels[real]
    if len(ids) == 0 or int(ids.min()) < 0:
        raise InputError(
            f"dataset: sample {position} has"
            f" {'nothing but padding' if len(ids) == 0 else f'the token {int(ids.min())}'}; give"
            " token ids from 0 on."
        )
    labels = labels.clone()
    labels[:1] = IGNORED
    return ids, labels


def _integers(values: Any, name: str, position: int) -> Tensor:
    try:
        found = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        found = torch.empty(0, 0)
    if found.ndim != 1 or found.is_floating_point() or len(found) == 0:
        raise InputError(
            f"dataset: the {name} of sample {position} are no sequence of integers; give a list of"
            " them."
        )
    return found.long()
