"""Whole-file writes that a crash cannot leave half done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path", "write_text"]


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
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Replaces the content of a file by UTF-8 text, all or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
