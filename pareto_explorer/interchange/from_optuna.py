"""Reading a study of Optuna from its storage."""

from __future__ import annotations

import numbers
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.mapping import ObjectiveColumn
from pareto_explorer.interchange.progress import Tell, silent, told
from pareto_explorer.schema.statuses import FAILED, OK
from pareto_explorer.trust.redaction import redacted

if TYPE_CHECKING:
    import optuna

__all__ = ["JOURNAL_SUFFIXES", "is_sqlite", "quiet", "read_optuna"]

JOURNAL_SUFFIXES = (".log", ".journal")
_FILLED = frozenset({"alembic_version", "version_info"})
_TABLES = _FILLED | {"studies", "study_directions", "trials", "trial_params", "trial_values"}
"""Tables of Optuna's; it adds those that it misses, and rows to the first two if they are empty."""

_ENDED = {"COMPLETE": OK, "FAIL": FAILED}


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

    source = redacted(str(storage))
    with quiet(optuna), TemporaryDirectory() as folder:
        try:
            backend = _open(optuna, storage, Path(folder))
            names = optuna.get_all_study_names(backend)
        except InputError:
            raise
        except Exception as error:  # whatever the database's driver raises
            reason = redacted(" ".join(str(error).replace(str(storage), source).split()))[:200]
            raise InputError(
                f"{source!r}: cannot be read as a storage of Optuna ({reason})."
            ) from None  # whose text may hold the password
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
    """Whether a file is an SQLite database; one that cannot be read counts as none."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


@contextmanager
def quiet(optuna: Any) -> Iterator[None]:
    """Keeps Optuna from logging to the terminal."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


def _open(optuna: Any, storage: str | Path, folder: Path) -> Any:
    """Opens a storage that is there, to read it: Optuna would create and complete one."""
    text = str(storage)
    if "://" in text and not text.startswith("sqlite"):
        return _database(optuna, text, text)
    path = Path(text.split(":///", 1)[-1].partition("?")[0]) if "://" in text else Path(text)
    if path.suffix in JOURNAL_SUFFIXES and path.is_file():
        files = optuna.storages.journal
        return optuna.storages.JournalStorage(files.JournalFileBackend(str(path)))
    if not is_sqlite(path):
        raise InputError(f"{str(path)!r}: is no SQLite database; give the file of an Optuna study.")
    if _logs_ahead(path):  # SQLite cannot read that without writing beside the file
        file = f"{_copied(path, folder).as_uri()}?mode=rw"
    else:
        file = f"{path.resolve().as_uri()}?mode=ro"

    def connection() -> sqlite3.Connection:
        return sqlite3.connect(file, uri=True)

    return _database(optuna, "sqlite://", str(path), creator=connection)


def _logs_ahead(path: Path) -> bool:
    """Whether an SQLite database has a write-ahead log."""
    with path.open("rb") as file:
        return 2 in file.read(20)[18:]


def _copied(path: Path, folder: Path) -> Path:
    """Copies a database with its log."""
    for suffix in ("", "-wal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            shutil.copyfile(part, folder / f"copy{suffix}")
    return folder / "copy"


def _database(optuna: Any, address: str, source: str, **options: Any) -> Any:
    import sqlalchemy

    engine = sqlalchemy.create_engine(address, **options)
    try:
        with engine.connect() as connection:
            tables = set(sqlalchemy.inspect(connection).get_table_names())
            whole = tables >= _TABLES and all(
                connection.execute(sqlalchemy.text(f"SELECT 1 FROM {name}")).first()  # noqa: S608
                for name in _FILLED
            )
    finally:
        engine.dispose()
    if not whole:
        raise InputError(
            f"{redacted(source)!r}: holds no study of Optuna; give a database that Optuna wrote."
        )
    return optuna.storages.RDBStorage(address, options, skip_table_creation=True)


def _choose(names: list[str], study: str | None, source: str) -> str:
    if study is not None:
        if study not in names:
            raise unknown(f"`study` in {source!r}", study, names)
        return study
    if len(names) != 1:
        held = f"{len(names)} studies ({', '.join(sorted(names))})" if names else "no study"
        raise InputError(f"`study`: {source!r} holds {held}; name one.")
    return names[0]


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
