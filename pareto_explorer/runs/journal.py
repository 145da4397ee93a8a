"""The journal: one JSON line per report, appended and flushed; a killed sweep loses none."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, brief
from pareto_explorer.schema.columns import IDENTITY, stack, tabulate
from pareto_explorer.schema.kinds import Misfit
from pareto_explorer.schema.statuses import RUNNING
from pareto_explorer.trust.files import parse_json

__all__ = [
    "End",
    "Entries",
    "Mark",
    "Plan",
    "Record",
    "append_record",
    "as_plain",
    "checked_end",
    "checked_plan",
    "open_journal",
    "read_entries",
]

Record = dict[str, Any]
"""``{"rows": [row, ...]}``, ``{"end": {"trial_id", "trial_status", "error"}}``, or both in one;
``{"plan": {"trial_id", "family", "knobs"}}``; or ``{"forget": [trial_id, ...]}``, from which on
those trials run again and what stands above of their rows does not count."""

Plan = dict[str, Any]
"""``trial_id``, ``family`` and ``knobs`` of a configuration that was drawn while the sweep ran."""

"""The status of a trial that has not ended."""

LONGEST = 2**28
"""Bytes of a line; a report of a thousand rows has one or two millions."""

Result = TypeVar("Result")
_WINDOW = 2**16
_ROWS = 5_000
"""Rows that are held as mappings, before they become columns."""


class Mark(NamedTuple):
    """How far a journal has been read.

    Attributes:
        bytes: Up to where, after a line end.
        lines: How many lines that is.
        sha256: Of the last 64 KiB before it, so that another journal, or one in which lines were
            inserted or removed, is told from this one.
    """

    bytes: int = 0
    lines: int = 0
    sha256: str = hashlib.sha256(b"").hexdigest()

    @classmethod
    def at(cls, file: BinaryIO, position: int, lines: int) -> Mark:
        """The mark of a position in an open journal."""
        file.seek(max(position - _WINDOW, 0))
        return cls(position, lines, hashlib.sha256(file.read(min(position, _WINDOW))).hexdigest())

    def fits(self, path: Path) -> bool:
        """Whether a journal still has what was read of it."""
        try:
            with path.open("rb") as file:
                return self.at(file, self.bytes, self.lines) == self
        except OSError:  # reading it says why
            return False


class End(NamedTuple):
    """How a trial ended: its status, which is not ``"running"``, and what went wrong."""

    status: str
    error: str | None = None


@dataclass
class Entries:
    """What a part of a journal says.

    Attributes:
        points: Rows of the points table in the order of the journal, a point that was reported
            twice also twice; ``trial_status`` is missing.
        lines: The line of each row.
        ends: The trials that ended, in this order.
        plans: What was drawn while the sweep ran, by trial.
        forgotten: The last line from which on a trial runs again.
        mark: The end of the last whole line.
    """

    points: pd.DataFrame
    lines: NDArray[np.int64]
    ends: dict[str, End] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    forgotten: dict[str, int] = field(default_factory=dict)
    mark: Mark = field(default_factory=Mark)


def encode(record: Mapping[str, Any]) -> bytes:
    """One line of the journal; NaN becomes null, an infinity stays one (``Infinity``)."""
    return json.dumps(as_plain(record), ensure_ascii=False).encode() + b"\n"


def open_journal(path: Path, end: int) -> BinaryIO:
    """Opens the journal for appending, and cuts off what a killed process left torn.

    Args:
        path: The file; it need not exist.
        end: The end of its last whole line.
    """
    path.touch()
    file = path.open("rb+", buffering=0)
    file.truncate(end)
    file.seek(end)
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


def read_entries(path: Path, start: Mark = Mark()) -> Entries:  # noqa: B008 - cannot be changed
    """Reads the journal from a mark on; a torn last line is left out.

    Args:
        path: The file; without one there are no entries.
        start: A mark that fits.

    Raises:
        InputError: The file cannot be read, or a line is damaged or does not go with the others.
    """
    try:
        with path.open("rb") as file:
            file.seek(start.bytes)
            return _Reader(path, start).read(file)
    except FileNotFoundError:
        return Entries(tabulate([], IDENTITY), np.empty(0, np.int64))
    except OSError as error:
        raise InputError(
            f"points: {str(path)!r} cannot be read ({error.strerror}); see to the disk and to the "
            "file's permissions."
        ) from None


class _Reader:
    """Reads line by line, so that few rows are in memory as mappings."""

    def __init__(self, path: Path, start: Mark) -> None:
        self._path = path
        self._number = start.lines
        self._bytes = start.bytes
        self._tables: list[pd.DataFrame] = []
        self._lines: list[int] = []
        self._found = Entries(tabulate([], IDENTITY), np.empty(0, np.int64))

    def read(self, file: BinaryIO) -> Entries:
        rows = self._rows(file)
        while batch := list(islice(rows, _ROWS)):
            numbers, batch_rows = zip(*batch, strict=True)
            self._lines += numbers
            try:
                self._tables.append(tabulate(batch_rows, IDENTITY))
            except Misfit as misfit:
                raise self._damaged(misfit.problem, numbers[misfit.position]) from None
            except InputError as error:
                raise self._damaged(str(error), numbers[0]) from None
        found = self._found
        found.points = stack([*self._tables, found.points][: max(len(self._tables), 1)])
        found.lines = np.array(self._lines, dtype=np.int64)
        found.mark = Mark.at(file, self._bytes, self._number)
        return found

    def _rows(self, file: BinaryIO) -> Iterator[tuple[int, Record]]:
        """The rows with their lines; the other parts of each line are kept."""
        while line := file.readline(LONGEST):
            if not line.endswith(b"\n"):
                if len(line) == LONGEST:
                    self._number += 1
                    raise self._damaged(f"is longer than {LONGEST / 1e6:.0f} MB")
                return  # torn
            self._number += 1
            self._bytes += len(line)
            record = self._record(line)
            if "plan" in record:
                self._plan(record["plan"])
            if "forget" in record:
                self._forget(record["forget"])
            rows = record.get("rows", [])
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise self._damaged(f"rows is {brief(rows)}, where a list of mappings is needed")
            for row in rows:
                yield self._number, row
            if "end" in record:
                self._end(record["end"])

    def _record(self, line: bytes) -> Record:
        try:
            record = parse_json(line.decode(), "it")
        except (InputError, UnicodeDecodeError) as error:
            reason = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise self._damaged(reason.partition(";")[0]) from None
        if not isinstance(record, dict) or not record:
            raise self._damaged("it is no mapping")
        for name in record:
            if name not in ("rows", "end", "plan", "forget"):
                raise self._damaged(f"nothing in it can be called {brief(name)}")
        return record

    def _end(self, end: object) -> None:
        trial_id, found = self._checked(checked_end, end)
        known = self._found.ends.setdefault(trial_id, found)
        if known.status != found.status:
            raise self._damaged(
                f"trial {brief(trial_id)} has ended as {brief(known.status)} already, and as "
                f"{brief(found.status)} here"
            )

    def _plan(self, plan: object) -> None:
        found = self._checked(checked_plan, plan)
        if self._found.plans.setdefault(found["trial_id"], found) != found:
            raise self._damaged(
                f"trial {brief(found['trial_id'])} has been drawn already, with other values"
            )

    def _checked(self, check: Callable[[object], Result], value: object) -> Result:
        try:
            return check(value)
        except InputError as error:
            raise self._damaged(str(error)) from None

    def _forget(self, trials: object) -> None:
        if not isinstance(trials, list) or not all(map(_is_word, trials)):
            raise self._damaged(f"the trials that run again are {brief(trials)}")
        self._found.forgotten |= dict.fromkeys(trials, self._number)

    def _damaged(self, reason: str, number: int | None = None) -> InputError:
        return InputError(
            f"points: line {number or self._number} of {str(self._path)!r} is damaged ({reason}); "
            "restore the file, or run the sweep into a new directory."
        )


def checked_end(end: object) -> tuple[str, End]:
    """The trial and the end that a part of a record tells.

    Raises:
        InputError: It is none; the message lacks the place.
    """
    keys = {"trial_id", "trial_status", "error"}
    if (
        not isinstance(end, dict)
        or not {"trial_id", "trial_status"} <= end.keys() <= keys
        or not (_is_word(end["trial_id"]) and _is_word(end["trial_status"]))
        or end["trial_status"] == RUNNING
        or not isinstance(end.get("error", ""), str | None)
    ):
        raise InputError(f"{brief(end)} is no end of a trial")
    return end["trial_id"], End(end["trial_status"], end.get("error") or None)


def checked_plan(plan: object) -> Plan:
    """The configuration that a part of a record tells.

    Raises:
        InputError: It is none; the message lacks the place.
    """
    if (
        not isinstance(plan, dict)
        or plan.keys() != {"trial_id", "family", "knobs"}
        or not (_is_word(plan["trial_id"]) and _is_word(plan["family"]))
        or not isinstance(plan["knobs"], dict)
    ):
        raise InputError(f"{brief(plan)} is no plan of a trial")
    return plan


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value != ""


def as_plain(value: Any) -> Any:
    """A value as JSON has it: scalars of numpy and torch as Python's, NaN as None."""
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if hasattr(value, "item"):  # a scalar of numpy or torch
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
