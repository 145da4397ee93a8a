"""Families by what a user calls them: a name, how names begin, or a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pareto_explorer.errors import unknown

__all__ = ["named_families"]

_WILD = frozenset("*?[")


def named_families(wanted: str | Iterable[str], families: Iterable[str]) -> list[str]:
    """The families that are called so.

    Args:
        wanted: One or several: the name of a family; or what names begin with; or a pattern with
            ``*``, ``?`` and ``[...]``. What is a name means that family alone.
        families: All names.

    Raises:
        InputError: No family is called so; the message lists them.

    >>> named_families(["upgrad", "*_tune"], ["upgrad/kl_uniform", "upgrad/npo", "fine_tune"])
    ['upgrad/kl_uniform', 'upgrad/npo', 'fine_tune']
    """
    names = list(dict.fromkeys(families))
    found: dict[str, None] = {}
    for text in [wanted] if isinstance(wanted, str) else wanted:
        called = [text] if text in names else [name for name in names if _fits(str(text), name)]
        if not called:
            raise unknown("`families`", text, names)
        found |= dict.fromkeys(called)
    return list(found)


def _fits(text: str, name: str) -> bool:
    return fnmatchcase(name, text) if _WILD & {*text} else bool(text) and name.startswith(text)
