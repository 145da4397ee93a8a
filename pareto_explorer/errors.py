"""Errors that a user can cause, worded the same way everywhere."""

from __future__ import annotations

import difflib
import errno
import os
import reprlib
from collections.abc import Iterable

__all__ = ["InputError", "WriteError", "bare", "brief", "first_line", "unknown"]

_SHOWN = 40
"""Choices that a message lists."""

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
    """Bad input: one sentence that names the field, the value and the fix.

    An argument of a call stands between backticks, as Python has it: `` `out` `` or
    `` `trust=True` ``. The command line shows its own option in place of it.
    """


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
    near = difflib.get_close_matches(str(name)[:200], valid, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    more = f" and {len(valid) - _SHOWN} more" if len(valid) > _SHOWN else ""
    listed = ", ".join(map(bare, valid[:_SHOWN]))
    return InputError(f"{what}: {brief(name)} is not known{hint} Choose from {listed}{more}.")


def brief(value: object) -> str:
    """A value as Python writes it, for a message: long texts and nested values are cut short.

    >>> brief(["a"] * 1000)
    "['a', 'a', 'a', 'a', 'a', 'a', ...]"
    """
    return _BRIEF.repr(value)


def bare(text: str) -> str:
    """A text without quotes, for a path or an example in a message, where it is short and plain."""
    return text if len(text) < 60 and text.isprintable() else brief(text)


def first_line(error: BaseException) -> str:
    r"""What an error says, without what follows in further lines; its kind if it says nothing.

    >>> first_line(OSError("no such file\nsee the log")), first_line(KeyboardInterrupt())
    ('no such file', 'KeyboardInterrupt')
    """
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxdict, self.maxtuple = 3, 6, 6, 6
        self.maxstring = self.maxother = self.maxlong = 96

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 1000:  # Python refuses to write some
            return f"a number of {x.bit_length()} bits"
        return super().repr_int(x, level)


_BRIEF = _Brief()
