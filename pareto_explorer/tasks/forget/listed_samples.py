"""Samples that a forget request lists: positions in the request or in a file."""

from __future__ import annotations

import csv
import io
import re
import tokenize
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.tasks.core.splits import PublishedSplit
from pareto_explorer.tasks.forget.requests import Indices
from pareto_explorer.trust.files import read_bytes, read_json

__all__ = ["listed_samples"]

_FIELD = "task.forget.indices"
_LARGEST = 200_000_000  # bytes of a list
_POSITION = re.compile(r"[-+]?[0-9]{1,18}")


def listed_samples(request: Indices, labels: Tensor, split: PublishedSplit | None) -> Tensor:
    """Finds the samples that a request lists.

    Args:
        request: The positions, or the file that holds them or marks labels.
        labels: True training labels, (n,), or (n, L) of sequences.
        split: Where the training set came from, if it is a part of a published one.

    Returns:
        Ascending positions in the training set, (k,).

    Raises:
        InputError: When the file cannot be used or a position is no training sample.
    """
    published = split if request.counted_in == "published" else None
    if request.counted_in == "published" and split is None:
        raise InputError(
            "task.forget.counted_in: 'published' needs a task that splits a published training set,"
            " and this one does not; give training."
        )
    source = request.indices
    values = list(source) if isinstance(source, tuple) else _read(source, request.column)
    if isinstance(source, Path) and source.suffix == ".npy" and min(values, default=0) < 0:
        values = _marked(values, source, labels, published)
    if not values:
        raise InputError(f"{_FIELD}: {source} names no sample; name at least one.")
    _check(values, published.total if published else len(labels))
    if published:
        values = _in_training(values, published)
    if len(values) == len(labels):
        raise InputError(
            f"{_FIELD}: all {len(labels)} training samples are named; leave some to retain."
        )
    return torch.tensor(sorted(values))


def _check(values: list[int], n: int) -> None:
    outside = next((i for i in values if not 0 <= i < n), None)
    if outside is not None:
        raise InputError(
            f"{_FIELD}: {outside} is no training sample; choose positions from 0 to {n - 1}."
        )
    if len(set(values)) < len(values):
        twice = Counter(values).most_common(1)[0][0]
        raise InputError(f"{_FIELD}: {twice} occurs more than once; name each sample once.")


def _in_training(values: list[int], split: PublishedSplit) -> list[int]:
    """Turns positions in the published training set into positions in the training part."""
    wanted = torch.tensor(sorted(values))
    lost = wanted[torch.isin(wanted, split.validation)].tolist()
    if lost:
        shown = ", ".join(map(str, lost[:3])) + (f" and {len(lost) - 3} more" if lost[3:] else "")
        raise InputError(
            f"{_FIELD}: {shown} of {len(values)} fell to validation in the split of seed"
            f" {split.seed}, so no model was trained on them; leave them out or change task.seed."
        )
    return torch.searchsorted(split.training, wanted).tolist()


def _marked(
    values: list[int], path: Path, labels: Tensor, published: PublishedSplit | None
) -> list[int]:
    """Reads marked labels: y, or -y - 1 where the sample is to be forgotten."""
    if labels.ndim > 1:
        raise InputError(
            f"{_FIELD}: {path} marks labels by negative values, and these samples have one per"
            " token; list positions."
        )
    marks = torch.tensor(values)
    n = published.total if published else len(labels)
    if len(marks) != n:
        raise InputError(
            f"{_FIELD}: {path} marks labels by negative values, but has {len(marks)} of them for"
            f" {n} samples; counted_in says which samples these are."
        )
    found = torch.where(marks < 0, -marks - 1, marks)
    found = found[published.training] if published else found
    wrong = (found != labels).nonzero().squeeze(1)
    if len(wrong):
        raise InputError(
            f"{_FIELD}: {path} has other labels than the task, first for training sample"
            f" {int(wrong[0])}; it was made for another split, so change task.seed or the file."
        )
    return (marks < 0).nonzero().squeeze(1).tolist()


def _read(path: Path, column: str | None) -> list[int]:
    readers = {".txt": _from_text, ".csv": _from_text, ".json": _from_json, ".npy": _from_npy}
    if path.suffix not in readers:
        raise unknown(f"{_FIELD}: file type", path.suffix, readers)
    try:
        values = _from_table(path, column) if column is not None else readers[path.suffix](path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{_FIELD}: {path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, EOFError, csv.Error):
        values = None
    if not isinstance(values, list) or not all(type(i) is int for i in values):
        named = f" in its column {brief(column)}" if column is not None else ""
        hint = (
            "; if it has a header, name the column" if path.suffix == ".csv" and not named else ""
        )
        raise InputError(f"{_FIELD}: {path} does not hold a plain list of integers{named}{hint}.")
    return values


def _from_text(path: Path) -> Any:
    return list(map(_position, _text(path).replace(",", " ").split()))


def _from_table(path: Path, column: str) -> Any:
    rows = csv.DictReader(io.StringIO(_text(path), newline=""), skipinitialspace=True, strict=True)
    names = rows.fieldnames or []
    if column not in names:
        raise unknown("task.forget.column", column, names)
    return [_position(row[column]) for row in rows if row[column]]


def _from_json(path: Path) -> Any:
    return read_json(path, _FIELD)


def _from_npy(path: Path) -> Any:
    """The vector, which is only mapped until its shape and type are known to be good."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (
        OverflowError,
        RecursionError,
        MemoryError,
        SyntaxError,
        TypeError,
        tokenize.TokenError,
    ):
        return None  # a header that is none
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "iu":
        return None
    return array.tolist()


def _text(path: Path) -> str:
    return read_bytes(path, _FIELD, _LARGEST).decode("utf-8-sig")


def _position(word: str) -> int:
    if not _POSITION.fullmatch(word.strip()):
        raise ValueError(f"{brief(word)} is no position")
    return int(word)
