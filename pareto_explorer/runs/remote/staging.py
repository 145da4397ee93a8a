"""The local folder that stands for a run directory in storage, and what of it is stored already."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_cache_path

from pareto_explorer.errors import InputError
from pareto_explorer.runs.files.atomic import write_text
from pareto_explorer.runs.files.model_files import MODELS
from pareto_explorer.runs.files.progress_file import PROGRESS
from pareto_explorer.runs.files.storage import matches
from pareto_explorer.runs.remote.lease import RENEWAL, WRITER
from pareto_explorer.trust.files import read_json

__all__ = ["LOCAL", "STATE", "Staging", "Stamp", "staging_folder"]

LOCAL = frozenset({"tune", f"{MODELS}/*"})
"""Folders that workers write to the storage themselves; hidden files stay here as well."""

STATE = ".mirror.json"
"""The file in which a staging folder remembers what is stored."""

Stamp = tuple[int, ...]
"""Size in bytes, time of the last change in nanoseconds, and inode: a file that is replaced in the
tick of the clock in which it was stored has another one."""


def staging_folder(uri: str) -> Path:
    """The local folder that stands for a URI: always the same one for a user on a machine."""
    plain = uri.rstrip("/")
    name = re.sub(r"[^\w.-]", "_", plain.partition("?")[0].rpartition("/")[2])
    digest = hashlib.sha256(plain.encode()).hexdigest()[:16]
    return user_cache_path("pareto-explorer") / "runs" / f"{name}-{digest}"


class Staging:
    """A folder that remembers, in a hidden file, what was stored and under which identity.

    Args:
        folder: The folder; it need not exist.

    Attributes:
        identity: Of the driver that used the folder last; empty if none did.
        stored: Stamp of every file when it was last equal to what is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = ""
        self.stored: dict[str, Stamp] = {}
        try:
            state = read_json(folder / STATE)
        except InputError:
            return
        if _is_state(state):  # another one says nothing, and the storage counts
            self.identity = state["id"]
            self.stored = {name: tuple(stamp) for name, stamp in state["files"].items()}

    def changed(self, *, last: bool = False) -> list[tuple[str, Stamp]]:
        """Names and stamps of files that may differ from what is stored, oldest change first.

        Args:
            last: Whether nothing will change any more. Before that, how far the sweep is changes
                every second, and counts now and then.
        """
        found = []
        for path in self._files():
            try:
                stamp = self.stamp(path)
            except FileNotFoundError:  # removed since it was listed
                continue
            name = path.relative_to(self.folder).as_posix()
            stored = self.stored.get(name)
            early = name == PROGRESS and stored and stamp[1] - stored[1] < RENEWAL * 1e9
            if stored != stamp and (last or not early):
                found.append((name, stamp))
        return sorted(found, key=lambda item: (item[1][1], item[0]))

    def remember(self) -> None:
        """Writes what is stored, and the identity, into the folder."""
        self.identity = self.identity or uuid.uuid4().hex
        state = {"id": self.identity, "files": self.stored}
        write_text(self.folder / STATE, json.dumps(state))

    def replace(self, fresh: Path, stored: dict[str, Stamp], *, keep: bool) -> Path | None:
        """Puts another folder into the place of this one, under a new identity.

        Args:
            fresh: The other folder.
            stored: What is stored of it.
            keep: Whether to move this one aside rather than to remove it.

        Returns:
            Where this one was moved.
        """
        kept = None
        if keep:
            kept = _unused(self.folder)
            self.folder.rename(kept)
        elif self.folder.exists():
            shutil.rmtree(self.folder)
        fresh.rename(self.folder)
        self.identity, self.stored = "", stored
        self.remember()
        return kept

    @staticmethod
    def stamp(path: Path) -> Stamp:
        """The stamp of a file."""
        stat = path.stat()
        return stat.st_size, stat.st_mtime_ns, stat.st_ino

    def _files(self) -> Iterator[Path]:
        for place, below, names in os.walk(self.folder):
            inside = Path(place).relative_to(self.folder)
            below[:] = [
                name
                for name in below
                if not name.startswith(".") and not matches((inside / name).as_posix(), LOCAL)
            ]
            for name in names:
                if not name.startswith(".") and (inside / name).as_posix() != WRITER:
                    yield Path(place, name)


def _is_state(state: object) -> bool:
    return (
        isinstance(state, dict)
        and isinstance(state.get("id"), str)
        and isinstance(state.get("files"), dict)
        and all(
            isinstance(stamp, list) and all(type(number) is int for number in stamp)
            for stamp in state["files"].values()
        )
    )


def _unused(folder: Path) -> Path:
    number = 1
    while (kept := folder.with_name(f"{folder.name}.kept-{number}")).exists():
        number += 1
    return kept
