"""Language models as the rest of the package knows models: token ids in, logits out."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.tasks.models.pretrained import (
    Lora,
    Pretrained,
    Shape,
    configuration,
    language_packages,
    load_network,
    shape_of,
    without_numbers,
)

__all__ = ["AdaptedLM", "PretrainedLM", "adapter_config", "causal_factory", "shape_of_model"]

_FILE = "base_model.model."  # what peft puts before the names in its files
_ADAPTER = "default"


def causal_factory(model: Pretrained) -> Callable[[], nn.Module]:
    """What builds a model from its folder, in whatever process; see `AdaptedLM`, `PretrainedLM`."""
    return partial(AdaptedLM if model.lora is not None else PretrainedLM, model)


class PretrainedLM(nn.Module):
    """A pretrained model that is trained whole; its weights at first are the pretrained ones.

    Args:
        model: Where it is.

    Attributes:
        digest: Names its files, and so its first weights, in fingerprints.
        model: What it was built from.
    """

    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.model = model
        self.digest = model.digest
        self.network = load_network(model)

    def forward(self, ids: Tensor) -> Tensor:
        """Maps token ids (n, L), padded on the right, to logits (n, L, V) in float32."""
        return self.network(input_ids=ids, use_cache=False).logits.float()


class AdaptedLM(nn.Module):
    """Low-rank adapters of a frozen pretrained model, and nothing else.

    The frozen model is read once per process and device, where a model first needs it there; all
    models of that process and device share it, and take turns in putting their adapters into it.
    So parameters, state, copies and pickles are adapters alone. Their names are those of
    ``adapter_model.safetensors`` in a folder that ``peft`` writes; they are in float32, first
    drawn as ``peft`` draws them: A uniform by Kaiming's rule, B zero.

    The frozen model is in eval mode always, so that its dropout, if it has any, does nothing.

    Args:
        model: Where it is, with its adapters' sizes.

    Attributes:
        digest: Names the files of the frozen model in fingerprints.
        alpha: See `Lora`.
        dtype: Precision of the frozen model.
        model: What it was built from.
    """

    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        assert model.lora is not None  # noqa: S101
        self.model = model
        self.digest, self.alpha, self.dtype = model.digest, model.lora.alpha, model.dtype
        self._places = [name for name, _ in _adapters(model)]
        for name, shape in _adapters(model):
            _place(self, _file_name(name), _drawn(name, shape))

    def forward(self, ids: Tensor) -> Tensor:
        """Maps token ids (n, L), padded on the right, to logits (n, L, V) in float32."""
        own = dict(zip(self._places, self.parameters(), strict=True))
        base = _base(self.model, str(ids.device))
        found = torch.func.functional_call(base, own, (ids,), {"use_cache": False})
        return found.logits.float()

    def get_submodule(self, target: str) -> nn.Module:
        """Finds a module by its path; of the frozen model too, such as ``model.layers.7``."""
        try:
            return super().get_submodule(target)
        except AttributeError:
            base = _base(self.model, str(next(self.parameters()).device))
            return base.get_submodule(target)


def shape_of_model(model: nn.Module) -> Shape | None:
    """What decides about the memory of a language model; None for a model of another kind."""
    if isinstance(model, AdaptedLM):
        frozen = sum(p.numel() for p in without_numbers(model.model).parameters())
        adapters = sum(p.numel() for p in model.parameters())
        return shape_of(configuration(model.model), frozen, adapters)
    if isinstance(model, PretrainedLM):
        own = sum(p.numel() for p in model.parameters())
        return shape_of(model.network.config, own, 0)
    return None


def adapter_config(lora: Lora) -> Any:
    """The adapters as ``peft`` describes them; without dropout, which would part equal seeds."""
    _, peft = language_packages()
    return peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=list(lora.targets),
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )


@lru_cache(maxsize=2)
def _base(model: Pretrained, device: str) -> nn.Module:
    """The frozen model of this process, with room for adapters but none of its own."""
    network = load_network(model).requires_grad_(False)
    return _with_room(model, network.to(device))


@lru_cache(maxsize=2)
def _adapters(model: Pretrained) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Names and shapes of the adapters in the frozen model."""
    network = _with_room(model, without_numbers(model).requires_grad_(False))
    return tuple(
        (name, tuple(value.shape))
        for name, value in network.named_parameters()
        if f".{_ADAPTER}." in name
    )


def _with_room(model: Pretrained, network: nn.Module) -> nn.Module:
    _, peft = language_packages()
    assert model.lora is not None  # noqa: S101
    try:
        return peft.inject_adapter_in_model(
            adapter_config(model.lora), network, _ADAPTER, low_cpu_mem_usage=True
        ).requires_grad_(False)
    except ValueError as error:
        raise InputError(
            f"task.model.lora.targets: {', '.join(model.lora.targets)} cannot be adapted in a"
            f" {type(network).__name__} ({first_line(error)}); name its linear layers."
        ) from None


def _drawn(name: str, shape: tuple[int, ...]) -> nn.Parameter:
    values = torch.zeros(shape)
    if ".lora_A." in name:
        nn.init.kaiming_uniform_(values, a=math.sqrt(5))
    return nn.Parameter(values)


def _file_name(name: str) -> str:
    return _FILE + name.replace(f".{_ADAPTER}.", ".")


def _place(root: nn.Module, name: str, parameter: nn.Parameter) -> None:
    """Registers a parameter under a path, through modules that do nothing but hold it."""
    *path, last = name.split(".")
    for part in path:
        if part not in root._modules:
            root.add_module(part, nn.Module())
        root = cast("nn.Module", root._modules[part])
    root.register_parameter(last, parameter)
