"""How points and trials end: every status, and what it means."""

from __future__ import annotations

from typing import Final

__all__ = [
    "DIVERGED",
    "FAILED",
    "FINISHED",
    "OK",
    "POINT_STATUSES",
    "RUNNING",
    "STOPPED",
    "TRIAL_STATUSES",
    "ending",
    "stopped",
]

OK: Final = "ok"
DIVERGED: Final = "diverged"
FAILED: Final = "failed"
RUNNING: Final = "running"
FINISHED: Final = "finished"
STOPPED: Final = "stopped"

POINT_STATUSES: dict[str, str] = {
    OK: "The model was evaluated; only such points have metrics and count.",
    DIVERGED: "The loss, the parameters or the model's predictions are not finite.",
    FAILED: "The replicate raised an error or lost its worker; `error` says which.",
}
"""The words of the column ``status``: how one checkpoint of one replicate went."""

TRIAL_STATUSES: dict[str, str] = {
    RUNNING: "The trial has not ended: it runs, or goes on when the sweep is resumed.",
    FINISHED: "Every replicate spent its budget.",
    STOPPED: "A rule ended it before its budget was spent; its points count like all others.",
    DIVERGED: "A replicate diverged; points before that count where every replicate has them.",
    FAILED: "A replicate failed; points before that count where every replicate has them.",
}
"""The words of the column ``trial_status``: how the whole trial ended, from well to badly.

``stopped`` is followed by the reason: ``stopped: <reason>``.
"""


def stopped(reason: str) -> str:
    """The status of a trial that a rule has stopped.

    >>> stopped("quota infeasible")
    'stopped: quota infeasible'
    """
    return f"{STOPPED}: {reason}"


def ending(trial_status: str) -> str:
    """The word of a trial's status, without its reason.

    >>> ending("stopped: quota infeasible")
    'stopped'
    """
    return trial_status.partition(":")[0]
