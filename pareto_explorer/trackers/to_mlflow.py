"""A run in MLflow: the sweep, below it each trial with its means, below that its replicates."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Any

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.schema.statuses import DIVERGED, FAILED, RUNNING
from pareto_explorer.trackers.packages import package
from pareto_explorer.trackers.records import Record, Row, Sent, SweepRecord
from pareto_explorer.trust.redaction import redacted

__all__ = ["to_mlflow"]

_KEY, _SWEEP, _DIGEST, _STEP = (
    f"pareto_explorer.{word}" for word in ("key", "sweep", "digest", "last_step")
)
_STATUSES = {RUNNING: "RUNNING", FAILED: "FAILED", DIVERGED: "FAILED"}
_MOST_METRICS, _MOST_PARAMS, _MOST_RUNS = (
    1000,
    100,
    1000,
)  # that the server takes, or gives, at once
_LONGEST = 500  # letters of a value that older servers take
_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)


def to_mlflow(sweep: SweepRecord, destination: str | Path, name: str) -> Sent:
    """Writes a run into a store of MLflow; what is there of it is brought up to date.

    Args:
        sweep: The run.
        destination: A tracking URI, or a folder, which gets a database and a folder of artifacts.
        name: The experiment, which may hold other runs.

    Raises:
        InputError: MLflow is not installed, or does not take what it is given.
        OSError: The folder cannot be written.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when it is imported
    package("mlflow", "mlflow")
    from mlflow.exceptions import MlflowException

    shown = redacted(str(destination))
    try:
        with _quiet():
            store = _Store(destination, name, sweep.sweep.key)
            new, unchanged = store.take(sweep)
    except MlflowException as error:
        raise InputError(
            f"`destination`: MLflow does not take the run at {shown!r} "
            f"({redacted(first_line(error)).rstrip('.')}); check the address and the name."
        ) from None
    look = shown
    if store.local:
        look = f"mlflow ui --backend-store-uri {quote(store.uri)}"
    return Sent(shown, look, new, unchanged)


class _Store:
    """An experiment, and the runs in it that are of one sweep."""

    def __init__(self, destination: str | Path, name: str, key: str) -> None:
        from mlflow.tracking import MlflowClient

        self.local = "://" not in str(destination)
        self.uri, artifacts = str(destination), None
        if self.local:
            folder = Path(destination).absolute()
            folder.mkdir(parents=True, exist_ok=True)
            self.uri = f"sqlite:///{folder / 'mlflow.db'}"
            artifacts = (folder / "artifacts").as_uri()
        self._client = MlflowClient(self.uri)
        found = self._client.get_experiment_by_name(name)
        self._experiment = (
            self._client.create_experiment(name, artifact_location=artifacts)
            if found is None
            else found.experiment_id
        )
        self._sweep = key
        self._runs = {run.data.tags[_KEY]: run for run in self._those_of(key)}

    def take(self, sweep: SweepRecord) -> tuple[int, int]:
        """Writes all of it; returns how many runs are new or changed, and how many are not."""
        top, changed = self._put(sweep.sweep, None)
        counts = [changed]
        for trial in sweep.trials:
            middle, changed = self._put(trial.means, top)
            counts.append(changed)
            counts += [self._put(record, middle)[1] for record in trial.replicates.values()]
        return sum(counts), len(counts) - sum(counts)

    def _put(self, record: Record, parent: str | None) -> tuple[str, bool]:
        """Writes one record; returns its id there, and whether there was anything to write.

        Metrics go in by step, so that the last one that is there tells which are missing. The
        record's hash comes last, and says that all of it is there.
        """
        digest = record.digest
        run = self._runs.get(record.key) or self._made(record, parent)
        if run.data.tags.get(_DIGEST) == digest:
            return run.info.run_id, False
        run_id, last = run.info.run_id, int(run.data.tags.get(_STEP, -1))
        missing = [row for row in record.rows if row.step > last]
        start = _milliseconds(record.started)
        for some in _batches(_metrics(missing, start), _MOST_METRICS):
            self._client.log_batch(run_id, metrics=some)
        for artifact in record.artifacts:
            self._attach(run_id, artifact.name, artifact.files)
        status = _STATUSES.get(record.status, "FINISHED")
        if status == "RUNNING":
            self._client.update_run(run_id, status)
        else:
            seconds = record.rows[-1].seconds if record.rows else 0.0
            self._client.set_terminated(run_id, status, start + _milliseconds(seconds))
        reached = str(max([last, *(row.step for row in missing)]))
        self._tell(run_id, {**record.tags, _STEP: reached})
        self._tell(run_id, {_DIGEST: digest})
        return run_id, True

    def _made(self, record: Record, parent: str | None) -> Any:
        from mlflow.entities import Param

        tags = {_KEY: record.key, _SWEEP: self._sweep}
        tags |= {"mlflow.parentRunId": parent} if parent else {}
        start = _milliseconds(record.started)
        run = self._client.create_run(self._experiment, start, tags, record.name)
        params = [Param(_named(key), _short(value)) for key, value in record.params.items()]
        for some in _batches(params, _MOST_PARAMS):
            self._client.log_batch(run.info.run_id, params=some)
        return run

    def _tell(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        told = [RunTag(_named(key), _short(value)) for key, value in tags.items()]
        self._client.log_batch(run_id, tags=told)

    def _attach(self, run_id: str, folder: str, files: Mapping[str, Path | str]) -> None:
        for name, content in files.items():
            if isinstance(content, Path):
                self._client.log_artifact(run_id, str(content), folder)
            else:
                self._client.log_text(run_id, content, f"{folder}/{name}")

    def _those_of(self, key: str) -> Iterator[Any]:
        token = None
        while token != "":
            page = self._client.search_runs(
                [self._experiment],
                f"tags.`{_SWEEP}` = '{key}'",
                max_results=_MOST_RUNS,
                page_token=token,
            )
            yield from page
            token = page.token or ""


def _metrics(rows: list[Row], start: int) -> Iterator[Any]:
    from mlflow.entities import Metric

    for row in rows:
        at = start + _milliseconds(row.seconds)
        for metric, value in row.values.items():
            yield Metric(_named(metric), value, at, row.step)


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def _short(value: object) -> str:
    return str(value)[:_LONGEST]


def _named(name: str) -> str:
    """A name with what MLflow does not take as underscores."""
    return _NOT_IN_NAMES.sub("_", name)[:250] or "_"


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps to itself what is told of making a database."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
