"""How a point is run again, as reports and model cards tell it."""

from __future__ import annotations

import shlex

from pareto_explorer.results import Run
from pareto_explorer.schema.columns import plain_position

__all__ = ["SPACE", "audit_command", "reproduce_any_call", "reproduce_call", "reproduce_command"]

SPACE = "SPACE.yaml"
"""Stands for the search-space file that was swept, where a run names code of the user's own.

Which file that is, the reader has to say: it is run as a script is, and a run directory that comes
from elsewhere could name any.
"""


def audit_command(run: Run) -> str:
    """The command that audits a run, quoted for a POSIX shell; of several together, the first."""
    first = next(iter(run.members.values()), run)
    return shlex.join(["pareto-explorer", "audit", first.shown])


def reproduce_command(
    run: Run, trial_id: str, replicate: int, step: int, position: float = 0.0
) -> str:
    """The command that runs one point again, quoted for a POSIX shell.

    Args:
        run: The run, or several together.
        trial_id: The trial, as in its points table.
        replicate: Number of the replicate.
        step: Step of the checkpoint.
        position: Its position at that step.
    """
    own, trial = run.locate(trial_id)
    words = ["pareto-explorer", "reproduce", own.shown, "--trial", trial]
    words += ["--replicate", str(replicate), "--step", str(step)]
    words += ["--position", plain_position(position)] if position else []
    return shlex.join([*words, *(["--space", SPACE] if own.names_code else [])])


def reproduce_call(
    run: Run, trial_id: str, replicate: int, step: int, position: float = 0.0
) -> str:
    """The same in Python, for a run whose task was built there."""
    own, trial = run.locate(trial_id)
    at = f", {plain_position(position)}" if position else ""
    return _call(own, f"{own.shown!r}, {trial!r}, {replicate}, {step}{at}")


def reproduce_any_call(run: Run) -> str:
    """The same for any point."""
    return _call(run, "run, trial, replicate, step")


def _call(run: Run, point: str) -> str:
    given = "task=task, spec=spec" if run.names_code else "task=task"
    return f"pareto_explorer.sweeps.reproduce({point}, {given})"
