"""Methods that cannot work on every task."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from pareto_explorer.unlearning.data import UnlearningData

__all__ = ["Demanding"]


@runtime_checkable
class Demanding(Protocol):
    """A method that asks something of the data, checked before a sweep starts."""

    def require(self, data: UnlearningData) -> None:
        """Refuses data that the method cannot work on.

        Raises:
            InputError: In one sentence: what is missing and which tasks have it.
        """
        ...
