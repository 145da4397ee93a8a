"""Notes on points: ``notes.jsonl``, one JSON line for each note that is made or taken back.

What others wrote is data: texts are freed of what a terminal or a page would act on.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pareto_explorer.errors import InputError, WriteError, brief
from pareto_explorer.runs.files.atomic import atomic_path
from pareto_explorer.runs.manifest import RunDirectory
from pareto_explorer.schema.checkpoint_ids import as_checkpoint
from pareto_explorer.trust.files import parse_json, read_bytes

__all__ = [
    "LONGEST_NOTE",
    "NOTES",
    "Note",
    "add_line",
    "keeps_no_notes",
    "note_line",
    "notes_file",
    "parse_notes",
    "read_notes",
    "removal_line",
    "with_line",
]

NOTES = "notes.jsonl"

LONGEST_NOTE = 2_000
"""Characters of a note."""

MOST_BYTES = 5_000_000
"""Of the file."""

_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Note(NamedTuple):
    """What somebody wrote about a point.

    Attributes:
        text: At most `LONGEST_NOTE` characters, perhaps of several lines.
        time: When, in UTC, as ISO 8601 has it; the notes of a point differ in it.
    """

    text: str
    time: str


def notes_file(run: RunDirectory) -> Path:
    """Where the notes are."""
    return run.path / NOTES


def read_notes(run: RunDirectory) -> dict[str, tuple[Note, ...]]:
    """Reads the notes of a run; a torn last line is left out.

    Raises:
        InputError: The file cannot be read, is too large, or a line is damaged.
    """
    path = notes_file(run)
    if not path.exists():
        return {}
    return parse_notes(read_bytes(path, "notes", MOST_BYTES), f"notes: {str(path)!r}")


def parse_notes(content: bytes, where: str) -> dict[str, tuple[Note, ...]]:
    """The notes that the lines of a file come to.

    Args:
        content: The file's.
        where: What stands before messages.

    Raises:
        InputError: A line is damaged.
    """
    notes: dict[str, dict[str, Note]] = {}
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            point, time, text = _record(line)
        except (InputError, UnicodeDecodeError) as error:
            reason = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise InputError(
                f"{where}: line {number} is damaged ({reason.rstrip('.')}); take it out."
            ) from None
        of_point = notes.setdefault(point, {})
        if text is None:
            of_point.pop(time, None)
        else:
            of_point[time] = Note(text, time)
    return {point: tuple(found.values()) for point, found in notes.items() if found}


def note_line(point: str, text: str, now: datetime | None = None) -> bytes:
    """The line that makes a note.

    Args:
        point: The id of the point.
        text: What to say of it; what is no text, such as control characters, is left out.
        now: When; by default now.

    Raises:
        InputError: There is no text or too much of it, or the id is none.
    """
    as_checkpoint(point, "`point`")
    if not isinstance(text, str):
        raise InputError(f"note: {brief(text)} is no text; write one.")
    text = cleaned(text).strip()
    if not 0 < len(text) <= LONGEST_NOTE:
        raise InputError(
            f"note: has {len(text):,} characters; write between 1 and {LONGEST_NOTE:,}."
        )
    time = (now or datetime.now(UTC)).isoformat(timespec="microseconds")
    return _line({"point": point, "text": text, "time": time})


def removal_line(point: str, time: str) -> bytes:
    """The line that takes a note back.

    Args:
        point: The id of the point.
        time: When the note was made.

    Raises:
        InputError: The id or the time is none.
    """
    line = _line({"point": point, "removed": time})
    _record(line)
    return line


def with_line(content: bytes, line: bytes) -> bytes:
    """The content of a file with one line more, in place of a torn one.

    Raises:
        InputError: The file is full.
    """
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) + len(line) > MOST_BYTES:
        raise InputError("notes: their file is full; take old notes out of it.")
    return whole + line


def add_line(run: RunDirectory, line: bytes) -> None:
    """Adds a line to the notes of a run.

    Raises:
        InputError: The file cannot be read, or is full.
        WriteError: It cannot be written.
    """
    path = notes_file(run)
    content = read_bytes(path, "notes", MOST_BYTES) if path.exists() else b""
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(with_line(content, line))
    except OSError as error:
        raise WriteError(
            f"notes: {str(path)!r} cannot be written ({error.strerror}); see to that and try again."
        ) from None


def keeps_no_notes(shown: str) -> InputError:
    """Builds the error for what another tool has made, beside which nothing is written."""
    return InputError(
        f"notes: {shown!r} is no run directory; `pareto-explorer import` makes one of it, which "
        "keeps notes."
    )


def cleaned(text: str) -> str:
    r"""A text with line ends as ``\n``, and without what is not to be seen or reorders it.

    >>> cleaned("a\tb\r\n\x1b[2Jc\u202e")
    'a b\n[2Jc'
    """
    return "".join(map(_seen, text.replace("\r\n", "\n")))


def _seen(letter: str) -> str:
    if letter in _REORDERING:
        return ""
    if letter in "\n\r\u2028\u2029":
        return "\n"
    if letter == "\t":
        return " "
    return "" if unicodedata.category(letter) in ("Cc", "Cs") else letter


def _record(line: bytes) -> tuple[str, str, str | None]:
    """Point, time and text of a line; no text where a note is taken back."""
    record = parse_json(line.decode(), "it")
    if not isinstance(record, dict) or not all(isinstance(v, str) for v in record.values()):
        raise InputError("it is no mapping to texts")
    if record.keys() not in ({"point", "text", "time"}, {"point", "removed"}):
        raise InputError(f"it has {brief(sorted(record))}")
    text = record.get("text")
    if text is not None and len(text) > LONGEST_NOTE:
        raise InputError(f"its text has {len(text):,} characters")
    try:
        as_checkpoint(record["point"])
        moment = datetime.fromisoformat(record["removed" if text is None else "time"])
    except ValueError:
        raise InputError("its point or its time is none") from None
    if moment.tzinfo is None:
        raise InputError("its time has no zone")
    time = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return record["point"], time, None if text is None else cleaned(text)


def _line(record: Mapping[str, str]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
