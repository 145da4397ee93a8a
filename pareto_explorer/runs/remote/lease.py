"""Who writes to a place that several machines can reach: a small object that its user renews."""

from __future__ import annotations

import json
import math
import os
import socket
from collections.abc import Callable
from typing import Any

from pareto_explorer.errors import InputError
from pareto_explorer.runs.files.storage import Storage
from pareto_explorer.trust.files import parse_json

__all__ = ["LEASE", "RENEWAL", "WRITER", "Lease", "SupersededError"]

WRITER = "writer.json"
"""The name of the object."""

LEASE = 150.0
"""Seconds after which a driver that did not renew the object counts as gone."""

RENEWAL = 30.0
"""Seconds between two renewals."""


class SupersededError(Exception):
    """Another driver has taken the place over."""


class Lease:
    """The right to write to a place, kept by renewing the object ``writer.json`` there.

    Nothing more than a convention between drivers: two of them that start within the same second
    may both get in. The one that renews first then finds the other's object, and is superseded.

    Args:
        storage: The place.
        shown: Its name for messages.
        pause: Waits for some seconds.
        clock: Seconds since the epoch.
        tell: Told why the start is delayed.
    """

    def __init__(
        self,
        storage: Storage,
        shown: str,
        *,
        pause: Callable[[float], object],
        clock: Callable[[], float],
        tell: Callable[[str], object],
    ) -> None:
        self._storage, self._shown = storage, shown
        self._pause, self._clock, self._tell = pause, clock, tell
        self._renewed = 0.0
        self._lost = ""
        self.id = ""

    def wait(self, own: str | None) -> str | None:
        """Waits until nobody else renews the object, at most as long as a lease lasts.

        Args:
            own: The identity that this driver may have had before.

        Returns:
            The identity of the last driver, if there was one.

        Raises:
            InputError: Another driver renews it.
            OSError: The storage cannot be read.
        """
        writer = self._read()
        if writer is None or writer["closed"] or writer["id"] == own:
            return str(writer["id"]) if writer else None
        left = LEASE - min(max(self._clock() - writer["time"], 0), LEASE)
        if left > 0:
            self._tell(
                f"waiting for {left:.0f} s: a sweep on {writer['host']} was writing to "
                f"{self._shown} until now"
            )
        while left > 0:
            self._pause(min(RENEWAL, left))
            left -= RENEWAL
            again = self._read()
            if again is None or again["closed"]:
                break
            if again != writer:
                raise InputError(
                    f"`out`: another sweep is writing to {self._shown!r} (process {again['pid']} "
                    f"on {again['host']}); wait for it, or choose another place."
                )
        return str(writer["id"])

    def take(self, identity: str) -> None:
        """Makes this driver the writer, under an identity.

        Raises:
            OSError: The storage cannot be written.
        """
        self.id = identity
        self._write(closed=False)

    def keep(self) -> None:
        """Renews the object if it is time to.

        Raises:
            SupersededError: Another driver has become the writer; from then on, always.
            OSError: The storage cannot be used.
        """
        if self._lost:
            raise SupersededError(self._lost)
        if self._clock() - self._renewed >= RENEWAL:
            self._check()
            self._write(closed=False)

    def leave(self) -> None:
        """Lets the next driver start at once.

        Raises:
            SupersededError, OSError: As for ``keep``.
        """
        self._check()
        self._write(closed=True)

    def _check(self) -> None:
        writer = self._read()
        if writer is not None and writer["id"] != self.id:
            self._lost = f"process {writer['pid']} on {writer['host']} has taken it over"
            raise SupersededError(self._lost)

    def _write(self, *, closed: bool) -> None:
        now = self._clock()
        record = {
            "id": self.id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "time": now,
            "closed": closed,
        }
        self._storage.write_bytes(WRITER, json.dumps(record).encode())
        self._renewed = now

    def _read(self) -> dict[str, Any] | None:
        content = self._storage.read_bytes(WRITER)
        if content is None:
            return None
        try:
            writer = parse_json(content.decode(), WRITER)
        except (InputError, UnicodeDecodeError):
            return None
        fits = isinstance(writer, dict) and all(
            isinstance(writer.get(key), kind) for key, kind in _KINDS.items()
        )
        return writer if fits and math.isfinite(writer["time"]) else None


_KINDS = {"id": str, "host": str, "pid": int, "time": int | float, "closed": bool}
