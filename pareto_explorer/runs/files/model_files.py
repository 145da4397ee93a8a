"""Files of model weights by name, below the folder ``models`` of a run directory or of a URI."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pyarrow import ArrowException

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.runs.files.storage import Storage, is_uri, open_storage, shown
from pareto_explorer.schema.columns import plain_position

__all__ = ["MODELS", "ModelFiles", "model_folder", "model_name"]

MODELS = "models"
"""The folder in a run directory."""

AT_ONCE = 8
"""Files that are deleted at a time behind a URI, where each takes a journey."""

OURS = re.compile(r"[^/]+/\.?replicate-\d+-step-\d+(-at-[\d.e+-]+)?\.safetensors(\.\w+)?")
"""A file of weights, or what a killed process left of one."""


def model_folder(trial_id: str) -> str:
    """The folder of a trial below ``models``.

    Characters of the trial's id that could lead out of it are percent-encoded.
    """
    folder = quote(trial_id, safe=" +=,@")
    return folder if folder.strip(".") else folder.replace(".", "%2E")


def model_name(trial_id: str, replicate: int, step: int, position: float = 0.0) -> str:
    """The name of the weights of one point, below ``models``; position 0 is not in it."""
    at = f"-at-{plain_position(position)}" if position else ""
    return f"{model_folder(trial_id)}/replicate-{replicate}-step-{step}{at}.safetensors"


class ModelFiles:
    """Reads, writes and deletes files of weights; none is ever seen half written.

    It pickles, so that workers and driver can use the same place. A folder must be one that all of
    them see under the same path.

    Args:
        storage: The run directory, or a URI that pyarrow opens.

    Attributes:
        uri: The URI; empty for a run directory.

    Raises:
        OSError, ArrowException: From every method, when the storage cannot be used.
        InputError: From every method, when pyarrow cannot open the URI.
    """

    def __init__(self, storage: str | Path) -> None:
        self.uri = storage.rstrip("/") if isinstance(storage, str) and is_uri(storage) else ""
        self._folder = Path() if self.uri else Path(storage).resolve() / MODELS
        self._storage: Storage | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Everything but a connection."""
        return self.__dict__ | {"_storage": None}

    def __str__(self) -> str:
        """The place, without secrets."""
        return f"{shown(self.uri)}/{MODELS}" if self.uri else str(self._folder)

    def put(self, name: str, content: bytes) -> None:
        """Writes a file, replacing any former one at once.

        The disk is not waited for: most files are deleted before they would reach it, and only
        their hash tells whether a power cut spared the others.
        """
        if self.uri:
            self._open().write_bytes(f"{MODELS}/{name}", content)
            return
        path = self._folder / name
        self._folder.mkdir(exist_ok=True)  # a run directory that was removed stays so
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def get(self, name: str) -> bytes | None:
        """Reads a file; None if there is none."""
        if self.uri:
            return self._open().read_bytes(f"{MODELS}/{name}")
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, names: Iterable[str]) -> list[str]:
        """Deletes files; one that is not there is fine.

        Returns:
            The names of those that could not be deleted now; nothing is raised for them.
        """
        names = list(names)
        if self.uri and len(names) > 1:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                deleted = list(pool.map(self._delete, names))
        else:
            deleted = [self._delete(name) for name in names]
        return [name for name, done in zip(names, deleted, strict=True) if not done]

    def sizes(self, trial_id: str | None = None) -> dict[str, int]:
        """Bytes of each file, those included that a killed process left half written.

        Args:
            trial_id: Looks at this trial's files only.
        """
        found = self._listed(trial_id) if self.uri else self._walked(trial_id)
        return {name: size for name, size in found.items() if OURS.fullmatch(name)}

    def prune(self, trial_id: str | None = None) -> None:
        """Removes empty folders of trials; no worker may be writing there."""
        for folder in self._folders(trial_id) if not self.uri else ():  # a store has no folders
            try:
                folder.rmdir()
            except OSError:  # not empty
                continue

    def require_writable(self) -> None:
        """Writes a file and deletes it again.

        Raises:
            InputError: That failed, or the folder is a link.
        """
        if self._folder.is_symlink():
            raise InputError(
                f"`out`: {str(self._folder)!r} is a symbolic link; put the folder itself there."
            )
        name = model_name(".writable", 0, 0)
        try:
            self.put(name, b"")
            left = self.delete([name])
        except (OSError, ArrowException) as error:
            reason = first_line(error)
            raise InputError(
                f"`out`: models cannot be written to {str(self)!r} ({reason}); choose another "
                "place, or keep: none under checkpoints."
            ) from None
        if left:
            raise InputError(
                f"`out`: models cannot be deleted from {str(self)!r}; allow it, or choose another "
                "place."
            )
        self.prune(".writable")

    def _open(self) -> Storage:
        if self._storage is None:
            self._storage = open_storage(self.uri)
        return self._storage

    def _folders(self, trial_id: str | None) -> list[Path]:
        if trial_id is not None:
            folders = [self._folder / model_folder(trial_id)]
        else:
            folders = list(self._folder.iterdir()) if self._folder.is_dir() else []
        return [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]

    def _delete(self, name: str) -> bool:
        try:
            if self.uri:
                self._open().delete(f"{MODELS}/{name}")
            else:
                (self._folder / name).unlink()
        except FileNotFoundError:
            return True
        except (OSError, ArrowException):
            return False
        return True

    def _walked(self, trial_id: str | None) -> dict[str, int]:
        found = {}
        for folder in self._folders(trial_id):
            for path in folder.iterdir():
                try:
                    about = path.lstat()
                except FileNotFoundError:  # a worker has just moved it into place
                    continue
                if stat.S_ISREG(about.st_mode):
                    found[f"{folder.name}/{path.name}"] = about.st_size
        return found

    def _listed(self, trial_id: str | None) -> dict[str, int]:
        folder = MODELS if trial_id is None else f"{MODELS}/{model_folder(trial_id)}"
        sizes = self._open().sizes(folder)
        return {name.removeprefix(f"{MODELS}/"): size for name, size in sizes.items()}
