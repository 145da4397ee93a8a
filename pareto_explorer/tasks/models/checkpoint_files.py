"""Weights of a trained model, from the file that its training left."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pareto_explorer.errors import InputError, unknown

__all__ = ["load_weights"]

_NESTED = ("state_dict", "model_state_dict", "model")
_WRAPPERS = ("module.", "_orig_mod.")
_TORCH = (".pt", ".pth", ".ckpt", ".bin")


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """Reads a state dict, on the CPU.

    A checkpoint may hold it under ``state_dict``, ``model_state_dict`` or ``model``. What
    ``DataParallel`` and ``torch.compile`` put before the names is taken off. Nothing but tensors
    and plain values is unpickled, so that no code in the file can run.

    Args:
        path: A ``.safetensors`` file, or a ``.pt``, ``.pth``, ``.ckpt`` or ``.bin`` file as
            ``torch.save`` writes it.

    Raises:
        InputError: When the file cannot be read or holds no weights.
    """
    path = Path(path)
    if path.suffix not in (".safetensors", *_TORCH):
        raise unknown("weights: file type", path.suffix, (".safetensors", *_TORCH))
    try:
        content = _read(path)
    except OSError as error:
        reason = error.strerror or "there is no such file"
        raise InputError(f"weights: {str(path)!r} cannot be read ({reason}).") from None
    except pickle.UnpicklingError:
        raise InputError(
            f"weights: {str(path)!r} is damaged or holds objects besides tensors, which would run"
            " code when read; save model.state_dict() there."
        ) from None
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError):
        raise InputError(f"weights: {str(path)!r} is damaged or of another format.") from None
    return _unwrapped(_state(content, path))


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _state(content: Any, path: Path) -> dict[str, Tensor]:
    candidates = [content]
    if isinstance(content, Mapping):
        candidates += [content[name] for name in _NESTED if name in content]
    for candidate in candidates:
        if isinstance(candidate, Mapping) and candidate:
            values = candidate.values()
            if all(isinstance(value, Tensor) for value in values):
                return {str(name): value for name, value in candidate.items()}
    found = f"its keys are {', '.join(map(str, content))}" if isinstance(content, Mapping) else ""
    found = found or f"it holds a {type(content).__name__}"
    raise InputError(
        f"weights: {str(path)!r} holds no state dict ({found}); save model.state_dict(), by itself"
        f" or under {', '.join(_NESTED)}."
    )


def _unwrapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    while wrapper := next((w for w in _WRAPPERS if all(n.startswith(w) for n in state)), None):
        state = {name.removeprefix(wrapper): value for name, value in state.items()}
    return {name.replace("._orig_mod.", "."): value for name, value in state.items()}
