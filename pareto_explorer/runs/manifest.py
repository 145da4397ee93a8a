"""The run directory: where its files are, and the manifest that says what was run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pareto_explorer.errors import InputError, brief
from pareto_explorer.runs.files.atomic import write_text
from pareto_explorer.schema.kinds import word
from pareto_explorer.trust.files import dump_yaml, read_yaml

__all__ = [
    "FORMAT",
    "TRIALS",
    "RunDirectory",
    "read_manifest",
    "recorded_entry",
    "write_manifest",
]

FORMAT = 1
"""The version of the run directory's layout, kept in the manifest under ``format``."""


TRIALS = "trials"
"""The entry of the manifest that says to how many trials the sweep comes, where that is known."""


@dataclass(frozen=True)
class RunDirectory:
    """The paths of one run; making one neither reads nor creates anything.

    Attributes:
        path: The run directory itself.
    """

    path: Path

    @property
    def sweep_yaml(self) -> Path:
        """The manifest."""
        return self.path / "sweep.yaml"

    @property
    def points(self) -> Path:
        """The points table."""
        return self.path / "points.parquet"

    @property
    def journal(self) -> Path:
        """The points as they came in, one report a line."""
        return self.path / "points.jsonl"

    @property
    def landmarks(self) -> Path:
        """The landmarks table."""
        return self.path / "landmarks.parquet"

    @property
    def report(self) -> Path:
        """The folder of the report."""
        return self.path / "report"

    @property
    def tune(self) -> Path:
        """Ray Tune's own experiment directory."""
        return self.path / "tune"


def write_manifest(run: RunDirectory, manifest: Mapping[str, Any]) -> None:
    """Writes ``sweep.yaml`` atomically, creating the run directory if need be.

    Args:
        run: The run directory.
        manifest: Plain data (mappings, lists, strings, numbers); ``format`` is added.

    Raises:
        yaml.representer.RepresenterError: A value is not plain data.
    """
    text = dump_yaml({"format": FORMAT, **manifest})
    run.path.mkdir(parents=True, exist_ok=True)
    write_text(run.sweep_yaml, text)


def read_manifest(run: RunDirectory) -> dict[str, Any]:
    """Reads ``sweep.yaml``, of which every entry that anything reads has its type.

    What the box, the domains and the specification hold is for those to check that use them.

    Raises:
        InputError: The path is no run directory, its manifest is damaged, or it was written in a
            layout that this version does not know.
    """
    if not run.path.is_dir():
        raise InputError(f"run: {str(run.path)!r} is not a directory; give one that a sweep wrote.")
    if not run.sweep_yaml.exists():
        raise InputError(
            f"run: {str(run.path)!r} has no sweep.yaml; give a directory that a sweep wrote."
        )
    try:
        manifest = read_yaml(run.sweep_yaml)
    except InputError as error:
        reason = str(error).removeprefix(f"{run.sweep_yaml}: ").rpartition(";")[0]
        raise _damaged(run, f"is damaged ({reason})") from None
    if not isinstance(manifest, dict):
        raise _damaged(run, "holds no mapping")
    if manifest.get("format") != FORMAT:
        raise InputError(
            f"run: {str(run.sweep_yaml)!r} has format {brief(manifest.get('format'))}, but this "
            f"version reads format {FORMAT}; use the version of pareto-explorer that wrote it."
        )
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        problem = error.errors()[0]
        where = word(".".join(map(str, problem["loc"])))
        reason = problem["msg"][0].lower() + problem["msg"][1:]
        raise _damaged(
            run, f"is damaged ({where}: {reason}, found {brief(problem['input'])})"
        ) from None
    return manifest


def recorded_entry(run: RunDirectory, manifest: Mapping[str, Any], name: str) -> Any:
    """An entry of a manifest that the caller cannot do without, such as ``box``.

    Raises:
        InputError: It is missing.
    """
    if name not in manifest:
        raise InputError(
            f"{name}: missing in {str(run.sweep_yaml)!r}; restore the file or run the sweep into a "
            "new directory."
        )
    return manifest[name]


def entry_knobs(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of a recorded ``families`` says of knobs, those of a path as ``path_from``.

    Other keys of an entry, such as ``method``, are among them; its budget is not.
    """
    path = entry.get("path")
    along = path if isinstance(path, Mapping) else {}
    own = {key: value for key, value in entry.items() if key not in ("budget", "path")}
    return own | {f"path_{word}": value for word, value in along.items()}


class _Part(BaseModel):
    """A mapping of which only some entries are looked at."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Replicates(_Part):
    training_seeds: list[int] = [0]
    unlearning_seeds: list[int] = [0]


class _Compute(_Part):
    seconds: float | None = None
    samples: int | None = None


class _Search(_Part):
    mode: str | None = None
    configurations: int | None = None
    budget_per_family: _Compute | None = None
    concurrency: int | None = None


class _Spec(_Part):
    """What is looked at without the packages that run a sweep."""

    task: dict[str, Any] | None = None
    replicates: _Replicates | None = None
    budget: dict[str, Any] | None = None
    families: list[dict[str, Any]] = []
    search: _Search = _Search()
    resources: dict[str, Any] = {}
    early_stopping: dict[str, Any] | None = None


class _Machine(_Part):
    processor: str
    gpu: str = ""
    cpus: int | None = None


class _Imported(_Part):
    kind: str = ""
    not_recorded: list[Literal["samples", "seconds"]] = []


class _Manifest(_Part):
    name: str = ""
    spec: _Spec = _Spec()
    domains: dict[str, dict[str, dict[str, list[Any]]]] = {}
    box: dict[str, Any] = {}
    box_rule: str = ""
    facts: dict[str, Any] = {}
    task_given: str = ""
    task_digest: str = ""
    draws: str = ""
    command: str = ""
    versions: dict[str, str] = {}
    machine: _Machine | None = None
    written: str = ""
    trials: int | None = None
    git_commit: str = ""
    imported: _Imported | None = None


def _damaged(run: RunDirectory, what: str) -> InputError:
    return InputError(
        f"run: {str(run.sweep_yaml)!r} {what}; restore the file or run the sweep into a new "
        "directory."
    )
