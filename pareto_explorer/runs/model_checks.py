"""Files of weights that may come from anybody: plain files, and nothing but the tensors wanted."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from pareto_explorer.errors import InputError
from pareto_explorer.schema.columns import plain_position

__all__ = ["Shapes", "check_weights", "is_plain"]

Shapes = Mapping[str, str]
"""The shape of each tensor by its name, as in ``"[2, 3]"``."""


def is_plain(path: Path, below: Path) -> bool:
    """Whether there is a file that lies where its path says.

    Args:
        path: The file.
        below: A folder above it, which may be anything.

    Raises:
        InputError: The file, or a folder on the way to it, is a link or something else than a file
            or a folder.
    """
    parts = path.relative_to(below).parts
    for place in (below.joinpath(*parts[: count + 1]) for count in range(len(parts))):
        try:
            mode = place.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        kind = "file" if place == path else "folder"
        if not (stat.S_ISREG(mode) if place == path else stat.S_ISDIR(mode)):
            found = "a symbolic link" if stat.S_ISLNK(mode) else f"no plain {kind}"
            raise InputError(f"models: {str(place)!r} is {found}; put the {kind} itself there.")
    return True


def check_weights(
    path: Path,
    trial_id: str,
    replicate: int,
    step: int,
    shapes: Shapes | None = None,
    *,
    position: float = 0.0,
) -> None:
    """Refuses a file of weights that is not what a run should have kept; reads its header only.

    Args:
        path: The file.
        trial_id: The trial that the weights belong to, if the file says any.
        replicate: Likewise.
        step: Likewise.
        shapes: The tensors that there must be.
        position: Like the step; a file that says a step and no position is of position 0.

    Raises:
        InputError: It is no safetensors file, or holds other tensors or those of another point.
    """
    remedy = "delete it to have the model run again when it is exported"
    try:
        with safe_open(path, framework="np") as file:
            found = {name: str(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            told = {"position": "0"} | (file.metadata() or {})
    except SafetensorError as error:
        raise InputError(
            f"models: {str(path)!r} is no safetensors file ({error}); {remedy}."
        ) from None
    point = {"trial_id": trial_id, "replicate": str(replicate), "step": str(step)}
    if "step" in told:
        point["position"] = plain_position(position)
    for key, value in point.items():
        if told.get(key, value) != value:
            raise InputError(
                f"models: {str(path)!r} says that its {key} is {told[key]!r} instead of {value!r}; "
                f"{remedy}."
            )
    if shapes is not None and found != shapes:
        names = found.keys() | shapes.keys()
        name = min(name for name in names if found.get(name) != shapes.get(name))
        here, wanted = (tensors.get(name, "missing") for tensors in (found, shapes))
        raise InputError(
            f"models: {str(path)!r} holds other tensors than the model of the sweep ({name!r} is "
            f"{here} there and {wanted} in the sweep); {remedy}."
        )
