"""How many trials Ray prepares while others run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["pending_trials"]

VARIABLE = "TUNE_MAX_PENDING_TRIALS_PG"
FEWEST = 16


@contextmanager
def pending_trials(room: int) -> Iterator[None]:
    """Lets Ray start as many workers at a time as there is room for, and have the next ready.

    Otherwise it waits for each worker, for seconds, before it asks a search for another trial. The
    least number lets a cluster that can grow know of more than one trial. A value that the user
    has set stays.

    Args:
        room: How many trials fit the cluster.
    """
    if VARIABLE in os.environ:
        yield
        return
    os.environ[VARIABLE] = str(max(room, FEWEST))
    try:
        yield
    finally:
        del os.environ[VARIABLE]
