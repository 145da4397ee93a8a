"""How far one training is, and in which words."""

from __future__ import annotations

import math

__all__ = ["Course", "clock"]

QUIET_SECONDS = 10.0
"""Training that is done within this time gets no line of its own in a log."""


class Course:
    """How far the training of one landmark is.

    Args:
        name: The landmark, for example ``"retrained/seed 1"``.
        epoch: Epochs done when it was first heard of.
        now: The time then, in seconds.
    """

    def __init__(self, name: str, epoch: int, now: float) -> None:
        self.name = name
        self.epoch = self._first_epoch = epoch
        self.epochs = 0
        self.loss = math.nan
        self._now = self._first_time = self._told = now
        self._tenth = -1

    def take(self, epoch: int, epochs: int, loss: float, now: float) -> None:
        """Takes the news: epochs done and in all, mean loss of the last one, the time."""
        if epoch < self.epoch:  # it lost its worker
            self._first_epoch, self._first_time = epoch, now
        self.epoch, self.epochs, self.loss, self._now = epoch, epochs, loss, now

    @property
    def ended(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.epochs

    def due(self) -> bool:
        """Whether a log shall tell of it; asked once for each news.

        That is whenever a tenth of the epochs and some seconds have passed, and at the end of a
        training that was told of before.
        """
        tenth = 10 * self.epoch // max(self.epochs, 1)
        waited = tenth > self._tenth and self._now - self._told >= QUIET_SECONDS
        if not waited and not (self.ended and self._tenth >= 0):
            return False
        self._tenth, self._told = tenth, self._now
        return True

    def __str__(self) -> str:
        """Epochs, loss and expected time."""
        text = f"epoch {self.epoch} of {self.epochs}, loss {self.loss:.2g}"
        done, left = self.epoch - self._first_epoch, self.epochs - self.epoch
        if done and left:
            text += f", about {clock((self._now - self._first_time) / done * left)} left"
        return text


def clock(seconds: float) -> str:
    """Minutes and seconds, as in ``"2:05"``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
