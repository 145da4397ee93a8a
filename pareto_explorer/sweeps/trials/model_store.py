"""The weights of an evaluated model on their way from a worker into the storage."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyarrow import ArrowException
from safetensors.torch import save
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.runs.files.model_files import ModelFiles, model_name
from pareto_explorer.schema.columns import plain_position

__all__ = ["Kept", "ModelStore", "serialise"]

_LOGGER = logging.getLogger(__name__)

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts."""


class Kept(NamedTuple):
    """A file of weights that was written.

    Attributes:
        file: Its path below ``models/``.
        sha256: The hash of its content.
        bytes: Its size.
    """

    file: str
    sha256: str
    bytes: int


class ModelStore(ModelFiles):
    """Where workers write the weights of every evaluated model; it pickles.

    Args:
        storage: The run directory, or a URI that pyarrow opens.
        waits: Seconds between the attempts to write one file.
    """

    def __init__(self, storage: str | Path, *, waits: Sequence[float] = WAITS) -> None:
        super().__init__(storage)
        self._waits = tuple(waits)
        self._in_vain = False

    def __getstate__(self) -> dict[str, Any]:
        """Another process may have more luck."""
        return super().__getstate__() | {"_in_vain": False}

    def write(
        self, trial_id: str, replicate: int, step: int, model: nn.Module, position: float = 0.0
    ) -> Kept | None:
        """Writes the weights of one point, replacing any former ones at once.

        While the storage cannot be written, tries again; after a file that could not be written at
        all, only once for each file until one can.

        Returns:
            What was written; None, with a warning, when it could not be. The trial can go on: a
            model that is not kept can be run again.
        """
        name = model_name(trial_id, replicate, step, position)
        content = serialise(model, trial_id, replicate, step, position)
        for wait in (*(() if self._in_vain else self._waits), None):
            try:
                self.put(name, content)
            except (OSError, ArrowException, InputError) as error:
                if wait is None or isinstance(error, FileNotFoundError):  # the place was removed
                    _LOGGER.warning("models: %s in %s is not kept: %s", name, self, error)
                    break
                time.sleep(wait)
            else:
                self._in_vain = False
                return Kept(name, hashlib.sha256(content).hexdigest(), len(content))
        self._in_vain = True
        return None


def serialise(
    model: nn.Module, trial_id: str, replicate: int, step: int, position: float = 0.0
) -> bytes:
    """The state as safetensors; tensors that share memory are written each on its own.

    The same weights of the same point give the same bytes.
    """
    state: dict[str, Tensor] = model.state_dict()
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    point = {"trial_id": trial_id, "replicate": str(replicate), "step": str(step)}
    if position:
        point["position"] = plain_position(position)
    return _ordered(save(copies, metadata={"format": "pt", **point}))


def _ordered(content: bytes) -> bytes:
    """The same file with its metadata in order; safetensors shuffles them."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[start:]
