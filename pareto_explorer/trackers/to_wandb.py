"""A run in W&B: one run of it for each replicate, grouped by trial, and one for the sweep."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.schema.statuses import DIVERGED, FAILED
from pareto_explorer.trackers.packages import package
from pareto_explorer.trackers.records import Record, Sent, SweepRecord

__all__ = ["to_wandb"]

_MARK = "pareto-explorer"
"""A file in the folder of a run of W&B that is there as a whole; it holds hash and project."""

_NOT_IN_PROJECTS = re.compile(r"[/\\#?%:\x00-\x1f]")
_NOT_IN_ARTIFACTS = re.compile(r"[^\w.-]", re.ASCII)
_LONGEST_TAG, _LONGEST_NAME = 64, 128


def to_wandb(sweep: SweepRecord, folder: Path, name: str) -> Sent:
    """Writes runs of W&B as its offline mode does; ``wandb sync`` sends them.

    Runs have ids of their own, so one that is exported and sent again replaces itself.

    Args:
        sweep: The run.
        folder: Where W&B's folder ``wandb`` is, or is made.
        name: The project.

    Raises:
        InputError: The package is not installed, or does not take what it is given.
        OSError: The folder cannot be written.
    """
    folder = folder.absolute()
    runs = folder / "wandb"
    with _settled(folder):
        wandb = package("wandb", "wandb")
        folder.mkdir(parents=True, exist_ok=True)
        project = _NOT_IN_PROJECTS.sub("-", name)[:_LONGEST_NAME] or "pareto-explorer"
        counts = [_put(wandb, sweep.sweep, runs, project, "sweep", None)]
        for trial in sweep.trials:
            counts += [
                _put(wandb, record, runs, project, "replicate", trial.trial_id)
                for record in trial.replicates.values()
            ]
    look = f"wandb sync {quote(str(runs))}/offline-run-*"
    return Sent(str(runs), look, sum(counts), len(counts) - sum(counts))


def _put(wandb: Any, record: Record, runs: Path, project: str, job: str, group: str | None) -> bool:
    """Writes one record; returns whether it was not there as it is."""
    digest = f"{record.digest} {project}"
    for there in runs.glob(f"offline-run-*-{record.short_key}"):
        mark = there / _MARK
        if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
            return False
        shutil.rmtree(there)
    tags = [record.tags["pareto_explorer.task"], str(record.params.get("family", ""))]
    try:
        run = wandb.init(
            project=project,
            id=record.short_key,
            name=record.name[:_LONGEST_NAME],
            group=group[:_LONGEST_NAME] if group else None,
            job_type=job,
            tags=[tag[:_LONGEST_TAG] for tag in tags if tag],
            config={**record.tags, **record.params},
            dir=str(runs.parent),
            mode="offline",
            reinit="create_new",
            settings=_settings(wandb),
        )
        for row in record.rows:
            run.log(dict(row.values), step=row.step)
        for artifact in record.artifacts:
            files = wandb.Artifact(
                _NOT_IN_ARTIFACTS.sub("_", f"{record.short_key}-{artifact.name}"), artifact.kind
            )
            for name, content in artifact.files.items():
                if isinstance(content, Path):
                    files.add_file(str(content), name)
                else:
                    with files.new_file(name, encoding="utf-8") as file:
                        file.write(content)
            run.log_artifact(files)
        run.finish(exit_code=int(record.status in (FAILED, DIVERGED)))
    except wandb.Error as error:
        raise InputError(
            f"`to`: W&B does not take {record.name!r} ({first_line(error)})."
        ) from None
    (written,) = runs.glob(f"offline-run-*-{record.short_key}")
    (written / _MARK).write_text(digest, encoding="utf-8")
    return True


def _settings(wandb: Any) -> Any:
    """Nothing of the machine, of the code or of the terminal is recorded."""
    return wandb.Settings(
        silent=True,
        host="",
        console="off",
        disable_git=True,
        save_code=False,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )


@contextmanager
def _settled(folder: Path) -> Iterator[None]:
    """Has W&B keep its files in the folder too, and report its errors to nobody."""
    own = {
        "WANDB_DATA_DIR": str(folder / "wandb"),
        "WANDB_CACHE_DIR": str(folder / "wandb"),
        "WANDB_ERROR_REPORTING": "false",
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
