"""Reading a study of Optuna from its storage."""

from __future__ import annotations

import numbers
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.mapping import ObjectiveColumn
from pareto_explorer.interchange.progress import Tell, silent, told

if TYPE_CHECKING:
    import optuna

__all__ = ["JOURNAL_SUFFIXES", "is_sqlite", "quiet", "read_optuna"]

JOURNAL_SUFFIXES = (".log", ".journal")
_ENDED = {"COMPLETE": "ok", "FAIL": "failed"}


def read_optuna(storage: str | Path, study: str | None = None, tell: Tell = silent) -> ForeignTable:
    """Reads one study: a row per trial that is complete or failed.

    Parameters become ``config/<name>``, the values take the study's metric names or
    ``objective_0``, ``objective_1``, ..., and user attributes keep their own names. Trials that
    wait, run or were pruned have no values; they are left out and counted in ``facts``.

    Args:
        storage: An address such as ``mysql://...``, or the file of an SQLite database or of a
            journal. Nothing is written to it.
        study: The study's name; needed where the storage holds several.
        tell: Hears how far a long reading is.

    Raises:
        InputError: The storage cannot be read, or has no such study or no trial that ended.
    """
    import optuna  # half a second that only this source needs

    source = _address(storage)
    with quiet(optuna):
        try:
            backend = _open(optuna, storage)
            names = optuna.get_all_study_names(backend)
        except InputError:
            raise
        except Exception as error:  # whatever the database's driver raises
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{source!r}: cannot be read as a storage of Optuna ({reason})."
            ) from error
        loaded = optuna.load_study(study_name=_choose(names, study, source), storage=backend)
    tell(f"reading the trials of study {loaded.study_name!r}")
    trials = loaded.get_trials(deepcopy=False)
    ended = [trial for trial in trials if trial.state.name in _ENDED]
    if not ended:
        raise InputError(f"{source!r}: study {loaded.study_name!r} has no trial that ended yet.")
    metrics = loaded.metric_names or [f"objective_{i}" for i in range(len(loaded.directions))]
    return ForeignTable(
        kind="Optuna study",
        source=source,
        name=loaded.study_name,
        rows=pd.DataFrame(
            [_row(trial, metrics) for trial in told(ended, "trials read", tell)], dtype=object
        ),
        defaults={"trial_id": "optuna/trial", "seconds": "optuna/seconds"}
        | {"status": "optuna/state"},
        ignore=frozenset({"optuna/trial", "optuna/seconds", "optuna/state"}),
        statuses=_ENDED,
        objectives=tuple(
            ObjectiveColumn(metric=name, direction="max" if d.name == "MAXIMIZE" else "min")
            for name, d in zip(metrics, loaded.directions, strict=True)
        ),
        one_seed_per_trial=True,
        facts={"study": loaded.study_name, "trials_left_out": len(trials) - len(ended)},
    )


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


@contextmanager
def quiet(optuna: Any) -> Iterator[None]:
    """Keeps Optuna from logging to the terminal."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


def _open(optuna: Any, storage: str | Path) -> Any:
    text = str(storage)
    if "://" in text and not text.startswith("sqlite"):
        return optuna.storages.RDBStorage(text)
    path = Path(text.split(":///", 1)[-1])
    if path.suffix in JOURNAL_SUFFIXES and path.is_file():
        files = optuna.storages.journal
        return optuna.storages.JournalStorage(files.JournalFileBackend(str(path)))
    _require_tables(path)
    return optuna.storages.RDBStorage(f"sqlite:///{path}")


def _require_tables(path: Path) -> None:
    """Optuna would create a missing database, and its tables in a foreign one."""
    if not is_sqlite(path):
        raise InputError(f"{str(path)!r}: is no SQLite database; give the file of an Optuna study.")
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not {"studies", "trials"} <= tables:
        raise InputError(
            f"{str(path)!r}: holds no study of Optuna; give a database that Optuna wrote."
        )


def _choose(names: list[str], study: str | None, source: str) -> str:
    if study is not None:
        if study not in names:
            raise unknown(f"study in {source!r}", study, names)
        return study
    if len(names) != 1:
        held = f"{len(names)} studies ({', '.join(sorted(names))})" if names else "no study"
        raise InputError(f"study: {source!r} holds {held}; name one.")
    return names[0]


def _address(storage: str | Path) -> str:
    """The storage for messages and the manifest, without a password."""
    text = str(storage)
    scheme, separator, rest = text.partition("://")
    credentials, at, host = rest.rpartition("@")
    if not separator or not at:
        return text
    return f"{scheme}://{credentials.partition(':')[0]}@{host}"


def _row(trial: optuna.trial.FrozenTrial, metrics: list[str]) -> dict[str, Any]:
    attributes = {
        name: value
        for name, value in trial.user_attrs.items()
        if isinstance(value, str | numbers.Real) and not isinstance(value, bool)
    }
    values = trial.values or [None] * len(metrics)
    return {
        **attributes,
        **dict(zip(metrics, values, strict=True)),
        **{f"config/{name}": value for name, value in trial.params.items()},
        "optuna/trial": f"trial-{trial.number:05d}",
        "optuna/seconds": trial.duration.total_seconds() if trial.duration else None,
        "optuna/state": trial.state.name,
    }
