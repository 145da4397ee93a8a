"""Run directories that are read where they are not: a local copy of one in storage."""

from __future__ import annotations

import shutil
from os import PathLike
from pathlib import Path

from filelock import FileLock
from pyarrow import ArrowException

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.runs.files.storage import is_storage, open_storage, shown
from pareto_explorer.runs.remote.staging import LOCAL, staging_folder

__all__ = ["local_path"]


def local_path(run: str | PathLike[str]) -> Path:
    """The local folder of a run directory; one in storage is copied, as it is now.

    Kept models stay where they are, and are fetched one by one when they are asked for. The copy
    lies in the user's cache folder and is replaced by the next one; nothing is written to the
    storage, so a sweep may be writing there.

    Args:
        run: A path, or a URI such as ``"s3://bucket/run"``.

    Raises:
        InputError: The storage cannot be read, or holds no run.
    """
    if not is_storage(str(run)):
        return Path(run)
    uri = str(run)
    folder = staging_folder(uri)
    folder = folder.parent.with_name("copies") / folder.name
    fresh = folder.with_name(f"{folder.name}.partial")
    storage = open_storage(uri)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            names = storage.files(LOCAL)
            for name in names:
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                with (fresh / name).open("wb") as target:
                    storage.read(name, target)
        except (OSError, ArrowException) as error:
            reason = first_line(error)
            raise InputError(
                f"{shown(uri)!r}: cannot be read ({reason}); check the name, the network and "
                f"{storage.needs}."
            ) from None
        if "sweep.yaml" not in names:
            raise InputError(
                f"{shown(uri)!r}: holds no run (sweep.yaml is missing); check the name."
            )
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder
