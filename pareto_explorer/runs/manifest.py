"""The run directory: where its files are, and the manifest that says what was run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pareto_explorer.errors import InputError
from pareto_explorer.runs.atomic import write_text

__all__ = ["FORMAT", "TRIALS", "RunDirectory", "read_manifest", "write_manifest"]

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
    text = yaml.safe_dump(
        {"format": FORMAT, **manifest}, sort_keys=False, allow_unicode=True, width=100
    )
    run.path.mkdir(parents=True, exist_ok=True)
    write_text(run.sweep_yaml, text)


def read_manifest(run: RunDirectory) -> dict[str, Any]:
    """Reads ``sweep.yaml``.

    Raises:
        InputError: The path is no run directory, its manifest is damaged, or it was written in a
            layout that this version does not know.
    """
    if not run.path.is_dir():
        raise InputError(f"run: {str(run.path)!r} is not a directory; give one that a sweep wrote.")
    try:
        manifest = yaml.safe_load(run.sweep_yaml.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"run: {str(run.path)!r} has no sweep.yaml; give a directory that a sweep wrote."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"run: {str(run.sweep_yaml)!r} is damaged ({type(error).__name__}); restore the file "
            "or run the sweep into a new directory."
        ) from error
    if not isinstance(manifest, dict):
        raise InputError(
            f"run: {str(run.sweep_yaml)!r} holds no mapping; restore the file or run the sweep "
            "into a new directory."
        )
    if manifest.get("format") != FORMAT:
        raise InputError(
            f"run: {str(run.sweep_yaml)!r} has format {manifest.get('format')!r}, but this version "
            f"reads format {FORMAT}; use the version of pareto-explorer that wrote it."
        )
    return manifest
