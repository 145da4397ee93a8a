"""Kept models: the weights of single checkpoints in the run directory, with their hashes.

``models/<trial_id>/replicate-<r>-step-<s>.safetensors``, and ``models/manifest.json`` with the
sha256 of each. A file that its hash does not fit is never used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock

from pareto_explorer.errors import InputError
from pareto_explorer.runs.atomic import atomic_path, write_text
from pareto_explorer.runs.manifest import RunDirectory

__all__ = ["find_model", "keep_model", "model_path", "read_kept_models"]


def model_path(run: RunDirectory, trial_id: str, replicate: int, step: int) -> Path:
    """Where the weights of one point are kept; the file need not exist.

    Characters of the trial's id that could lead out of the folder are percent-encoded.
    """
    folder = quote(trial_id, safe=" +=,@")
    if not folder.strip("."):
        folder = folder.replace(".", "%2E")
    return _folder(run) / folder / f"replicate-{replicate}-step-{step}.safetensors"


def find_model(run: RunDirectory, trial_id: str, replicate: int, step: int) -> Path | None:
    """Finds the kept weights of one point.

    Returns:
        The path of a safetensors file whose content fits its recorded sha256; None when the point
        was not kept, or the file is missing or damaged.

    Raises:
        InputError: The manifest of the kept models is damaged.
    """
    path = model_path(run, trial_id, replicate, step)
    recorded = read_kept_models(run).get(_name(run, path))
    if recorded is None or not path.is_file():
        return None
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return path if found == recorded["sha256"] else None


def keep_model(run: RunDirectory, trial_id: str, replicate: int, step: int, content: bytes) -> Path:
    """Keeps the weights of one point, replacing any former ones; safe among several processes.

    Args:
        run: The run directory; it must exist.
        trial_id: The trial.
        replicate: Number of the replicate.
        step: Step of the checkpoint.
        content: A safetensors file, for example from ``safetensors.torch.save``.

    Returns:
        The path of the file.

    Raises:
        InputError: The manifest of the kept models is damaged.
        OSError: The folder cannot be written.
    """
    path = model_path(run, trial_id, replicate, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(_folder(run) / ".lock"):
        kept = read_kept_models(run)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        kept[_name(run, path)] = {
            "trial_id": trial_id,
            "replicate": replicate,
            "step": step,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        text = json.dumps({"models": dict(sorted(kept.items()))}, indent=2, ensure_ascii=False)
        write_text(_manifest(run), text + "\n")
    return path


def read_kept_models(run: RunDirectory) -> dict[str, dict[str, Any]]:
    """Reads ``models/manifest.json``; empty if nothing was kept.

    Returns:
        By path below ``models/``: ``trial_id``, ``replicate``, ``step`` and ``sha256``.

    Raises:
        InputError: The file is damaged.
    """
    try:
        manifest = json.loads(_manifest(run).read_text(encoding="utf-8"))
        return {
            str(name): {key: entry[key] for key in ("trial_id", "replicate", "step", "sha256")}
            for name, entry in manifest["models"].items()
        }
    except FileNotFoundError:
        return {}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"models: {str(_manifest(run))!r} is damaged; restore it, or delete it to have models "
            "run again when they are exported."
        ) from error


def _folder(run: RunDirectory) -> Path:
    return run.path / "models"


def _manifest(run: RunDirectory) -> Path:
    return _folder(run) / "manifest.json"


def _name(run: RunDirectory, path: Path) -> str:
    return path.relative_to(_folder(run)).as_posix()
