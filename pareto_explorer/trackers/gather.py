"""From a run to what a tracker is given; data are read, and nothing that they name is run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from pareto_explorer._version import __version__
from pareto_explorer.errors import InputError
from pareto_explorer.interchange.cells import plain
from pareto_explorer.results import Run
from pareto_explorer.schema.columns import (
    CONFIG_PREFIX,
    POSITION,
    STD_SUFFIX,
    config_columns,
    diagnostic_columns,
    metric_columns,
    plain_position,
)
from pareto_explorer.schema.statuses import FINISHED, RUNNING, ending
from pareto_explorer.trackers.artifacts import front_models, report_files
from pareto_explorer.trackers.records import Artifact, Record, Row, SweepRecord, TrialRecord, Value

__all__ = ["sweep_record"]

_FAMILY = ("family", "method", "aggregator", "forget_loss")
_SEEDS = ("replicate", "training_seed", "unlearning_seed")


def sweep_record(run: Run, storage: str = "", *, models: bool = True) -> SweepRecord:
    """Everything that a tracker is told of a run.

    Args:
        run: One run; it need not be finished.
        storage: The URI that it was read from, if any, where its weights may be.
        models: Whether the kept models of the front are among it.

    Raises:
        InputError: It is several runs together, or kept weights are not what they should be.
    """
    if run.members:
        names = ", ".join(run.members)
        raise InputError(f"run: {names} are several runs together; export one after the other.")
    found = _Gathering(run, front_models(run, storage) if models else {})
    trials = tuple(found.trial(rows) for _, rows in run.points.groupby("trial_id", sort=False))
    return SweepRecord(found.sweep(trials), trials)


class _Gathering:
    def __init__(self, run: Run, models: Mapping[tuple[str, int], list[Artifact]]) -> None:
        self._run = run
        self._models = models
        self._means = dict(list(run.means().groupby("trial_id")))
        task = run.manifest.get("spec", {}).get("task") or {}
        self._tags = {
            "pareto_explorer.run": run.name,
            "pareto_explorer.task": str(task.get("name", "")),
            "pareto_explorer.version": __version__,
        }

    @cached_property
    def _key(self) -> str:
        """The same for one sweep wherever its folder is, and however far it has come."""
        names = ("name", "written", "task_digest", "draws", "spec", "box")
        parts = {name: self._run.manifest.get(name) for name in names}
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def _started(self) -> float:
        written = str(self._run.manifest.get("written"))
        try:
            return max(datetime.fromisoformat(written).timestamp(), 0.0)  # MLflow takes none before
        except (ValueError, OverflowError):
            return 0.0

    def sweep(self, trials: tuple[TrialRecord, ...]) -> Record:
        run = self._run
        volumes = dict(run.hypervolume()) | {"all families": run.pooled_hypervolume()}
        values = {}
        for family, volume in volumes.items():
            low, high = volume.interval
            values[f"hypervolume/{family}"] = volume.mean
            values[f"hypervolume_low/{family}"] = low
            values[f"hypervolume_high/{family}"] = high
        unfinished = any(trial.means.status == RUNNING for trial in trials)
        params = dict(_flat({"task": run.manifest.get("facts", {})}))
        for name in ("budget", "search", "objectives"):
            params |= dict(_flat({name: run.manifest.get("spec", {}).get(name)}))
        return Record(
            self._key,
            run.name,
            RUNNING if unfinished or len(trials) < (run.planned or 0) else FINISHED,
            self._started,
            params | dict(_flat({"box": run.box.to_dict()})),
            self._tags,
            (Row(len(run.points), 0.0, _finite(values)),),
            tuple(report_files(run)),
        )

    def trial(self, rows: pd.DataFrame) -> TrialRecord:
        first = plain(rows.iloc[:1])[0]
        trial_id, status = str(first["trial_id"]), str(first["trial_status"] or RUNNING)
        names = [*metric_columns(rows), *diagnostic_columns(rows), "samples", "seconds"]
        knobs = {
            name.removeprefix(CONFIG_PREFIX): first[name]
            for name in config_columns(rows)
            if first[name] is not None
        }
        params = {name: first[name] for name in _FAMILY if first[name] is not None} | knobs
        tags = self._tags | {"pareto_explorer.trial": trial_id}
        error = next((str(row) for row in rows["error"].dropna()), "")
        means = self._means.get(trial_id, rows.iloc[:0])
        spreads = [f"{name}{STD_SUFFIX}" for name in names if f"{name}{STD_SUFFIX}" in means]
        key = f"{self._key}/{trial_id}"
        return TrialRecord(
            trial_id,
            Record(
                key,
                f"{first['family']} {trial_id}",
                ending(status),
                self._started,
                {"trial_id": trial_id} | params,
                tags | _ending(status, error),
                tuple(_rows(means, [*names, *spreads])),
            ),
            {
                number: self._replicate(
                    key, number, rows[rows["replicate"] == number], params, names, tags
                )
                for number in map(int, rows["replicate"].unique())
            },
        )

    def _replicate(
        self,
        key: str,
        number: int,
        rows: pd.DataFrame,
        params: Mapping[str, Value],
        names: list[str],
        tags: Mapping[str, str],
    ) -> Record:
        last = plain(rows.iloc[-1:])[0]
        trial_id, status = str(last["trial_id"]), str(last["trial_status"] or RUNNING)
        seeds = {name: last[name] for name in _SEEDS}
        return Record(
            f"{key}/{number}",
            f"{last['family']} {trial_id} replicate {number}",
            ending(status),
            self._started,
            {"trial_id": trial_id, **params, **seeds},
            {
                **tags,
                "pareto_explorer.replicate": str(number),
                "training_seed": str(last["training_seed"]),
                **_ending(status, str(last["error"] or "")),
            },
            tuple(_rows(rows, names)),
            tuple(self._models.get((trial_id, number), ())),
        )


def _rows(table: pd.DataFrame, names: list[str]) -> Iterator[Row]:
    """One for each step, in their order; models at further positions are in the same."""
    found: dict[int, tuple[float, dict[str, float]]] = {}
    for row in plain(table.sort_values(["step", POSITION], kind="stable")):
        at = f"/at_{plain_position(row[POSITION])}" if row[POSITION] else ""
        _, values = found.setdefault(row["step"], (float(row["seconds"]), {}))
        own = {name: row[name] for name in names if row.get(name) is not None}
        values |= {f"{name}{at}": value for name, value in _finite(own).items()}
    for step, (seconds, values) in found.items():
        yield Row(step, seconds if math.isfinite(seconds) else 0.0, values)


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def _ending(status: str, error: str) -> dict[str, str]:
    return {"trial_status": status} | ({"error": error} if error else {})


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Value]]:
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from _flat({str(i): each for i, each in enumerate(value)}, f"{prefix}{name}.")
        elif isinstance(value, str | int | float):
            yield f"{prefix}{name}", value
