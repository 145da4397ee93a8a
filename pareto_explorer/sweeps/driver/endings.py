"""What a user is told of a sweep that ends before its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.interruption import AGAIN, Interrupted
from pareto_explorer.runs import RunDirectory, write_text
from pareto_explorer.sweeps.cluster.workers import WorkerError

__all__ = ["ERRORS", "told", "tracebacks", "written"]

ERRORS = "errors"


@contextmanager
def told(count: Callable[[], str]) -> Iterator[None]:
    """Says of an interruption how much is done.

    Args:
        count: Says it, for example ``12 of 45 trials done``.
    """
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as stop:
        stop.add_note(f"{count()}; {AGAIN}")
        raise


@contextmanager
def written(run: RunDirectory) -> Iterator[None]:
    """Says plainly where the run directory refuses to be written."""
    try:
        yield
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
