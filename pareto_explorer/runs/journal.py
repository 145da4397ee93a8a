"""The journal: one JSON line per report, appended and flushed; a killed sweep loses none."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pareto_explorer.errors import InputError
from pareto_explorer.runs.atomic import atomic_path

__all__ = ["Record", "append_record", "open_journal", "read_journal", "write_journal"]

Record = dict[str, Any]
"""``{"rows": [row, ...]}``, ``{"end": {"trial_id", "trial_status", "error"}}``, or both in one; or
``{"plan": {"trial_id", "family", "knobs"}}``."""


def encode(record: Mapping[str, Any]) -> bytes:
    """One line of the journal; NaN becomes null, an infinity stays one (``Infinity``)."""
    return json.dumps(_plain(record), ensure_ascii=False).encode() + b"\n"


def open_journal(path: Path) -> BinaryIO:
    """Opens the journal for appending, after cutting off a line that a killed process left torn.

    Raises:
        InputError: The journal is damaged elsewhere.
    """
    path.touch()
    content = path.read_bytes()
    _parse(path, content)
    whole = content.rfind(b"\n") + 1
    file = path.open("rb+", buffering=0)
    file.truncate(whole)
    file.seek(whole)
    return file


def append_record(file: BinaryIO, record: Mapping[str, Any]) -> None:
    """Appends one record and waits until the disk has it; on failure the file is as before.

    Raises:
        OSError: The disk is full or gone, or the file is no longer where it was; it names the file.
    """
    line = encode(record)
    start = file.tell()
    try:
        _require_in_place(file)
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno:
            error.filename = str(file.name)
        file.seek(start)
        file.truncate()
        raise


def _require_in_place(file: BinaryIO) -> None:
    """Sees to it that others find what is written: an open file outlives its name."""
    path = Path(file.name)
    if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def read_journal(path: Path) -> list[Record]:
    """Reads all records; a torn last line is left out.

    Raises:
        InputError: Any other line is not a record.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return _parse(path, content)


def write_journal(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Replaces the journal atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"".join(map(encode, records)))


def _parse(path: Path, content: bytes) -> list[Record]:
    lines = content.split(b"\n")[:-1]  # what follows the last line end is empty or torn
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not _is_record(record):
            raise InputError(
                f"points: line {number} of {str(path)!r} is damaged; restore the file, or run the "
                "sweep into a new directory."
            )
        records.append(record)
    return records


def _is_record(record: object) -> bool:
    if not isinstance(record, dict) or not record or not record.keys() <= {"rows", "end", "plan"}:
        return False
    rows = record.get("rows", [])
    return (
        isinstance(rows, list)
        and all(isinstance(row, dict) for row in rows)
        and _has(record, "end", {"trial_id", "trial_status"})
        and _has(record, "plan", {"trial_id", "family", "knobs"})
    )


def _has(record: dict[str, Any], part: str, keys: set[str]) -> bool:
    """Whether a part is not there, or is a mapping with these keys."""
    if part not in record:
        return True
    value = record[part]
    return isinstance(value, dict) and keys <= value.keys()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a scalar of numpy or torch
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
