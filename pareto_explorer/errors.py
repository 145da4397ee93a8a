"""Errors that a user can cause, worded the same way everywhere."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable

__all__ = ["InputError", "WriteError", "unknown"]

_FIXES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EACCES: "allow it",
    errno.EPERM: "allow it",
    errno.EROFS: "allow it",
    errno.ENOENT: "put back what was removed",
    errno.ENOTDIR: "put back what was removed",
    errno.ESTALE: "put back what was removed",
    errno.EIO: "see to the disk",
}
"""What to do where the system refuses to write."""


class InputError(ValueError):
    """Bad input: one sentence that names the field, the value and the fix."""


class WriteError(InputError):
    """A file cannot be written where that was possible before: one sentence, as for bad input."""

    @classmethod
    def of(cls, error: OSError, place: object) -> WriteError | None:
        """Words what the system has refused; None if it has nothing to do with files.

        Args:
            error: The refusal.
            place: What was being written, where the refusal does not say.
        """
        if error.errno is None or (error.filename is None and error.errno not in _FIXES):
            return None
        return cls(
            f"{str(error.filename or place)!r} cannot be written ({os.strerror(error.errno)}); "
            f"{_FIXES.get(error.errno, 'see to that')}, and run the same command again to continue."
        )


def unknown(what: str, name: object, choices: Iterable[str]) -> InputError:
    """Builds the error for a name that is not registered.

    Args:
        what: The field, for example ``"families.0.aggregator"``.
        name: The value that was found.
        choices: The valid names.

    Returns:
        An error whose text names the nearest valid choice first.

    >>> str(unknown("aggregator", "upgard", ["mgda", "upgrad"]))
    "aggregator: 'upgard' is not known; did you mean 'upgrad'? Choose from mgda, upgrad."
    """
    valid = sorted(choices)
    near = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return InputError(f"{what}: {name!r} is not known{hint} Choose from {', '.join(valid)}.")
