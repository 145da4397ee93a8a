"""What an audit leaves in a run directory: what its models say of samples, and its tables.

A model that is done is a line of the journal at once; ``margins.npz`` takes up the journal when an
audit ends. Nothing of a model is kept but what its statistics need.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import ArrowException

from pareto_explorer.audits.statistics import TERCILES
from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, atomic_path
from pareto_explorer.runs.parquet import read_table, write_table
from pareto_explorer.schema.audited import NOTHING
from pareto_explorer.schema.columns import tabulate
from pareto_explorer.schema.kinds import Measure, Place, Text, Whole
from pareto_explorer.trust.files import require_ordinary

__all__ = [
    "AUDITS",
    "COLUMNS",
    "DATA",
    "HALVES",
    "NONE",
    "ROLES",
    "SAMPLE_COLUMNS",
    "SEEDS",
    "SETS",
    "TOKENS",
    "Arrays",
    "AuditFiles",
    "Journal",
    "Shadow",
    "audit_table",
    "read_audit",
    "read_samples",
    "read_shadows",
    "write_audit",
]

AUDITS = (
    "u_lira",
    "remaining",
    "excess_auc",
    "memorisation",
    "leakage",
    "relearning",
    "probe",
    "outputs",
    "klom",
    "neurips",
    "rmia",
    "population",
)
ROLES = ("original", "retrained", "unlearned")
SETS = ("forget", "retain", "test")
TOKENS = "tokens"
"""What the questions have where samples are sequences, of which no model predicts a class."""
SEEDS = ("own", "fresh", "all")

HALVES = ("first", "second")
"""Of a forget set; a model is trained on one of them and never sees the other."""

NONE = NOTHING[0]
"""The trial's name in the tables of an audit of doing nothing: the original model."""

COLUMNS: Mapping[str, Any] = {
    "trial_id": Text(),
    "step": Whole(),
    "position": Place(),
    "audit": Text(words=AUDITS),
    "statistic": Text(),
    "set": Text(words=(*SETS, "forget_heldback")),
    "role": Text(optional=True),
    "at": Whole(negative=True),
    "n_models": Whole(),
    "seeds": Text(words=SEEDS),
    "value": Measure(),
    "se": Measure(),
    "low": Measure(),
    "high": Measure(),
    "floor": Measure(),
    "floor_n": Whole(),
    "seconds": Measure(),
    "settings": Text(),
}
"""The columns of ``audit.parquet``, in their order."""

SAMPLE_COLUMNS: Mapping[str, Any] = {
    "trial_id": Text(),
    "step": Whole(),
    "position": Place(),
    "sample": Whole(),
    "set": Text(words=SETS),
    "effect_size": Measure(),
    "theta": Measure(),
    "memorisation": Measure(),
    "tercile": Text(words=TERCILES),
    "label": Whole(),
    "picture": Text(optional=True),
}
"""The columns of ``audit/samples.parquet``; ``sample`` counts in the training data, and ``picture``
is a small PNG in base 64, of the samples that tell most."""

_DAMAGE = (
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What files raise that were not written by an audit."""
_LARGEST = 2**31
"""Bytes of ``margins.npz`` when it is unpacked; a hundred models have some ten million."""

_TYPES = [str, int, str, int, str, float]
_ANEW = "delete the folder audit of the run and audit it again"


class Shadow(NamedTuple):
    """One model of an audit.

    Attributes:
        role: One of `ROLES`.
        seed: The training seed.
        trial_id: Of an unlearned model, the trial.
        step: And its step.
        half: One of `HALVES` where the model was trained on half of the forget set.
        position: And its position; files leave out 0.
    """

    role: str
    seed: int
    trial_id: str = ""
    step: int = 0
    half: str = ""
    position: float = 0.0

    @property
    def parts(self) -> list[Any]:
        """As files have it."""
        return list(self if self.position else self[:-1])


DATA = Shadow("data", 0)
"""Not a model but what all of them are asked: positions and labels of the samples, by set."""

Arrays = dict[str, NDArray[Any]]
"""What one model says, by name: the margins on a set under the set's name, and further outputs.

It is empty for a model that has diverged."""


@dataclass(frozen=True)
class AuditFiles:
    """The paths of a run's audit; making one neither reads nor creates anything.

    Attributes:
        run: The run directory.
    """

    run: RunDirectory

    @property
    def folder(self) -> Path:
        """The folder of all but the table."""
        return self.run.path / "audit"

    @property
    def journal(self) -> Path:
        """The models since the last audit that ended, one a line."""
        return self.folder / "journal.jsonl"

    @property
    def margins(self) -> Path:
        """The models of the audits that ended."""
        return self.folder / "margins.npz"

    @property
    def samples(self) -> Path:
        """The table of samples."""
        return self.folder / "samples.parquet"

    @property
    def table(self) -> Path:
        """The table of statistics."""
        return self.run.path / "audit.parquet"


class Journal:
    """The models that an audit has, of which none is lost once it was added.

    Args:
        run: The run directory; only one process at a time has its journal.

    Attributes:
        models: What each model says.

    Raises:
        InputError: A file is damaged.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._files = AuditFiles(run)
        self.models = read_shadows(run)
        _drop_torn_line(self._files.journal)

    def add(self, shadow: Shadow, arrays: Arrays) -> None:
        """Adds a model, or replaces it."""
        self._files.folder.mkdir(exist_ok=True)
        line = {"model": shadow.parts, "arrays": {k: _encoded(v) for k, v in arrays.items()}}
        with self._files.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.models[shadow] = arrays

    def close(self) -> None:
        """Takes all models up into ``margins.npz``."""
        if not self._files.journal.exists():
            return
        index = json.dumps([shadow.parts for shadow in self.models])
        content: dict[str, Any] = {"index": np.array(index)} | {
            f"{number}/{name}": values
            for number, arrays in enumerate(self.models.values())
            for name, values in arrays.items()
        }
        with atomic_path(self._files.margins) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **content)
        self._files.journal.unlink()


def read_shadows(run: RunDirectory) -> dict[Shadow, Arrays]:
    """Reads what the models of all audits of a run say; empty where there was none.

    Raises:
        InputError: A file is damaged.
    """
    files = AuditFiles(run)
    found: dict[Shadow, Arrays] = {}
    for path, read in ((files.margins, _read_margins), (files.journal, _read_journal)):
        require_ordinary(path, f"audit: {str(path)!r}")
        try:
            found |= read(path)
        except FileNotFoundError:
            continue
        except _DAMAGE as error:
            raise InputError(
                f"audit: {str(path)!r} is damaged ({type(error).__name__}); {_ANEW}."
            ) from error
    try:
        _check(found)
    except _DAMAGE as error:
        raise InputError(
            f"audit: a model in {str(files.folder)!r} does not fit what models are asked "
            f"({error}); {_ANEW}."
        ) from error
    return found


def _check(models: Mapping[Shadow, Arrays]) -> None:
    """Refuses models that say nothing of a sample that all are asked, or of others.

    Raises:
        Exception: One does, or what they are asked is not there.
    """
    if not models:
        return
    shapes = {name: models[DATA][f"{name}_labels"].shape for name in SETS}
    of_half = {"forget": shapes["forget"], "mask": shapes["forget"]}
    classes = TOKENS not in models[DATA]
    of_whole = dict(shapes)
    if classes:
        of_whole |= {f"{name}_class": shape for name, shape in shapes.items()}
        of_whole |= {"ece": (), "zrf": ()}
    for shadow, said in models.items():
        if shadow == DATA or not said:
            continue
        wanted = of_half if shadow.half else of_whole
        fit = all(said[name].shape == shape for name, shape in wanted.items())
        fit &= all(values.dtype.kind in "bif" for values in said.values())
        if classes and not shadow.half:
            fit &= said["forget_logits"].ndim == 2
        if not fit:
            raise ValueError("/".join(map(str, shadow)))


def audit_table(rows: list[dict[str, Any]], columns: Mapping[str, Any]) -> pd.DataFrame:
    """A table of some rows, all of whose values fit.

    Raises:
        InputError: One does not.
    """
    return tabulate(rows, columns)[list(columns)]


def write_audit(run: RunDirectory, table: pd.DataFrame, samples: pd.DataFrame) -> None:
    """Writes both tables, each whole or not at all; ``audit.parquet`` last.

    Args:
        run: The run directory.
        table: The statistics, with `COLUMNS`.
        samples: The samples, with `SAMPLE_COLUMNS`.
    """
    files = AuditFiles(run)
    files.folder.mkdir(exist_ok=True)
    write_table(files.samples, samples)
    write_table(files.table, table)


def read_audit(run: RunDirectory) -> pd.DataFrame | None:
    """Reads the statistics of a run's audits; None where there was none.

    Raises:
        InputError: The file is damaged, or a value does not fit its column.
    """
    return _read(AuditFiles(run).table, COLUMNS)


def read_samples(run: RunDirectory) -> pd.DataFrame | None:
    """Reads the samples of a run's audits; None where there was none.

    Raises:
        InputError: The file is damaged, or a value does not fit its column.
    """
    return _read(AuditFiles(run).samples, SAMPLE_COLUMNS)


def _read(path: Path, columns: Mapping[str, Any]) -> pd.DataFrame | None:
    require_ordinary(path, f"audit: {str(path)!r}")
    try:
        return read_table(path, columns)[list(columns)]
    except FileNotFoundError:
        return None
    except InputError as error:
        reason = str(error).rstrip(".")
    except (ArrowException, MemoryError, OSError) as error:
        reason = type(error).__name__
    raise InputError(
        f"audit: {str(path)!r} is damaged ({reason}); delete it and audit the run again, which "
        "computes it anew from the margins."
    )


def _read_margins(path: Path) -> dict[Shadow, Arrays]:
    with ZipFile(path) as packed:
        if sum(part.file_size for part in packed.infolist()) > _LARGEST:
            raise ValueError("unpacked, it is too large")
    with np.load(path, allow_pickle=False) as content:
        shadows = [_shadow(parts) for parts in json.loads(str(content["index"]))]
        found: dict[Shadow, Arrays] = {shadow: {} for shadow in shadows}
        for name in content.files:
            number, slash, array = name.partition("/")
            if slash:
                found[shadows[int(number)]][array] = content[name]
    return found


def _read_journal(path: Path) -> dict[Shadow, Arrays]:
    lines = path.read_bytes().split(b"\n")[:-1]  # a last line without its end was cut off
    found = {}
    for line in map(json.loads, lines):
        found[_shadow(line["model"])] = {k: _decoded(*v) for k, v in line["arrays"].items()}
    return found


def _drop_torn_line(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("rb+") as file:
            file.truncate(whole)


def _shadow(parts: Any) -> Shadow:
    shadow = Shadow(*parts)
    if shadow.role not in (*ROLES, DATA.role) or [*map(type, shadow)] != _TYPES:
        raise ValueError(f"no model: {parts}")
    return shadow


def _encoded(values: NDArray[Any]) -> list[Any]:
    packed = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
    return [values.dtype.str, list(values.shape), packed]


def _decoded(kind: str, shape: list[int], packed: str) -> NDArray[Any]:
    try:
        content = base64.b64decode(packed, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    return np.frombuffer(content, dtype=np.dtype(kind)).reshape(shape).copy()
