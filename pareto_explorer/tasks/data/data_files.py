"""The files of a data set: where they are looked for, and what is said when they are not there."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image

from pareto_explorer.errors import InputError, brief

__all__ = ["data_root", "fetched", "read_all"]

T = TypeVar("T")

_VARIABLE = "PARETO_EXPLORER_DATA"
_TROUBLE = (  # what torchvision and its readers raise
    AssertionError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,  # by a header that names absurd sizes
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,  # a broken PNG
    TypeError,
    ValueError,
    Image.DecompressionBombError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def data_root(root: str | Path | None) -> Path:
    """Resolves the folder of the data sets.

    Args:
        root: What the task says; else the environment variable ``PARETO_EXPLORER_DATA`` counts,
            else ``./data``.

    Raises:
        InputError: When it is no path.
    """
    if root is not None and not isinstance(root, str | Path):
        raise InputError(f"task.root: {brief(root)} is no folder; give a path.")
    return Path(root or os.environ.get(_VARIABLE) or "data").expanduser().absolute()


def fetched(title: str, folder: Path, names: Sequence[str], fetch: Callable[[], object]) -> None:
    """Fetches a data set unless its files are there.

    Args:
        title: What messages call the data set.
        folder: Where its files belong.
        names: Its files and folders.
        fetch: Downloads and unpacks them.

    Raises:
        InputError: When they cannot be fetched.
    """
    if not _missing(folder, names):
        return
    try:
        fetch()
    except _TROUBLE as error:
        raise InputError(
            f"task.download: {title} cannot be fetched ({_reason(error)}); fetch it where there is"
            f" a network and put {_listed(names)} into {folder}."
        ) from None


def read_all(
    title: str, folder: Path, names: Sequence[str], read: Callable[[], T], can_fetch: bool = True
) -> T:
    """Reads a data set, or says in one sentence what is wrong with its files.

    Args:
        title: What messages call the data set.
        folder: Where its files belong.
        names: Its files and folders.
        read: Reads them.
        can_fetch: Whether ``download: true`` would fetch them.

    Raises:
        InputError: When files are missing or cannot be used.
    """
    missing = _missing(folder, names)
    if missing:
        way_out = ", or set download: true where there is a network" if can_fetch else ""
        raise InputError(
            f"task.root: {title} is missing; put {_listed(missing)} into {folder}{way_out}."
        )
    try:
        return read()
    except InputError:
        raise
    except _TROUBLE as error:
        raise InputError(
            f"task.root: {title} in {folder} is damaged ({_reason(error)}); replace"
            f" {_listed(names)}."
        ) from None


def _missing(folder: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if not (folder / name).exists()]


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
