"""How a point is run again, as reports and model cards tell it."""

from __future__ import annotations

import shlex

from pareto_explorer.results import Run
from pareto_explorer.schema.columns import plain_position

__all__ = [
    "SPACE",
    "audit_command",
    "audit_point_command",
    "export_command",
    "export_knee_command",
    "no_commands",
    "reproduce_any_call",
    "reproduce_call",
    "reproduce_command",
]

SPACE = "SPACE.yaml"
"""Stands for the search-space file that was swept, where a run names code of the user's own.

Which file that is, the reader has to say: it is run as a script is, and a run directory that comes
from elsewhere could name any.
"""

_EXPORT = ("--export", "model.safetensors")


def audit_command(run: Run) -> str:
    """The command that audits a run, quoted for a POSIX shell; of several together, the first."""
    first = next(iter(run.members.values()), run)
    return shlex.join(["pareto-explorer", "audit", first.shown])


def audit_point_command(run: Run, trial_id: str, step: int, position: float = 0.0) -> str:
    """The command that audits one checkpoint, quoted for a POSIX shell."""
    own, named = _named(run, trial_id, step, position)
    return shlex.join(["pareto-explorer", "audit", own.shown, *named, *_swept(own)])


def export_command(run: Run, trial_id: str, step: int, position: float = 0.0) -> str:
    """The command that writes the weights of one checkpoint to a file, quoted likewise."""
    own, named = _named(run, trial_id, step, position)
    return shlex.join(["pareto-explorer", "select", own.shown, *named, *_EXPORT, *_swept(own)])


def export_knee_command(run: Run) -> str:
    """The same of the model that ``select`` takes of its own accord."""
    return shlex.join(["pareto-explorer", "select", run.shown, *_EXPORT, *_swept(run)])


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
    own, named = _named(run, trial_id, step, position)
    whose = ["--replicate", str(replicate)]
    words = [*named[:2], *whose, *named[2:], *_swept(own)]
    return shlex.join(["pareto-explorer", "reproduce", own.shown, *words])


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


def no_commands(run: Run) -> str:
    """Why there are no commands for a point; empty where there are."""
    if run.repeatable:
        return ""
    if run.task_given:
        return (
            "The task was built in Python, so its models are run again from there: "
            f"{reproduce_any_call(run)}."
        )
    return "This run was imported, so its models cannot be run again from here."


def _named(run: Run, trial_id: str, step: int, position: float) -> tuple[Run, list[str]]:
    """The run that made a checkpoint, and the options that name it there."""
    own, trial = run.locate(trial_id)
    at = ["--position", plain_position(position)] if position else []
    return own, ["--trial", trial, "--step", str(step), *at]


def _swept(run: Run) -> list[str]:
    return ["--space", SPACE] if run.names_code else []


def _call(run: Run, point: str) -> str:
    given = "task=task, spec=spec" if run.names_code else "task=task"
    return f"pareto_explorer.sweeps.reproduce({point}, {given})"
