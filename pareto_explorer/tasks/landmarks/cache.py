"""A directory of trained landmarks that several processes may share."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.landmarks.fingerprints import fingerprint
from pareto_explorer.tasks.landmarks.landmarks import LandmarkKind, given_landmark, train_stages

__all__ = ["LandmarkCache", "default_cache_dir"]

_SECONDS = "seconds"
_VARIABLE = "PARETO_EXPLORER_CACHE"
_SHA256 = 64
"""Digits of a sha256."""


def default_cache_dir() -> Path:
    """Returns ``$PARETO_EXPLORER_CACHE``, or the platform's cache directory for users."""
    named = os.environ.get(_VARIABLE)
    return Path(named).expanduser() if named else user_cache_path("pareto-explorer")


class LandmarkCache:
    """Trained landmarks on disk, by fingerprint.

    A landmark is a safetensors file with its sha256 beside it; one in training may have a snapshot
    beside them, ``FINGERPRINT.partial``, that begins with its own sha256. Files appear whole or
    not at all, and one whose content does not match its sha256 is never used.

    Args:
        root: The directory; made when something is first stored or locked.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def obtain(
        self,
        task: UnlearningTask,
        kind: LandmarkKind,
        training_seed: int,
        device: torch.device | str = "cpu",
    ) -> dict[str, Tensor]:
        """Loads a landmark, or trains and stores it; of several processes only one trains.

        Training that was cut off goes on from its last snapshot. A landmark that the task brings
        is neither trained nor stored.

        Returns:
            The state dict, on the CPU.

        Raises:
            InputError: When the directory cannot be written, the training diverges, or the
                landmark that the task brings does not fit its model.
        """
        given = given_landmark(task, kind)
        if given is not None:
            return given
        name = fingerprint(task, kind, training_seed)
        with self.lock(name):
            state = self.load(name)
            if state is None:
                state = self._train(name, task, kind, training_seed, device)
        return state

    def __contains__(self, name: str) -> bool:
        """Whether there is a landmark with fingerprint ``name``, which may be damaged."""
        return self._data(name).is_file()

    def load(self, name: str) -> dict[str, Tensor] | None:
        """Loads the landmark with fingerprint ``name``, on the CPU.

        Returns:
            The state dict, or None when there is none. A damaged file is removed with a warning
            and counts as none.
        """
        try:
            content = self._data(name).read_bytes()
        except FileNotFoundError:
            return None
        expected = self._checksum(name)
        if expected.is_file() and expected.read_bytes() == _sha256(content):
            return load(content)
        warnings.warn(
            f"The cached landmark {self._data(name)} is damaged; it was removed.", stacklevel=2
        )
        self._data(name).unlink(missing_ok=True)
        return None

    def seconds(self, name: str) -> float | None:
        """What the training of the landmark with fingerprint ``name`` took.

        Returns:
            None where there is no such landmark, its file is damaged or does not say.
        """
        try:
            with safe_open(self._data(name), framework="pt") as content:
                told = float((content.metadata() or {})[_SECONDS])
        except (KeyError, OSError, SafetensorError, ValueError):
            return None
        return told if 0 < told < math.inf else None

    def store(self, name: str, state: dict[str, Tensor], seconds: float | None = None) -> None:
        """Stores a landmark under its fingerprint ``name``, replacing any former one at once.

        A snapshot of its training is removed.

        Args:
            name: The fingerprint.
            state: Its state dict.
            seconds: What its training took, where that is known.

        Raises:
            InputError: When the directory cannot be written.
            OSError: When the disk is full.
        """
        told = {_SECONDS: repr(seconds)} if seconds is not None else None
        content = save({key: value.contiguous() for key, value in state.items()}, told)
        self._make_root()
        # The checksum goes first, so that no reader sees new data without it.
        self._write(self._checksum(name), _sha256(content))
        self._write(self._data(name), content)
        self._partial(name).unlink(missing_ok=True)

    def load_partial(self, name: str) -> bytes | None:
        """Loads the newest snapshot of the landmark in training with fingerprint ``name``.

        Returns:
            What `train_stages` goes on from, or None when there is none. A damaged file is removed
            with a warning and counts as none.
        """
        try:
            content = self._partial(name).read_bytes()
        except FileNotFoundError:
            return None
        expected, snapshot = content[:_SHA256], content[_SHA256:]
        if expected == _sha256(snapshot):
            return snapshot
        warnings.warn(
            f"The snapshot {self._partial(name)} is damaged; it was removed.", stacklevel=2
        )
        self._partial(name).unlink(missing_ok=True)
        return None

    def store_partial(self, name: str, snapshot: bytes) -> None:
        """Stores a snapshot of the landmark in training, replacing any former one at once.

        Raises:
            InputError: When the directory cannot be written.
            OSError: When the disk is full.
        """
        self._make_root()
        self._write(self._partial(name), _sha256(snapshot) + snapshot)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Holds the fingerprint ``name`` for this process; waits while another one holds it.

        Raises:
            InputError: When the directory cannot be written.
        """
        self._make_root()
        try:
            held = FileLock(self.root / f"{name}.lock")
            held.acquire()
        except OSError as error:
            raise self._unwritable(error) from None
        for stale in self.root.glob(f"{name}.*.tmp"):  # who wrote it was killed
            stale.unlink(missing_ok=True)
        try:
            yield
        finally:
            held.release()

    def _train(
        self,
        name: str,
        task: UnlearningTask,
        kind: LandmarkKind,
        training_seed: int,
        device: torch.device | str,
    ) -> dict[str, Tensor]:
        for stage in train_stages(task, kind, training_seed, device, self.load_partial(name)):
            if stage.snapshot is not None:
                self.store_partial(name, stage.snapshot)
            if stage.state is not None:
                self.store(name, stage.state, stage.seconds)
                return stage.state
        raise AssertionError("training ends with a state")

    def _data(self, name: str) -> Path:
        return self.root / f"{name}.safetensors"

    def _checksum(self, name: str) -> Path:
        return self.root / f"{name}.sha256"

    def _partial(self, name: str) -> Path:
        return self.root / f"{name}.partial"

    def _make_root(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def _write(self, path: Path, content: bytes) -> None:
        try:
            handle, temporary = tempfile.mkstemp(
                dir=self.root, prefix=f"{path.name}.", suffix=".tmp"
            )
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except BaseException as error:
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
            if isinstance(error, OSError):
                error.filename = str(path)
            raise

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f"landmark cache: {self.root} cannot be written ({error.strerror});"
            f" set {_VARIABLE} to a directory that can."
        )


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
