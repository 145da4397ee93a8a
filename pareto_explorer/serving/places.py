"""Where runs are: looked at cheaply, read when something has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from pathlib import Path
from typing import Protocol

from pyarrow import ArrowException

from pareto_explorer.errors import InputError, WriteError, first_line
from pareto_explorer.interchange import is_foreign
from pareto_explorer.results import Run, load_run
from pareto_explorer.runs import RunDirectory, read_points
from pareto_explorer.runs.files.progress_file import Standing, read_standing
from pareto_explorer.runs.files.storage import is_storage, open_storage, shown
from pareto_explorer.runs.notes import NOTES, add_line, keeps_no_notes, with_line
from pareto_explorer.runs.recorded import Recorded, read_further
from pareto_explorer.runs.remote.copies import local_path
from pareto_explorer.trust.redaction import redacted

__all__ = ["Folder", "Foreign", "Place", "Stored", "place_of"]

_WATCHED = (
    "sweep.yaml",
    "points.jsonl",
    "points.parquet",
    "landmarks.parquet",
    "audit.parquet",
    "audit/samples.parquet",
    NOTES,
)
"""What a page is made of."""


class Place(Protocol):
    """Where a run is.

    Attributes:
        name: As the user wrote it, without secrets.
        pause: Seconds between two looks.
    """

    name: str
    pause: float

    def look(self) -> Hashable:
        """What is there, as something that differs once it has changed.

        Raises:
            InputError: It cannot be looked at.
        """

    def load(self) -> Run | None:
        """The run as it was when it was looked at; None where there is none yet.

        Raises:
            InputError: A file is damaged.
        """

    def standing(self) -> Standing | None:
        """How far its sweep was when it was looked at; None where nothing says so."""

    def note(self, line: bytes) -> None:
        """Adds a line to its notes.

        Raises:
            InputError: It cannot be written.
        """


class Folder:
    """A run directory on this machine, which need not exist yet."""

    pause = 1.0

    def __init__(self, path: str) -> None:
        self.name = path
        self._directory = RunDirectory(Path(path))
        self._known: Recorded | None = None

    def look(self) -> Hashable:
        """Size, time of the last change and inode of each file."""
        return tuple(map(_stamp, map(self._directory.path.joinpath, _WATCHED)))

    def load(self) -> Run | None:
        """Reads of the journal what is new."""
        try:
            if not self._directory.sweep_yaml.exists():
                return None
            self._known = read_further(self._directory, self._known)
        except OSError as error:
            raise InputError(
                f"run: {self.name!r} cannot be read ({error.strerror}); check its permissions."
            ) from None
        return Run.of_directory(self._directory, self.name, self._known.points)

    def standing(self) -> Standing | None:
        """As its driver has written it."""
        return read_standing(self._directory.path)

    def note(self, line: bytes) -> None:
        """Replaces the file."""
        add_line(self._directory, line)


class Stored:
    """A run directory in storage, of which there is a copy on this machine."""

    pause = 30.0

    def __init__(self, uri: str) -> None:
        self.name = redacted(uri)
        self._uri = uri
        self._copy: RunDirectory | None = None

    def look(self) -> Hashable:
        """Copies the run, and tells the content of its files."""
        self._copy = RunDirectory(local_path(self._uri))
        return tuple(_content(self._copy.path / name) for name in _WATCHED)

    def load(self) -> Run | None:
        """Reads the copy."""
        if self._copy is None:
            return None
        return Run.of_directory(self._copy, self.name, read_points(self._copy))

    def standing(self) -> Standing | None:
        """As it was when the run was copied."""
        return None if self._copy is None else read_standing(self._copy.path)

    def note(self, line: bytes) -> None:
        """Replaces the object."""
        try:
            storage = open_storage(self._uri)
            storage.write_bytes(NOTES, with_line(storage.read_bytes(NOTES) or b"", line))
        except (OSError, ArrowException) as error:
            raise WriteError(
                f"notes: {shown(self._uri)!r} cannot be written ({first_line(error)}); see to that "
                "and try again."
            ) from None


class Foreign:
    """A sweep that another tool has made: read, and never written."""

    pause = 5.0

    def __init__(self, path: str) -> None:
        self.name = redacted(path)
        self._path = path

    def look(self) -> Hashable:
        """The file's stamp; of an address, nothing."""
        return _stamp(Path(self._path))

    def load(self) -> Run | None:
        """Reads all of it."""
        return load_run(self._path)

    def standing(self) -> Standing | None:
        """Nothing says so."""
        return None

    def note(self, line: bytes) -> None:  # noqa: ARG002
        """Refuses."""
        raise keeps_no_notes(self.name)


def place_of(run: str) -> Place:
    """Where a run is that a user names."""
    if is_storage(run):
        return Stored(run)
    return Foreign(run) if is_foreign(run) else Folder(run)


def _stamp(path: Path) -> Hashable:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _content(path: Path) -> Hashable:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None
