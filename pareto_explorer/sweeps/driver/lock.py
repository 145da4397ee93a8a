"""One sweep at a time writes to a run directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.sweeps.driver.output import LOG

__all__ = ["LOCK", "exclusive"]

LOCK = ".lock"


@contextmanager
def exclusive(run: RunDirectory, argument: str = "out") -> Iterator[None]:
    """Keeps others out; a sweep that is refused leaves nothing of this behind.

    Args:
        run: The run directory.
        argument: What has named it, for messages.
    """
    made = [folder for folder in (run.path, *run.path.parents) if not folder.exists()]
    files = [file for file in (run.path / LOCK, run.path / LOG) if not file.exists()]
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run.path / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"`{argument}`: another sweep or audit is writing to {str(run.path)!r}; wait for it, "
            "or stop it."
        ) from None
    except OSError as error:
        raise InputError(
            f"`{argument}`: {str(run.path)!r} cannot be written ({error.strerror}); choose another "
            "folder, or a copy in one."
        ) from None
    try:
        yield
    except InputError:
        with suppress(OSError):  # what holds something stays
            for file in files:
                if file.exists() and file.stat().st_size == 0:
                    file.unlink()
            for folder in made:
                folder.rmdir()
        raise
    finally:
        lock.release()
