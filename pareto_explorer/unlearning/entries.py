"""What the registry knows of a name: its knobs, one sentence and its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pareto_explorer.errors import InputError, brief
from pareto_explorer.unlearning.checks import anything

__all__ = ["Entry", "Knob", "table"]

Check = Callable[[object], str | None]


@dataclass(frozen=True)
class Knob:
    """A hyper-parameter that a search space may set or sample.

    Attributes:
        name: Its key in a family; no two parts of a family have knobs of one name.
        default: Value when the family does not mention it.
        domain: A sensible domain in the words of a search-space file, such as
            ``{"loguniform": [0.001, 0.1]}``; ``None`` where it is usually left alone.
        summary: What it does, in a few words.
        check: Says what a value should have been, or ``None`` if the value is good.
    """

    name: str
    default: object
    domain: Mapping[str, list[Any]] | None
    summary: str
    check: Check = field(default=anything, repr=False)

    def validate(self, value: object, where: str) -> None:
        """Raises an :class:`InputError` that begins with ``where`` if the value is bad."""
        wanted = self.check(value)
        if wanted is not None:
            raise InputError(f"{where}: {brief(value)} must be {wanted}.")


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes:
        name: The name in a search space.
        build: Takes the knobs by keyword and returns the object.
        knobs: The knobs, in the order in which lists show them.
        summary: One sentence.
        source: Paper and section.
        needs: For methods: what else ``build`` takes, of ``aggregator`` and ``forget_loss``.
    """

    name: str
    build: Callable[..., Any]
    knobs: tuple[Knob, ...]
    summary: str
    source: str
    needs: frozenset[str] = frozenset()


def table(*entries: Entry) -> dict[str, Entry]:
    """Maps names to entries, in the given order."""
    return {entry.name: entry for entry in entries}
