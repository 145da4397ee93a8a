"""Exported adapters of a language model, in a folder as ``peft`` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open

from pareto_explorer.runs import write_text

__all__ = ["write_adapter_config"]

_NAME = "adapter_model.safetensors"
_FILE = "base_model.model."  # what peft puts before the names in it


def write_adapter_config(weights: Path, manifest: Mapping[str, Any]) -> Path | None:
    """Writes ``adapter_config.json`` beside exported weights that are named as ``peft`` names them.

    Args:
        weights: The file.
        manifest: The run's, which says what the adapters count and what they stand on.

    Returns:
        What was written; None where the file has another name, or is no adapters'.
    """
    facts = manifest.get("facts", {})
    if weights.name != _NAME or not {"lora_rank", "lora_alpha"} <= facts.keys():
        return None
    with safe_open(weights, framework="np") as file:
        modules = {name.removeprefix(_FILE).partition(".lora_")[0] for name in file.keys()}  # noqa: SIM118
    task = manifest.get("spec", {}).get("task") or {}
    model = task.get("model")
    base = task.get("original") if "frozen" in facts else None
    if base is None and isinstance(model, Mapping):
        base = model.get("path")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": _folder(base),
        "r": facts["lora_rank"],
        "lora_alpha": facts["lora_alpha"],
        "target_modules": sorted(modules),
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
    }
    path = weights.with_name("adapter_config.json")
    write_text(path, json.dumps(config, indent=2) + "\n")
    return path


def _folder(base: object) -> str | None:
    """Where the frozen model is, from wherever the adapters are read."""
    if not isinstance(base, str):
        return None
    path = Path(base).expanduser().absolute()
    return str(path.parent if path.suffix == ".safetensors" else path)
