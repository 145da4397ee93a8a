"""Checkpoints as short texts, which the page and the explorer pass to Python."""

from __future__ import annotations

import re

from pareto_explorer.errors import InputError, brief
from pareto_explorer.schema.columns import Checkpoint

__all__ = ["as_checkpoint", "checkpoint_id", "ids_form"]

_FORM = re.compile(
    r"(?P<trial>.+)@(?P<step>\d{1,19})(@(?P<position>\d+(\.\d+)?(e[+-]\d+)?))?", re.DOTALL
)


def checkpoint_id(trial_id: str, step: int, position: float = 0.0) -> str:
    """The id of a checkpoint: its trial and step, and its position unless that is 0.

    A position is written as Python writes floats, with a point or an exponent, and a step has
    neither. So the end of an id reads in one way, even where a trial's id has an @ itself.

    >>> checkpoint_id("a1b2", 100), checkpoint_id("a1b2", 100, 0.25)
    ('a1b2@100', 'a1b2@100@0.25')
    """
    return f"{trial_id}@{step}" + (f"@{float(position)!r}" if position else "")


def as_checkpoint(text: str, what: str = "`ids`") -> Checkpoint:
    """The checkpoint of an id that `checkpoint_id` has written.

    Args:
        text: The id.
        what: The field that it was given in, for messages.

    Raises:
        InputError: It is no such text.

    >>> as_checkpoint("a1b2@100@0.25")
    ('a1b2', 100, 0.25)
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found:
        checkpoint = found["trial"], int(found["step"]), float(found["position"] or 0)
        if checkpoint_id(*checkpoint) == text:
            return checkpoint
    raise InputError(f"{what}: {brief(text)} is not the id of a checkpoint; {ids_form()}.")


def ids_form() -> str:
    """What an id looks like, for a message."""
    return "write 'TRIAL@STEP', or 'TRIAL@STEP@POSITION' where a trial shows several models"
