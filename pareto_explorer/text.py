"""Names and lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["called", "families", "listing"]


def listing(names: Sequence[str], limit: int = 3) -> str:
    """Joins names for a sentence; those after the first ``limit`` are counted.

    >>> listing(["a", "b"]), listing(list("abcde"))
    ('a and b', 'a, b, c and 2 others')
    """
    shown = list(names[:limit])
    if len(names) > limit:
        others = len(names) - limit
        shown.append(f"{others:,} other{'s' if others > 1 else ''}")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def called(family: str) -> str:
    """A family in a sentence, in which ``none`` must not read as nobody."""
    return "the control none" if family == "none" else family


def families(names: Sequence[str], limit: int = 3) -> str:
    """Joins families for a sentence, as ``listing`` does.

    >>> families(["upgrad", "none"])
    'upgrad and the control none'
    """
    return listing([called(name) for name in names], limit)
