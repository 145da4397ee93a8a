"""How far a running sweep is: ``progress.json``, which its driver replaces and nobody needs."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pareto_explorer.errors import InputError
from pareto_explorer.trust.files import parse_json, read_bytes

__all__ = [
    "HEARTBEAT",
    "PROGRESS",
    "UNFINISHED",
    "Standing",
    "progress_file",
    "read_standing",
    "write_standing",
]

PROGRESS = "progress.json"

UNFINISHED = f".{PROGRESS}"
"""What becomes it, once it is written."""

HEARTBEAT = 10.0
"""Seconds after which a driver writes even if nothing has changed."""

_MOST_BYTES = 10_000

_LONGEST = 300
"""Characters of a phase."""


@dataclass(frozen=True)
class Standing:
    """Where a sweep stands.

    Attributes:
        phase: What it does, in a few words.
        done: Trials that have ended.
        total: Trials planned; None where that is not known.
        failed: Those of the ended ones that failed.
        running: Trials that run now.
        left: Seconds that the trials will still take; None where nothing is known.
        over: Whether the driver has ended in order.
        time: When this was written, in seconds since the epoch.
    """

    phase: str
    done: int = 0
    total: int | None = None
    failed: int = 0
    running: int = 0
    left: float | None = None
    over: bool = False
    time: float = 0.0


def progress_file(folder: Path) -> Path:
    """Where it is in a run directory."""
    return folder / PROGRESS


def write_standing(folder: Path, standing: Standing) -> None:
    """Replaces the file, all or nothing; it may be lost with the machine's power.

    Raises:
        OSError: The folder cannot be written.
    """
    path = progress_file(folder)
    temporary = path.with_name(UNFINISHED)
    temporary.unlink(missing_ok=True)  # a link of this name would lead elsewhere
    record = asdict(standing) | {"phase": standing.phase[:_LONGEST], "time": time.time()}
    temporary.write_text(json.dumps(record), encoding="utf-8")
    temporary.replace(path)


def read_standing(folder: Path) -> Standing | None:
    """Reads the file; None where there is none, or none that can be read."""
    try:
        content = read_bytes(progress_file(folder), "progress", _MOST_BYTES)
        return _checked(parse_json(content.decode(), "progress"))
    except (InputError, UnicodeDecodeError):
        return None


def _checked(found: Any) -> Standing | None:
    names = {field.name for field in fields(Standing)}
    if not isinstance(found, dict) or not found.keys() <= names:
        return None
    standing = Standing(**{"phase": "", **found})
    total, left = standing.total, standing.left
    counts = (standing.done, standing.failed, standing.running, 0 if total is None else total)
    seconds = (standing.time, 0.0 if left is None else left)
    if not (
        isinstance(standing.phase, str)
        and len(standing.phase) <= _LONGEST
        and isinstance(standing.over, bool)
        and all(type(number) is int and 0 <= number < 2**53 for number in counts)
        and all(type(n) in (int, float) and math.isfinite(n) and n >= 0 for n in seconds)
    ):
        return None
    return standing
