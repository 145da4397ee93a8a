"""Reading a Ray Tune experiment directory from its JSON files, without Ray."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pareto_explorer.errors import InputError
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.progress import Tell, silent, told
from pareto_explorer.schema.statuses import FAILED, OK
from pareto_explorer.trust.files import MAX_JSON_BYTES, parse_json, read_bytes

__all__ = ["is_ray_tune", "read_ray_tune"]

_FILES = ("result.json", "params.json")
_LONGEST = 20_000_000  # bytes of a line
_BOOKKEEPING = frozenset(
    {
        "checkpoint_dir_name",
        "date",
        "done",
        "episodes_this_iter",
        "episodes_total",
        "experiment_id",
        "experiment_tag",
        "hostname",
        "iterations_since_restore",
        "node_ip",
        "pid",
        "should_checkpoint",
        "time_since_restore",
        "time_this_iter_s",
        "time_total_s",
        "timestamp",
        "timesteps_since_restore",
        "timesteps_this_iter",
        "timesteps_total",
        "training_iteration",
        "trial_id",
        "warmup_time",
    }
)
_OURS = {"trial_id": "trial_id", "step": "tune/report", "seconds": "time_total_s"} | {
    "status": "tune/status",
    "error": "tune/error",
}


def is_ray_tune(path: Path) -> bool:
    """Whether a directory holds trials of Ray Tune."""
    return path.is_dir() and bool(_trial_folders(path))


def read_ray_tune(path: Path, tell: Tell = silent) -> ForeignTable:
    """Reads ``params.json`` and ``result.json`` of every trial of an experiment.

    Nested results and parameters are flattened with ``/``. The step is the metric ``step`` where
    the trials report one, else ``training_iteration``, or, in a trial in which that does not rise
    (it restarts after a restore), the number of the report. A trial that failed has a last row
    with status ``failed``.

    Args:
        path: The experiment directory, the one that holds the trials' folders.
        tell: Hears how far a long reading is.

    Raises:
        InputError: No trial is in there, or a file is damaged.
    """
    above = path.resolve().parent
    if (above / "sweep.yaml").exists():
        raise InputError(f"{str(path)!r}: is part of the run directory {str(above)!r}; give that.")
    folders = _trial_folders(path)
    if not folders:
        raise InputError(
            f"{str(path)!r}: holds no Ray Tune trial (a folder with params.json or result.json); "
            "give the experiment directory itself."
        )
    reading = told(folders, "trials read", tell)
    rows = pd.DataFrame([row for folder in reading for row in _trial(folder)], dtype=object)
    reports = rows[rows["tune/status"] == OK]
    own_step = "step" in reports.columns and reports["step"].notna().all()
    return ForeignTable(
        kind="Ray Tune experiment",
        source=str(path),
        name=path.resolve().name,
        rows=rows,
        defaults=_OURS | ({"step": "step"} if own_step else {}),
        ignore=_BOOKKEEPING | frozenset(_OURS.values()),
        one_seed_per_trial=True,
        reports_in_parts=True,
    )


def _trial_folders(path: Path) -> list[Path]:
    found = {file.parent for name in _FILES for file in path.glob(f"*/{name}")}
    return sorted(found)


def _trial(folder: Path) -> Iterator[dict[str, Any]]:
    results = [_flat(item) for item in _objects(folder / "result.json")]
    config = next(_objects(folder / "params.json"), {})
    knobs = {f"config/{name}": value for name, value in _flat(config).items()}
    if not knobs and results:  # params.json was not kept
        knobs = {name: v for name, v in results[-1].items() if name.startswith("config/")}
    trial_id = str(next((r["trial_id"] for r in results if "trial_id" in r), folder.name))
    steps = [result.get("training_iteration", 0) for result in results]
    rising = all(type(step) is int for step in steps) and all(
        earlier < later for earlier, later in itertools.pairwise(steps)
    )
    if not rising:
        steps = list(range(1, len(steps) + 1))
    for step, result in zip(steps, results, strict=True):
        measured = {name: v for name, v in result.items() if not name.startswith("config/")}
        yield {**measured, **knobs, "trial_id": trial_id, "tune/report": step, "tune/status": OK}
    error = folder / "error.txt"
    if error.exists() or not results:
        text = _last_line(error) if error.exists() else "the trial has reported nothing"
        seconds = results[-1].get("time_total_s") if results else None
        ended = {"time_total_s": seconds, "tune/status": FAILED, "tune/error": text}
        yield {**knobs, "trial_id": trial_id, **ended}


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file: one a line, or in ``params.json`` one in all."""
    if not path.exists():
        return
    whole = path.name == "params.json"
    lines = [read_bytes(path, "", MAX_JSON_BYTES)] if whole else _lines(path)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{str(path)!r}: line {number}"
        try:
            item = parse_json(line.decode(), where)
        except ValueError as error:
            if number > 1 and not line.endswith(b"\n"):
                return  # a killed trial left its last line torn
            reason = str(error) if isinstance(error, InputError) else f"{where}: is no UTF-8 text."
            raise InputError(f"{reason.rstrip('.')}, or remove the trial's folder.") from None
        if not isinstance(item, dict):
            raise InputError(
                f"{where} is no JSON object; restore the file or remove the trial's folder."
            )
        yield item


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST):
                if len(line) == _LONGEST:
                    raise InputError(
                        f"{str(path)!r}: a line has more than {_LONGEST / 1e6:g} MB; remove the "
                        "trial's folder."
                    )
                yield line
    except OSError as error:
        raise InputError(f"{str(path)!r}: cannot be read ({error.strerror}).") from None


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}/")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "failed")
