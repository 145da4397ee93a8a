"""What a user is told of a sweep that ends before its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.interruption import AGAIN, Interrupted
from pareto_explorer.runs import RunDirectory, write_text
from pareto_explorer.sweeps.cluster.workers import WorkerError
from pareto_explorer.sweeps.live.progress import Progress

__all__ = ["ERRORS", "told", "tracebacks"]

ERRORS = "errors"


@contextmanager
def told(run: RunDirectory, progress: Progress) -> Iterator[None]:
    """Says of what ends a sweep what the user has to know."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as stop:
        stop.add_note(f"{progress.count()}; {AGAIN}")
        raise
    except OSError as error:
        refused = WriteError.of(error, run.path)
        if refused is None:
            raise
        raise refused from None


@contextmanager
def tracebacks(run: RunDirectory) -> Iterator[None]:
    """Keeps the traceback of what went wrong on a worker before the first trial."""
    try:
        yield
    except WorkerError as error:
        file = run.path / ERRORS / "landmarks.txt"
        file.parent.mkdir(exist_ok=True)
        write_text(file, error.text)
        raise InputError(f"{error}; the traceback is in {str(file)!r}.") from None
