"""Names and lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["called", "count", "families", "listing", "plural"]


def plural(number: int, one: str, several: str = "") -> str:
    """A noun or a verb in the number that fits; ``one`` and an s by default where it is not one.

    >>> plural(1, "point"), plural(2, "point"), plural(2, "is", "are")
    ('point', 'points', 'are')
    """
    return one if number == 1 else several or f"{one}s"


def count(number: int, one: str, several: str = "") -> str:
    """A number and its noun.

    >>> count(1, "point"), count(2000, "family", "families")
    ('1 point', '2,000 families')
    """
    return f"{number:,} {plural(number, one, several)}"


def listing(names: Sequence[str], limit: int = 3) -> str:
    """Joins names for a sentence; those after the first ``limit`` are counted.

    >>> listing(["a", "b"]), listing(list("abcde"))
    ('a and b', 'a, b, c and 2 others')
    """
    shown = list(names[:limit])
    if len(names) > limit:
        shown.append(count(len(names) - limit, "other"))
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
