"""Signals that end the program: the first one in order, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["AGAIN", "Held", "Interrupted", "ended_by_signals", "held_back"]

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)
)
"""What ends a program unless it listens; schedulers of clusters send the last one, too."""

AGAIN = "run the same command again to continue"

Handler = Callable[[int, FrameType | None], Any]


class Interrupted(BaseException):
    """A signal has asked the program to end; Typer would take a ``KeyboardInterrupt`` for itself.

    Attributes:
        code: The exit code that says so, as shells count.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Makes the first signal raise `Interrupted` and the second end the process on the spot.

    Once the first has come, that stays so. Signals that are ignored (as under ``nohup``), and those
    that somebody else listens to, are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {n: h for n in SIGNALS if (h := signal.getsignal(n)) in usual}

    def end(number: int, _: FrameType | None) -> None:
        os._exit(128 + number)

    def interrupt(number: int, _: FrameType | None) -> None:
        for each in before:
            signal.signal(each, end)
        raise Interrupted(number)

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is interrupt:  # none has come
                signal.signal(number, handler)


class Held:
    """A signal that is held back.

    Attributes:
        stop: What its handler has raised; None before a signal has come.
    """

    stop: BaseException | None = None

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """Holds signals back; again, after something else has taken them over.

        Only the main thread can; in another one, nothing happens.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        self._before = self._before or {n: signal.getsignal(n) for n in SIGNALS}
        if self.stop is None:
            _install({n: self._hold if callable(h) else h for n, h in self._before.items()})

    def leave(self) -> None:
        """Gives the signals back to who listened before."""
        _install(self._before)

    def _hold(self, number: int, frame: FrameType | None) -> None:
        handler: Handler = self._before[signal.Signals(number)]
        self.leave()  # the next one is not held back
        try:
            handler(number, frame)
        except BaseException as stop:
            self.stop = stop
        self._before = {n: signal.getsignal(n) for n in self._before}


@contextmanager
def held_back() -> Iterator[Held]:
    """Holds the first signal back until the block ends, for code that must not be cut short.

    Ray's waiting loses or swallows what a handler raises there. A block that takes long looks at
    ``stop`` now and then, and ends. A second signal is not held back.

    Raises:
        BaseException: What the handler of the signal has raised (`Interrupted`, or Python's
            ``KeyboardInterrupt``), at the end of the block.
    """
    held = Held()
    held.listen()
    try:
        yield held
    except Exception:
        if held.stop is None:
            raise
    finally:
        held.leave()
    if held.stop is not None:
        raise held.stop


def _install(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:  # None: not Python's
            signal.signal(number, handler)
