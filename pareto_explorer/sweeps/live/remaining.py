"""How long the trials of a running sweep will still take."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

__all__ = ["Remaining"]


NEWEST = 5
"""Of so many trials of a kind the mean is taken: the machine's load changes in a long sweep."""


@dataclass
class _Running:
    """A piece of work that has a slot.

    Attributes:
        trial: Its trial.
        since: When it began.
        whole: Whether it runs from its beginning, and not from a checkpoint.
        projected: Seconds of the whole, by the share that is done; None before the first report.
    """

    trial: str
    since: float
    whole: bool = True
    projected: float | None = None


@dataclass
class Remaining:
    """Follows the course of trials, and lets those that are left run through the slots.

    A trial takes what the newest of its kind took from their own start to their end, so what the
    start of a worker costs is not divided among them. A kind is a family: all its trials have one
    budget. The landmarks and the report are not in it.

    Attributes:
        slots: Pieces at a time; at least 1.
        parts: Pieces of a trial: one, or one for each replicate.
    """

    slots: int = 1
    parts: int = 1
    _kinds: dict[str, str] = field(default_factory=dict)  # of the trials
    _waiting: dict[str, int] = field(default_factory=dict)  # their pieces that have not begun
    _running: dict[str, _Running] = field(default_factory=dict)
    _took: dict[str, deque[float]] = field(default_factory=dict)  # the newest pieces of a kind
    _lost: set[str] = field(default_factory=set)  # pieces whose worker was lost
    _earlier: Mapping[str, float] = field(default_factory=dict)
    _freed: deque[float] = field(default_factory=deque)  # when slots became free
    _gaps: deque[float] = field(default_factory=lambda: deque(maxlen=NEWEST))  # how long for

    def expect(self, trial: str, kind: str) -> None:
        """Takes a trial that will run."""
        self._kinds[trial] = kind
        self._waiting[trial] = self.parts

    def remember(self, seconds: Mapping[str, float]) -> None:
        """Takes what a piece of a kind took in an earlier run of the sweep."""
        self._earlier = dict(seconds)

    def start(self, piece: str, trial: str, now: float) -> None:
        """Takes the start of a piece, on a worker that is ready; of an expected trial only."""
        if trial not in self._kinds:
            return
        self._running[piece] = _Running(trial, now, whole=piece not in self._lost)
        left = self._waiting.pop(trial, 0) - 1
        if left > 0:
            self._waiting[trial] = left
        if self._freed:
            self._gaps.append(now - self._freed.popleft())

    def reach(self, piece: str, share: float, now: float) -> None:
        """Takes which share of its steps a piece has taken."""
        running = self._running.get(piece)
        if running is not None and running.whole and 0 < share < 1:
            running.projected = (now - running.since) / share

    def end(self, piece: str, now: float) -> None:
        """Takes the end of a piece, whatever ended it."""
        running = self._running.pop(piece, None)
        if running is not None:
            if running.whole:
                took = self._took.setdefault(self._kinds[running.trial], deque(maxlen=NEWEST))
                took.append(now - running.since)
            if self._waiting:
                self._freed.append(now)

    def lose(self, piece: str) -> None:
        """A piece has lost its worker and waits for another."""
        running = self._running.pop(piece, None)
        if running is not None:
            self._lost.add(piece)
            self._waiting[running.trial] = self._waiting.get(running.trial, 0) + 1

    def seconds(self, now: float, undrawn: int = 0) -> float | None:
        """Seconds until the last piece ends, if they run as they did.

        Args:
            now: The time.
            undrawn: Trials of which nobody knows yet what they will be.

        Returns:
            The seconds; None as long as nothing is known of any kind.
        """
        kinds = {kind: self._expected(kind) for kind in dict.fromkeys(self._kinds.values())}
        known = [seconds for seconds in kinds.values() if seconds is not None]
        if not known:
            return None
        ended = [seconds for took in self._took.values() for seconds in took]
        typical, gap = fmean(known), fmean(self._gaps or [0.0])

        def whole(trial: str) -> float:
            expected = kinds[self._kinds[trial]]
            return typical if expected is None else expected

        busy = [max(whole(r.trial) - (now - r.since), 0.0) for r in self._running.values()]
        busy += [0.0] * (self.slots - len(busy))
        heapq.heapify(busy)
        pieces = [whole(trial) for trial, left in self._waiting.items() for _ in range(left)]
        pieces += [fmean(ended or known)] * (undrawn * self.parts)
        for piece in pieces:
            heapq.heapreplace(busy, busy[0] + piece + gap)
        return max(busy)

    def _expected(self, kind: str) -> float | None:
        """Seconds of a piece of a kind: ended ones, else those that run, else an earlier run."""
        if kind in self._took:
            return fmean(self._took[kind])
        projected = [
            running.projected
            for running in self._running.values()
            if running.projected is not None and self._kinds[running.trial] == kind
        ]
        return fmean(projected) if projected else self._earlier.get(kind)
