"""Kept models: the weights of single checkpoints, with their hashes in the run directory.

``models/<trial_id>/replicate-<r>-step-<s>.safetensors``, for a position other than 0
``…-step-<s>-at-<p>.safetensors``, below the run directory or below a URI; and in the run directory
``models/manifest.json`` with the sha256 of each, together with ``models/manifest.jsonl``, the
changes since. A file that its hash does not fit is never used.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from platformdirs import user_cache_path

from pareto_explorer.errors import InputError, brief
from pareto_explorer.runs.files.atomic import atomic_path, write_text
from pareto_explorer.runs.files.model_files import MODELS, ModelFiles, model_name
from pareto_explorer.runs.manifest import RunDirectory
from pareto_explorer.runs.model_checks import Shapes, is_plain
from pareto_explorer.schema.kinds import Place
from pareto_explorer.trust.files import parse_json, read_json
from pareto_explorer.trust.redaction import redacted

__all__ = [
    "Entry",
    "expect_shapes",
    "expected_shapes",
    "find_model",
    "keep_model",
    "model_entry",
    "model_path",
    "read_kept_models",
    "record_models",
    "write_kept_models",
]

Entry = dict[str, Any]
"""``trial_id``, ``replicate``, ``step`` and ``sha256`` of a file; ``position``, unless it is 0."""

KEYS = ("trial_id", "replicate", "step", "sha256")
_SHA256 = re.compile("[0-9a-f]{64}")


def model_path(
    run: RunDirectory, trial_id: str, replicate: int, step: int, position: float = 0.0
) -> Path:
    """Where the weights of one point are kept in a run directory; the file need not exist.

    Characters of the trial's id that could lead out of the folder are percent-encoded.
    """
    return _folder(run) / model_name(trial_id, replicate, step, position)


def find_model(
    run: RunDirectory,
    trial_id: str,
    replicate: int,
    step: int,
    position: float = 0.0,
    *,
    storage: str = "",
) -> Path | None:
    """Finds the kept weights of one point.

    Weights that are kept behind a URI are downloaded into the user's cache folder.

    Args:
        run: The run directory.
        trial_id: The trial.
        replicate: Number of the replicate.
        step: Step of the checkpoint.
        position: Where among the models of that step.
        storage: The URI of the run, where it has one: the manifest has it without its secrets.

    Returns:
        The path of a file whose content fits its recorded sha256; None when the point was not kept,
        or the file is missing or damaged. What the file holds is for `check_weights` to say.

    Raises:
        InputError: The manifest of the kept models is damaged, a file below ``models`` is a link,
            or pyarrow cannot open the URI.
        OSError: The weights are kept behind a URI that cannot be read.
    """
    name = model_name(trial_id, replicate, step, position)
    manifest = _read(run)
    if name not in manifest.kept:
        return None
    sha256 = manifest.kept[name]["sha256"]
    path = _folder(run) / name
    if is_plain(path, run.path) and _fits(path, sha256):
        return path
    uri = manifest.storage and (storage or manifest.storage)
    return _downloaded(uri, name, sha256) if uri else None


def expect_shapes(run: RunDirectory, shapes: Shapes) -> None:
    """Records which tensors the kept models of a run have, and of which shapes.

    Args:
        run: The run directory; it must exist.
        shapes: The shapes by name.

    Raises:
        InputError: The manifest of the kept models is damaged.
        OSError: The folder cannot be written.
    """
    with _locked(run):
        manifest = _read(run)
        if manifest.shapes != shapes:
            _write(run, manifest._replace(shapes=dict(shapes)))


def expected_shapes(run: RunDirectory) -> Shapes | None:
    """What ``expect_shapes`` has recorded; None where nothing is.

    Raises:
        InputError: The manifest of the kept models is damaged.
    """
    return _read(run).shapes


def keep_model(
    run: RunDirectory,
    trial_id: str,
    replicate: int,
    step: int,
    content: bytes,
    position: float = 0.0,
) -> Path:
    """Keeps the weights of one point, replacing any former ones; safe among several processes.

    Args:
        run: The run directory; it must exist.
        trial_id: The trial.
        replicate: Number of the replicate.
        step: Step of the checkpoint.
        content: A safetensors file, for example from ``safetensors.torch.save``.
        position: Where among the models of that step.

    Returns:
        The path of the file.

    Raises:
        InputError: The manifest of the kept models is damaged.
        OSError: The folder cannot be written.
    """
    name = model_name(trial_id, replicate, step, position)
    with _locked(run):
        manifest = _read(run)
        path = _folder(run) / name
        path.parent.mkdir(exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        entry = model_entry(trial_id, replicate, step, position, sha256)
        _write(run, manifest._replace(kept=manifest.kept | {name: entry}))
    return path


def model_entry(trial_id: str, replicate: int, step: int, position: float, sha256: str) -> Entry:
    """What the manifest says of a file."""
    entry = dict(zip(KEYS, (trial_id, replicate, step, sha256), strict=True))
    return entry | {"position": position} if position else entry


def read_kept_models(run: RunDirectory) -> dict[str, Entry]:
    """Reads which models are kept; empty if none are.

    Returns:
        By path below ``models/``, each an `Entry`.

    Raises:
        InputError: A file is damaged.
    """
    return _read(run).kept


def write_kept_models(run: RunDirectory, kept: Mapping[str, Entry], uri: str = "") -> None:
    """Replaces ``models/manifest.json`` by all that is kept, and empties the list of changes.

    Args:
        run: The run directory; it must exist.
        kept: As ``read_kept_models`` gives it.
        uri: What the weights are below, unless they are in the run directory. Secrets in it are
            not written.

    Raises:
        InputError: The manifest of the kept models is damaged.
        OSError: The folder cannot be written.
    """
    with _locked(run):
        _write(run, _Manifest(dict(kept), redacted(uri), _read(run).shapes))


def record_models(run: RunDirectory, changes: Mapping[str, Entry | None]) -> None:
    """Appends changes to what is kept, all or none of them; takes the same time however much is.

    The disk is not waited for: what a power cut may lose here can be found again from the files.

    Args:
        run: The run directory, with a folder ``models``.
        changes: Entries of models that are kept from now on, None for those that no longer are.

    Raises:
        OSError: The disk is full or gone; the file is as before.
    """
    line = json.dumps(dict(changes), ensure_ascii=False).encode() + b"\n"
    with _locked(run), _journal(run).open("ab", buffering=0) as file:
        start = file.tell()
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(start)
            raise


class _Manifest(NamedTuple):
    """What is kept, the URI that it is kept below, and the tensors of every model."""

    kept: dict[str, Entry]
    storage: str = ""
    shapes: Shapes | None = None


def _read(run: RunDirectory) -> _Manifest:
    journal, whole = _journal(run), _manifest(run)
    lines = _lines(journal) if is_plain(journal, run.path) else []  # first: twice is fine
    there = is_plain(whole, run.path)
    path = journal
    try:
        changes = [_changes(parse_json(line.decode(), "it")) for line in lines]
        path = whole
        manifest = _checked(read_json(whole)) if there else _Manifest({})
    except (InputError, UnicodeDecodeError) as error:
        reason = "no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InputError(
            f"models: {str(path)!r} is damaged ({reason.partition(';')[0].rstrip('.')}); restore "
            "it, or delete it to have models run again when they are exported."
        ) from None
    for of_line in changes:
        for name, entry in of_line.items():
            manifest.kept.pop(name, None)
            if entry is not None:
                manifest.kept[name] = entry
    return manifest


def _write(run: RunDirectory, manifest: _Manifest) -> None:
    content: dict[str, Any] = {"storage": manifest.storage} if manifest.storage else {}
    content |= {"shapes": dict(sorted(manifest.shapes.items()))} if manifest.shapes else {}
    content |= {"models": dict(sorted(manifest.kept.items()))}
    write_text(_manifest(run), json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    _journal(run).write_bytes(b"")  # killed before this, the changes are only made once more


def _checked(manifest: Any) -> _Manifest:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("models"), dict):
        raise InputError(f"{brief(manifest)} has no mapping of models")
    uri = manifest.get("storage", "")
    if not isinstance(uri, str):
        raise InputError(f"storage: {brief(uri)} is no URI")
    shapes = manifest.get("shapes")
    if shapes is not None and not _are_texts(shapes):
        raise InputError(f"shapes: {brief(shapes)} is no mapping of shapes, such as '[2, 3]'")
    kept = {name: _entry(name, entry) for name, entry in manifest["models"].items()}
    return _Manifest(kept, uri, shapes)


def _are_texts(shapes: Any) -> bool:
    return isinstance(shapes, dict) and all(isinstance(shape, str) for shape in shapes.values())


def _changes(change: Any) -> dict[str, Entry | None]:
    if not isinstance(change, dict):
        raise InputError(f"{brief(change)} is no mapping of models")
    return {name: None if entry is None else _entry(name, entry) for name, entry in change.items()}


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]  # what follows the last line end is torn


def _entry(name: str, entry: Any) -> Entry:
    """One entry, whose file is where the model that it names is kept."""
    if not isinstance(entry, dict) or not entry.keys() >= set(KEYS):
        raise InputError(f"{brief(name)}: {brief(entry)} has not all of {', '.join(KEYS)}")
    trial_id, replicate, step, sha256 = found = tuple(entry[key] for key in KEYS)
    position = entry.get("position", 0.0)
    fits = isinstance(trial_id, str) and type(replicate) is int and type(step) is int
    fits = fits and Place().fits(position)
    if not fits or name != model_name(trial_id, replicate, step, position or 0.0):
        raise InputError(f"{brief(name)}: {brief(found[:3])} is not the model of this file")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise InputError(f"{brief(name)}: {brief(sha256)} is no sha256 in hexadecimal digits")
    return model_entry(trial_id, replicate, step, position or 0.0, sha256)


def _fits(path: Path, sha256: str) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _downloaded(uri: str, name: str, sha256: str) -> Path | None:
    path = user_cache_path("pareto-explorer") / MODELS / f"{sha256}.safetensors"
    if path.is_file() and _fits(path, sha256):
        return path
    content = ModelFiles(uri).get(name)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return path


def _folder(run: RunDirectory) -> Path:
    return run.path / MODELS


def _manifest(run: RunDirectory) -> Path:
    return _folder(run) / "manifest.json"


def _journal(run: RunDirectory) -> Path:
    return _folder(run) / "manifest.jsonl"


def _locked(run: RunDirectory) -> FileLock:
    _folder(run).mkdir(parents=True, exist_ok=True)
    return FileLock(_folder(run) / ".lock")
