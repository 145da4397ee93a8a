"""What Ray prints while a sweep runs."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TextIO

from pareto_explorer.runs import RunDirectory

__all__ = ["LOG", "output"]

LOG = "sweep.log"


@contextmanager
def output(run: RunDirectory, *, verbose: bool) -> Iterator[None]:
    """Sends what Ray prints and logs to ``sweep.log``."""
    if verbose:
        yield
        return
    logger = logging.getLogger("ray")
    file = (run.path / LOG).open("a", buffering=1, encoding="utf-8", errors="replace")
    log = _Log(file)
    handlers, logger.handlers = logger.handlers, [logging.StreamHandler(log)]
    try:
        with redirect_stdout(log), redirect_stderr(log):
            yield
    finally:
        logger.handlers = handlers
        with suppress(OSError):
            file.close()


class _Log(io.TextIOBase):
    """Takes what Ray prints; what finds no room is lost, and Ray does not hear of it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()
