"""Fine-tuned weights of a pretrained model that are given: adapters, a folder or a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from pareto_explorer.errors import InputError, brief
from pareto_explorer.tasks.models.checkpoint_files import load_weights
from pareto_explorer.tasks.models.pretrained import (
    Lora,
    Pretrained,
    load_network,
    without_numbers,
)
from pareto_explorer.trust.files import read_json

__all__ = ["holds_adapters", "landmark_path", "read_landmark", "read_network"]

_INSIDE = "network."  # of PretrainedLM


def landmark_path(path: str | Path, where: str) -> Path:
    """Returns where a landmark is.

    Args:
        path: What the task says.
        where: What stands before messages.

    Raises:
        InputError: There is nothing.
    """
    if not isinstance(path, str | Path):
        raise InputError(f"{where}: {brief(path)} is no path; give a folder or a file.")
    found = Path(path).expanduser().absolute()
    if not found.exists():
        raise InputError(f"{where}: {str(found)!r} does not exist; correct the path.")
    return found


def read_landmark(model: Pretrained, path: Path, where: str) -> dict[str, Tensor]:
    """Reads the weights of a landmark: adapters, or all weights.

    Args:
        model: The task's model.
        path: For a model with adapters, an adapter folder of ``peft``, or such a file of adapters
            as this package exports. For any, a folder of ``transformers``, or a file of all
            weights. Files are safetensors.
        where: What stands before messages.

    Returns:
        The state dict of an `AdaptedLM` or, of all weights, of a `PretrainedLM`; on the CPU.

    Raises:
        InputError: It cannot be read, or is of another kind of model.
    """
    described = path / "adapter_config.json"
    adapters = _adapters(path, where)
    if adapters is None:
        whole = read_network(model, path, where)
        return {_INSIDE + name: value for name, value in whole.items()}
    if model.lora is None:
        raise InputError(
            f"{where}: {str(path)!r} holds adapters; give a whole model, or set model.lora to the"
            " adapters' sizes."
        )
    if described.is_file():
        _require_same(model.lora, described, where)
    return adapters


def read_network(model: Pretrained, path: Path, where: str) -> dict[str, Tensor]:
    """Reads all weights of a fine-tuned model, by their names in the network.

    Args:
        model: Of the same architecture.
        path: A folder of ``transformers`` or a safetensors file.
        where: What stands before messages.

    Raises:
        InputError: They cannot be read, or are of another architecture.
    """
    wanted = without_numbers(model).state_dict(keep_vars=True)
    if path.is_dir():
        there = replace(model, path=str(path), gguf=None, weights="", digest="")
        try:
            state = load_network(there).state_dict()
        except InputError as error:
            raise InputError(f"{where}: {str(error).removeprefix('task.model.path: ')}") from None
    else:
        read = {name.removeprefix(_INSIDE): v for name, v in _weights(path, where).items()}
        tied = {id(wanted[name]): value for name, value in read.items() if name in wanted}
        state = read | {name: tied[id(v)] for name, v in wanted.items() if id(v) in tied}
    for name in (*wanted, *state):
        shapes = [tuple(part[name].shape) if name in part else None for part in (state, wanted)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"{where}: {name} has the shape {shapes[0]} in {str(path)!r} and {shapes[1]} in"
                " model.path; give weights of that architecture."
            )
    return {name: value.clone() for name, value in state.items()}


def holds_adapters(names: Iterable[str]) -> bool:
    """Whether a state with these names is of adapters alone."""
    return all(".lora_" in name for name in names)


def _adapters(path: Path, where: str) -> dict[str, Tensor] | None:
    """The adapters in a folder or file; None where it is of a whole model."""
    if path.is_dir():
        found = (path / "adapter_config.json").is_file()
        return _weights(path / "adapter_model.safetensors", where) if found else None
    state = _weights(path, where)
    return state if holds_adapters(state) else None


def _weights(file: Path, where: str) -> dict[str, Tensor]:
    if file.suffix != ".safetensors":
        raise InputError(f"{where}: {str(file)!r} is no safetensors file; save the weights as one.")
    try:
        return load_weights(file)
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix('weights: ')}") from None


def _require_same(lora: Lora, file: Path, where: str) -> None:
    """Refuses adapters that count otherwise: their sizes are compared with the model's later."""
    content = read_json(file, where)
    own = content if isinstance(content, dict) else {}
    alpha = own.get("lora_alpha")
    if own.get("use_rslora") or own.get("use_dora") or own.get("rank_pattern"):
        raise InputError(f"{where}: {str(file)!r} is of another kind than plain LoRA; merge it.")
    if alpha != lora.alpha:
        raise InputError(
            f"{where}: {str(file)!r} has lora_alpha {brief(alpha)}, and the task's model"
            f" {lora.alpha:g}; set model.lora.alpha to it."
        )
