"""What a tracker is given: a sweep, its trials, and the replicates of each, as plain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Artifact", "Record", "Row", "Sent", "SweepRecord", "TrialRecord"]

Value = str | float | int | bool


@dataclass(frozen=True)
class Row:
    """What was measured at one step.

    Attributes:
        step: Gradient steps so far.
        seconds: Seconds of unlearning so far.
        values: Finite numbers by the project's names of metrics; a model at another position than
            0 has ``/at_<position>`` behind each.
    """

    step: int
    seconds: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Artifact:
    """Files that belong together.

    Attributes:
        name: What they are called together, such as ``report``.
        kind: ``report`` or ``model``.
        files: By name, where a file is or the text of one.
    """

    name: str
    kind: str
    files: Mapping[str, Path | str]

    @property
    def digest(self) -> str:
        """The hash of names and contents."""
        found = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            if isinstance(content, Path):
                with content.open("rb") as file:
                    inner = hashlib.file_digest(file, "sha256")
            else:
                inner = hashlib.sha256(content.encode())
            found.update(f"{name}\0{inner.hexdigest()}\0".encode())
        return found.hexdigest()


@dataclass(frozen=True)
class Record:
    """One run of a tracker.

    Attributes:
        key: Tells it from all others, and is the same whenever the run is exported.
        name: What a reader calls it.
        status: How it ended, a word of `schema.TRIAL_STATUSES`.
        started: When it began, as far as the run records it, in seconds since 1970.
        params: What it was run with.
        tags: What it belongs to, and what went wrong.
        rows: What was measured, by step.
        artifacts: Files.
    """

    key: str
    name: str
    status: str
    started: float
    params: Mapping[str, Value]
    tags: Mapping[str, str]
    rows: tuple[Row, ...] = ()
    artifacts: tuple[Artifact, ...] = ()

    @property
    def short_key(self) -> str:
        """The key in 16 letters and digits."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def digest(self) -> str:
        """The hash of all that it holds."""
        rows = [[row.step, row.seconds, dict(row.values)] for row in self.rows]
        files = [[artifact.name, artifact.digest] for artifact in self.artifacts]
        parts: list[Any] = [self.key, self.name, self.status, self.started, rows, files]
        text = json.dumps([*parts, dict(self.params), dict(self.tags)], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class TrialRecord:
    """One configuration.

    Attributes:
        trial_id: The trial's id.
        means: Replicate means with their standard deviations as ``<metric>.std``.
        replicates: Each replicate by its number.
    """

    trial_id: str
    means: Record
    replicates: Mapping[int, Record]


@dataclass(frozen=True)
class SweepRecord:
    """A whole run directory.

    Attributes:
        sweep: Hypervolumes by family, at as many steps as there are points, and the report.
        trials: Its trials.
    """

    sweep: Record
    trials: tuple[TrialRecord, ...]

    def records(self) -> Iterator[Record]:
        """The sweep and every replicate of every trial."""
        yield self.sweep
        for trial in self.trials:
            yield from trial.replicates.values()

    @property
    def digest(self) -> str:
        """The hash of all that it holds."""
        return hashlib.sha256("".join(r.digest for r in self.records()).encode()).hexdigest()


@dataclass(frozen=True)
class Sent:
    """What has become of an export.

    Attributes:
        where: What was written to, without secrets.
        look: How to look at it: a command, or an address.
        new: Runs of the tracker that were made or brought up to date.
        unchanged: Runs that were there as they are.
        left_out: What the tracker has no place for, in a sentence; empty if nothing.
    """

    where: str
    look: str
    new: int
    unchanged: int
    left_out: str = ""
