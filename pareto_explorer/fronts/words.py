"""Lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["listing"]


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
