"""A run directory that lives in storage which pyarrow opens: a bucket, a remote folder.

The sweep reads and writes a local folder, the staging folder; a `Mirror` brings it in line with the
storage when the sweep starts, and copies what changes while it runs.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from filelock import FileLock, Timeout
from pyarrow import ArrowException

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.runs.files.atomic import atomic_path
from pareto_explorer.runs.files.storage import Storage, is_uri, open_storage, shown
from pareto_explorer.runs.remote.lease import RENEWAL, WRITER, Lease, SupersededError
from pareto_explorer.runs.remote.staging import LOCAL, Staging, Stamp, staging_folder

__all__ = ["Mirror", "is_uri"]

DELAYS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between the attempts of what has to succeed: the first pull, the last push."""

LONGEST = 60.0
"""Seconds; while the sweep runs, attempts to push are never further apart."""

FAILURES = (OSError, ArrowException)
Result = TypeVar("Result")


def _nobody(_: str) -> None:
    """Hears nothing."""


class Mirror:
    """Keeps storage in line with a local folder, from ``pull`` to ``close``.

    One driver at a time may use a URI. On one machine, and for one user, a file lock sees to that.
    Between machines it is a convention, see `Lease`: a driver is refused while another one renews
    its claim, takes over from one that ended or that has not renewed for minutes, and writes no
    more once another has taken over from it, which ``close`` then says.

    Files are replaced whole and never deleted. Storage that cannot be written for a while does not
    stop the sweep: all is in the staging folder, and is pushed later.

    Args:
        uri: Such as ``"s3://bucket/run"``, ``"gs://bucket/run"`` or ``"file:///shared/run"``.
        folder: The staging folder; by default one in the user's cache folder.
        storage: The storage, if it is open already.
        tell: Told what delays the start, and when the storage fails and works again; called from
            another thread, too.
        pause: Waits for some seconds.
        clock: Seconds since the epoch.

    Attributes:
        folder: The staging folder.
        aside: Where ``pull`` moved a former one, if it did.

    Raises:
        InputError: pyarrow cannot open the URI.
    """

    def __init__(
        self,
        uri: str,
        folder: Path | None = None,
        *,
        storage: Storage | None = None,
        tell: Callable[[str], object] = _nobody,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.uri = uri.rstrip("/")
        self.folder = folder or staging_folder(uri)
        self._storage = storage or open_storage(uri)
        self._tell, self._pause = tell, pause
        self._lease = Lease(self._storage, shown(self.uri), pause=pause, clock=clock, tell=tell)
        self._lock = FileLock(self.folder.with_name(f"{self.folder.name}.lock"), timeout=0)
        self.aside: Path | None = None
        self._pushing = threading.Lock()
        self._asked, self._closing = threading.Event(), threading.Event()
        self._worker = threading.Thread(target=self._work, name="mirror", daemon=True)

    def pull(self) -> Path | None:
        """Brings the staging folder in line with the storage and becomes its writer.

        If the last driver ran here too, the staging folder has all that the storage has and perhaps
        more: it stays, and only what is missing is downloaded. Otherwise the storage is right.

        Returns:
            Where the former staging folder was moved, if it has anything that the storage may lack
            although another driver has written there since.

        Raises:
            InputError: Another driver uses the URI, or the storage cannot be read and written.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise InputError(
                f"`out`: another sweep on this machine is writing to {shown(self.uri)!r}."
            ) from None
        except OSError as error:
            raise InputError(
                f"`out`: the staging folder {str(self.folder)!r} cannot be written "
                f"({error.strerror}); make room, or set XDG_CACHE_HOME to another folder."
            ) from None
        try:
            self._staging = Staging(self.folder)
            self._insist(self._align)
            self._insist(lambda: self._lease.take(self._staging.identity))
        except FAILURES as error:
            self._lock.release()
            raise InputError(
                f"`out`: {shown(self.uri)!r} cannot be read and written ({first_line(error)}); "
                f"check the name, the network and {self._storage.needs}."
            ) from None
        except BaseException:
            self._lock.release()
            raise
        self._worker.start()
        return self.aside

    def push(self) -> None:
        """Asks for what has changed to be copied to the storage; returns at once.

        A thread copies. While that fails, the thread tries again, at least every minute.
        """
        self._asked.set()

    def push_now(self, *, last: bool = False) -> None:
        """Copies what has changed since the last push, the oldest change first.

        Args:
            last: Whether nothing will change any more.

        Raises:
            OSError, ArrowException: The storage cannot be written; what was copied before that is
                remembered.
            SupersededError: Another driver has taken over.
        """
        with self._pushing:
            self._lease.keep()
            changed = self._staging.changed(last=last)
            try:
                for name, stamp in changed:
                    self._upload(name, stamp)
                    self._lease.keep()
            finally:
                if changed:
                    self._staging.remember()

    def close(self) -> None:
        """Copies what has changed, waits for it and lets the URI go; closing again does nothing.

        Raises:
            InputError: The storage could not be written, or another driver has taken it over.
        """
        if not self._lock.is_locked:
            return
        self._closing.set()
        self._asked.set()
        self._worker.join()
        try:
            self._insist(lambda: self.push_now(last=True))
            self._insist(self._lease.leave)
        except (*FAILURES, SupersededError) as error:
            raise InputError(
                f"`out`: {shown(self.uri)!r} may lack the latest results ({first_line(error)}); "
                f"all of them are in {str(self.folder)!r}."
            ) from None
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        self.pull()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except InputError as failure:
            if error is None:
                raise
            error.add_note(str(failure))  # what ended the sweep matters more

    def _work(self) -> None:
        delay = DELAYS[0]
        while not self._closing.is_set():
            self._asked.wait(RENEWAL)
            self._asked.clear()
            if self._closing.is_set():
                return
            try:
                self.push_now()
            except SupersededError:
                return  # close() says so
            except FAILURES as error:
                if delay == DELAYS[0]:
                    self._tell(
                        f"{shown(self.uri)} cannot be written ({first_line(error)}); the results "
                        f"are kept in {self.folder} and pushed later"
                    )
                delay = min(2 * delay, LONGEST)
                self._asked.set()
            else:
                if delay > DELAYS[0]:
                    self._tell(f"{shown(self.uri)} can be written again")
                delay = DELAYS[0]
            self._closing.wait(delay)  # also gathers the changes of a second into one push

    def _insist(self, action: Callable[[], Result]) -> Result:
        for delay in DELAYS:
            try:
                return action()
            except FAILURES:
                self._pause(delay)
        return action()

    def _align(self) -> None:
        staging = self._staging
        last = self._lease.wait(staging.identity)
        if staging.identity and last == staging.identity:
            for name in self._remote():
                if not (self.folder / name).exists():
                    staging.stored[name] = self._download(name, self.folder)
            staging.remember()
            return
        fresh = self.folder.with_name(f"{self.folder.name}.partial")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        stored = {name: self._download(name, fresh) for name in self._remote()}
        # Without a writer's object, nothing says that what was stored once is still there.
        keep = bool(staging.changed() or (staging.stored and last is None))
        self.aside = staging.replace(fresh, stored, keep=keep)

    def _remote(self) -> list[str]:
        return [name for name in self._storage.files(LOCAL) if name != WRITER]

    def _upload(self, name: str, stamp: Stamp) -> None:
        try:
            source = (self.folder / name).open("rb")
        except FileNotFoundError:  # removed since it was listed
            return
        with source:
            self._storage.write(name, source)
        self._staging.stored[name] = stamp

    def _download(self, name: str, folder: Path) -> Stamp:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as target:
            self._storage.read(name, target)
        return Staging.stamp(path)
