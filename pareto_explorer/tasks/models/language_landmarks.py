"""Fine-tuned weights of a pretrained model that are given: adapters, a folder or a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from pareto_explorer.errors import InputError, brief
from pareto_explorer.tasks.models.checkpoint_files import load_weights
from pareto_explorer.tasks.models.pretrained import Lora, Pretrained, load_network
from pareto_explorer.trust.files import read_json

__all__ = ["read_landmark"]

_INSIDE = "network."  # of PretrainedLM


def read_landmark(model: Pretrained, path: str | Path, where: str) -> dict[str, Tensor]:
    """Reads the weights of a landmark, as the state of the task's model.

    Args:
        model: The task's model.
        path: For a model with adapters, an adapter folder of ``peft``, or such a file of adapters
            as this package exports. For one that is trained whole, a folder of ``transformers``, or
            a file of its weights. Files are safetensors.
        where: What stands before messages.

    Returns:
        The state dict, on the CPU.

    Raises:
        InputError: It cannot be read, or is of another kind of model.
    """
    if not isinstance(path, str | Path):
        raise InputError(f"{where}: {brief(path)} is no path; give a folder or a file.")
    found = Path(path).expanduser().absolute()
    if found.is_file():
        return _of_file(model, found, where)
    if not found.is_dir():
        raise InputError(f"{where}: {str(found)!r} does not exist; correct the path.")
    adapters = found / "adapter_config.json"
    if adapters.is_file() != (model.lora is not None):
        wanted = "has no adapters" if model.lora else "holds adapters"
        fix = "model.path to a whole model" if model.lora else "model.lora to the adapters' sizes"
        raise InputError(f"{where}: {str(found)!r} {wanted}; give another folder, or set {fix}.")
    if model.lora is not None:
        _require_same(model.lora, adapters, where)
        return _of_file(model, found / "adapter_model.safetensors", where)
    whole = load_network(replace(model, path=str(found), digest="", gguf=None))
    return {_INSIDE + name: value.clone() for name, value in whole.state_dict().items()}


def _of_file(model: Pretrained, file: Path, where: str) -> dict[str, Tensor]:
    if file.suffix != ".safetensors":
        raise InputError(f"{where}: {str(file)!r} is no safetensors file; save the weights as one.")
    try:
        state = load_weights(file)
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix('weights: ')}") from None
    if model.lora is not None or any(name.startswith(_INSIDE) for name in state):
        return state
    named = load_network(model).state_dict()
    there = {value.data_ptr(): state[name] for name, value in named.items() if name in state}
    tied = {n: there[v.data_ptr()] for n, v in named.items() if v.data_ptr() in there}
    return {_INSIDE + name: value for name, value in (state | tied).items()}


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
