"""Functions that fail on a worker."""

from __future__ import annotations

import os

from pareto_explorer.errors import InputError


class UnpicklableError(Exception):
    """One that no other process can make again."""

    def __init__(self, message: str, *, lock: object) -> None:
        super().__init__(message)
        self.lock = lock


def call(kind: str) -> str:
    """Fails in some way, or returns what it is given."""
    if kind == "input":
        raise InputError("recipe.lr: training diverged; lower it.")
    if kind == "type":
        raise TypeError("argument 'input' must be Tensor,\nnot Output")
    if kind == "empty":
        raise AssertionError
    if kind == "unpicklable":
        raise UnpicklableError("of its own kind", lock=os.open)
    return kind
