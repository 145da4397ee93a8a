"""Word from a reading that takes minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from time import monotonic
from typing import TypeVar

__all__ = ["Tell", "silent", "told"]

T = TypeVar("T")
Tell = Callable[[str], None]
"""Called with a line such as ``"1,200 of 4,000 trials read"``."""

_SECONDS = 5.0


def silent(line: str) -> None:
    """Keeps progress to itself."""


def told(items: Iterable[T], done: str, tell: Tell, seconds: float = _SECONDS) -> Iterator[T]:
    """Passes items on, and tells now and then how many there were.

    Args:
        items: Anything; if it has a length, that is told too.
        done: What becomes of them, such as ``"trials read"``.
        tell: Hears of it.
        seconds: Between two lines, and before the first.
    """
    of = f" of {len(items):,}" if isinstance(items, Sized) else ""
    last = monotonic()
    for number, item in enumerate(items):
        if monotonic() - last >= seconds:
            tell(f"{number:,}{of} {done}")
            last = monotonic()
        yield item
