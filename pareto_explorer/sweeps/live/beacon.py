"""Tells who looks at a run directory from elsewhere how far its sweep is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.files.progress_file import HEARTBEAT, progress_file, write_standing
from pareto_explorer.sweeps.live.progress import Progress

__all__ = ["beacon"]

_PAUSE = 1.0
_SHARE = 0.005
"""Of the driver's time that this may take."""


@contextmanager
def beacon(run: RunDirectory, progress: Progress) -> Iterator[None]:
    """Keeps ``progress.json`` up to date, at most once a second, until the block ends.

    A thread writes it, so that a driver which waits for something long counts as alive. If it
    cannot be written, nothing stops; a sweep that is refused leaves none.

    Args:
        run: The run directory.
        progress: What is told.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_tell, args=(run, progress, ended), name="beacon", daemon=True)
    thread.start()
    last = "the sweep was interrupted"
    try:
        yield
        last = "the sweep is over"
    except InputError:
        last = ""
        raise
    finally:
        ended.set()
        thread.join()
        with suppress(OSError):
            if last:
                end = replace(progress.standing(), phase=last, running=0, left=None, over=True)
                write_standing(run.path, end)
            else:
                progress_file(run.path).unlink(missing_ok=True)


def _tell(run: RunDirectory, progress: Progress, ended: threading.Event) -> None:
    said, wrote, pause = None, 0.0, 0.0
    while not ended.wait(pause):
        before = time.thread_time()
        with suppress(OSError, RuntimeError):  # no room, or a count changed while it was read
            standing = progress.standing()
            if standing != said or time.monotonic() - wrote >= HEARTBEAT:
                write_standing(run.path, standing)
                said, wrote = standing, time.monotonic()
        pause = max(_PAUSE, (time.thread_time() - before) / _SHARE)
