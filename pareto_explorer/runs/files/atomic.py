"""Whole-file writes that a crash cannot leave half done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["atomic_path", "remove_stale", "write_text"]

_TEMPORARY = re.compile(r"\..+\.([1-9][0-9]{0,9})")
"""The name of a temporary file, with the number of the process that writes it."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write to, which then takes the place of ``path`` in one move.

    The temporary file lies in the same folder, is flushed to the disk before the move, and is
    removed when the block raises, so ``path`` holds either its former or its new content. Its name
    starts with a dot; only a process that is killed leaves it behind.

    Args:
        path: The file to replace; its folder must exist.

    Yields:
        The path to write to.

    Raises:
        OSError: The system refuses; the error names ``path``.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)  # a link of this name would lead elsewhere
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise


def remove_stale(folder: Path) -> None:
    """Removes the temporary files in a folder whose processes were killed.

    Args:
        folder: A folder in which this process is not writing now; it need not exist.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        found = _TEMPORARY.fullmatch(path.name)
        if found and path.is_file() and not _alive(int(found[1])):
            with suppress(OSError):
                path.unlink()


def _alive(process: int) -> bool:
    """Whether a process runs that is not this one."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def write_text(path: Path, text: str) -> None:
    """Replaces the content of a file by UTF-8 text, all or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
