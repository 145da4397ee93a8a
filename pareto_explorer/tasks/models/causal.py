"""Language models as the rest of the package knows models: token ids in, logits out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.tasks.models.language_landmarks import holds_adapters, read_network
from pareto_explorer.tasks.models.logits_alone import LogitsAlone
from pareto_explorer.tasks.models.pretrained import (
    Lora,
    Pretrained,
    Shape,
    configuration,
    hidden_layers,
    language_packages,
    load_network,
    shape_of,
    without_numbers,
)

__all__ = [
    "AdaptedLM",
    "PretrainedLM",
    "adapter_config",
    "causal_factory",
    "model_for",
    "shape_of_model",
]

_FILE = "base_model.model."  # what peft puts before the names in its files
_ADAPTER = "default"


def causal_factory(model: Pretrained) -> Callable[[], nn.Module]:
    """What builds a model from its folder, in whatever process; see `AdaptedLM`, `PretrainedLM`."""
    return partial(AdaptedLM if model.lora is not None else PretrainedLM, model)


def model_for(state: Mapping[str, Tensor], model: nn.Module) -> nn.Module:
    """Returns a model that a state can be loaded into.

    Args:
        state: Weights of a landmark.
        model: The task's untrained model, which it is unless adapters are trained and all weights
            are given.
    """
    if isinstance(model, AdaptedLM) and not holds_adapters(state):
        return PretrainedLM(model.model)
    return model


class PretrainedLM(LogitsAlone):
    """A pretrained model that is trained whole; its weights at first are the pretrained ones.

    Args:
        model: Where it is.

    Attributes:
        digest: Names its files, and so its first weights, in fingerprints.
        model: What it was built from.
    """

    def __init__(self, model: Pretrained) -> None:
        super().__init__(load_network(model))
        self.model = model
        self.digest = model.digest


class AdaptedLM(nn.Module):
    """Low-rank adapters of a frozen pretrained model, and nothing else.

    The frozen model is read once per process and device, where a model first needs it there; all
    models of that process and device share it, and take turns in putting their adapters into it.
    So parameters, state, copies and pickles are adapters alone. Their names are those of
    ``adapter_model.safetensors`` in a folder that ``peft`` writes. They are kept and trained in
    float32, and take part in the precision of the frozen model. At first they are drawn as ``peft``
    draws them: A uniform by Kaiming's rule, B zero. Where the original is given whole, the frozen
    model is that one, and what it starts from are the first adapters, which add nothing.

    The frozen model is in eval mode always, so that its dropout, if it has any, does nothing. What
    its layers give passes through modules of this one, in a list of as many, where hooks find it.

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
        adapters = _adapters(model)
        self._places = [name for name, _ in adapters.shapes]
        self._layers = _FILE + adapters.layers
        _holder(self, self._layers, nn.ModuleList(_Shown() for _ in range(adapters.n_layers)))
        for name, shape in adapters.shapes:
            path, _, last = _file_name(name).rpartition(".")
            _holder(self, path).register_parameter(last, _drawn(name, shape))

    def forward(self, ids: Tensor) -> Tensor:
        """Maps token ids (n, L), padded on the right, to logits (n, L, V) in float32."""
        dtype = getattr(torch, self.dtype)
        own = {n: p.to(dtype) for n, p in zip(self._places, self.parameters(), strict=True)}
        base = _base(self.model, str(ids.device))
        with _showing(cast("nn.ModuleList", self.get_submodule(self._layers))):
            found = torch.func.functional_call(base, own, (ids,), {"use_cache": False})
        return found.logits.float()


class _Shown(nn.Module):
    """Gives what it takes: the output of a layer that is elsewhere."""

    def forward(self, output: Any) -> Any:
        return output


_SHOWN: list[nn.ModuleList] = []
"""Of the model that the shared one works for, the modules that its layers' outputs go through."""


@contextmanager
def _showing(layers: nn.ModuleList) -> Iterator[None]:
    _SHOWN.append(layers)
    try:
        yield
    finally:
        _SHOWN.pop()


def _show(number: int, _: nn.Module, __: Any, output: Any) -> Any:
    return _SHOWN[-1][number](output)


class _Adapters(NamedTuple):
    """Where a frozen model has room for adapters.

    Attributes:
        shapes: Their names in it, in order, and their shapes.
        layers: The path of the list of its layers.
        n_layers: How many these are.
    """

    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    layers: str
    n_layers: int


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
    network = load_network(model)
    if model.weights:
        network.load_state_dict(read_network(model, Path(model.weights), "task.original"))
    network = _with_room(model, network.to(device))
    for number, layer in enumerate(hidden_layers(network)[1]):
        layer.register_forward_hook(partial(_show, number))
    return network


@lru_cache(maxsize=2)
def _adapters(model: Pretrained) -> _Adapters:
    network = _with_room(model, without_numbers(model))
    path, layers = hidden_layers(network)
    shapes = tuple(
        (name, tuple(value.shape))
        for name, value in network.named_parameters()
        if _is_adapter(name)
    )
    return _Adapters(shapes, path, len(layers))


def _with_room(model: Pretrained, network: nn.Module) -> nn.Module:
    _, peft = language_packages()
    assert model.lora is not None  # noqa: S101
    try:
        found = peft.inject_adapter_in_model(
            adapter_config(model.lora), network, _ADAPTER, low_cpu_mem_usage=True
        )
        others = [n for n, _ in found.named_parameters() if ".lora_" in n and not _is_adapter(n)]
        if others:
            raise ValueError(f"{others[0].partition('.lora_')[0]} is no linear layer")
    except ValueError as error:
        raise InputError(
            f"task.model.lora.targets: {', '.join(model.lora.targets)} cannot be adapted in a"
            f" {type(network).__name__} ({first_line(error)}); name its linear layers."
        ) from None
    return cast("nn.Module", found.requires_grad_(False))


def _is_adapter(name: str) -> bool:
    return f".{_ADAPTER}." in name


def _drawn(name: str, shape: tuple[int, ...]) -> nn.Parameter:
    values = torch.zeros(shape)
    if ".lora_A." in name:
        nn.init.kaiming_uniform_(values, a=math.sqrt(5))
    return nn.Parameter(values)


def _file_name(name: str) -> str:
    return _FILE + name.replace(f".{_ADAPTER}.", ".")


def _holder(root: nn.Module, path: str, last: nn.Module | None = None) -> nn.Module:
    """The module at a path, through modules that do nothing but hold others; made if missing."""
    parts = path.split(".")
    for i, part in enumerate(parts, 1):
        if part not in root._modules:
            new = last if last is not None and i == len(parts) else nn.Module()
            root.add_module(part, new)
        root = cast("nn.Module", root._modules[part])
    return root
