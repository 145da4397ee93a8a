"""Pretrained language models on this machine: folders of ``transformers``, or GGUF files."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import nn

from pareto_explorer.errors import InputError, brief, first_line, unknown

__all__ = [
    "Lora",
    "Pretrained",
    "Shape",
    "configuration",
    "hidden_layers",
    "language_packages",
    "load_network",
    "load_tokenizer",
    "on_weights",
    "parse_pretrained",
    "shape_of",
    "without_numbers",
]

Dtype = Literal["bfloat16", "float16", "float32"]

_FIELD = "task.model"
_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_READ = (".json", ".safetensors", ".model", ".txt", ".jinja")  # what transformers reads of a folder
_BLOCKS, _BLOCK = 1024, 4096
_WHOLE = 2**24  # bytes of a file that is read whole to name it


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters, the only part of a model that is trained then.

    Source: Hu et al., "LoRA: low-rank adaptation of large language models" (arXiv 2106.09685).

    Attributes:
        rank: Rank r of every update B·A.
        alpha: An update counts alpha / r times.
        targets: Names of the linear layers that are adapted, by the end of their path.
    """

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = _TARGETS


@dataclass(frozen=True)
class Pretrained:
    """A pretrained causal model, by where its files are; it travels without them.

    Attributes:
        path: The folder, as every worker sees it.
        dtype: Precision of its weights; adapters are float32 always.
        lora: Its adapters; ``None``: all of its weights are trained.
        gguf: The GGUF file in the folder that holds it, if one does.
        checkpointing: Whether the activations inside a layer are computed again in the backward
            pass instead of being kept.
        weights: A folder or file of fine-tuned weights that its adapters stand on, in place of
            those in ``path``; empty: there is none.
        digest: Names the content of its files; empty: not looked at yet.
    """

    path: str
    dtype: Dtype = "float32"
    lora: Lora | None = None
    gguf: str | None = None
    checkpointing: bool = False
    weights: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Shape:
    """What of a decoder decides about its memory.

    Attributes:
        layers: Decoder layers.
        hidden: Width of the residual stream.
        inner: Width inside a feed-forward block.
        attended: Width of all queries together.
        keys: Width of all keys together, or of all values.
        vocabulary: Logits per token.
        parameters: Scalars of the model, without adapters.
        adapters: Scalars of its adapters.
    """

    layers: int
    hidden: int
    inner: int
    attended: int
    keys: int
    vocabulary: int
    parameters: int
    adapters: int


def parse_pretrained(value: Any) -> Pretrained:
    """Reads the ``model`` of a task, for example ``{path: /models/x, lora: {rank: 8}}``.

    The weights are bfloat16 by default where adapters are trained, and float32 where they are
    themselves.

    Raises:
        InputError: A field is unknown or wrong, or there is no such model that can be read
            without running code; or the packages that read it are missing.
    """
    known = ("path", "dtype", "lora", "gguf", "checkpointing")
    if not isinstance(value, Mapping) or "path" not in value:
        raise InputError(
            f"{_FIELD}: {brief(value)} names no model; give its folder, as in"
            " {path: /models/Llama-3.2-1B-Instruct}."
        )
    for name in value:
        if name not in known:
            raise unknown(f"{_FIELD}: field", name, known)
    lora = _lora(value.get("lora"))
    dtype = value.get("dtype", "bfloat16" if lora else "float32")
    if dtype not in get_args(Dtype):
        raise unknown(f"{_FIELD}.dtype", dtype, get_args(Dtype))
    checkpointing = value.get("checkpointing", False)
    if type(checkpointing) is not bool:
        raise InputError(f"{_FIELD}.checkpointing: {brief(checkpointing)} must be true or false.")
    path, gguf = value["path"], value.get("gguf")
    if not isinstance(path, str | Path) or not isinstance(gguf, str | None):
        raise InputError(f"{_FIELD}: path and gguf are texts: a folder, and a file in it.")
    folder = Path(path).expanduser().absolute()
    _check_files(folder, gguf)
    language_packages()
    found = Pretrained(str(folder), dtype, lora, gguf, checkpointing)
    return replace(found, digest=_digest(found))


def on_weights(model: Pretrained, path: Path) -> Pretrained:
    """The same model, with adapters on top of the fine-tuned weights in a folder or file."""
    found = replace(model, weights=str(path))
    return replace(found, digest=_digest(found))


def _lora(value: Any) -> Lora | None:
    if value is None or isinstance(value, Lora):
        return value
    if not isinstance(value, Mapping):
        raise InputError(f"{_FIELD}.lora: {brief(value)} is no mapping; give {{rank: 8}}.")
    for name in value:
        if name not in Lora.__dataclass_fields__:
            raise unknown(f"{_FIELD}.lora: field", name, Lora.__dataclass_fields__)
    rank, alpha = value.get("rank", 8), value.get("alpha", 16)
    if type(rank) is not int or rank < 1:
        raise InputError(f"{_FIELD}.lora.rank: {brief(rank)} must be a whole number above 0.")
    if type(alpha) not in (int, float) or not 0 < alpha < float("inf"):
        raise InputError(f"{_FIELD}.lora.alpha: {brief(alpha)} must be a number above 0.")
    targets = value.get("targets", list(_TARGETS))
    named = isinstance(targets, list | tuple) and targets
    if not named or not all(isinstance(name, str) for name in targets):
        raise InputError(
            f"{_FIELD}.lora.targets: {brief(targets)} must be a list of names of linear layers,"
            " such as [q_proj, v_proj]."
        )
    return Lora(rank, float(alpha), tuple(targets))


def _check_files(folder: Path, gguf: str | None) -> None:
    if not folder.is_dir():
        raise InputError(f"{_FIELD}.path: {str(folder)!r} is no folder; give that of a model.")
    if gguf is not None:
        if Path(gguf).name != gguf or not (folder / gguf).is_file():
            raise InputError(f"{_FIELD}.gguf: {gguf!r} is no file in {str(folder)!r}.")
        return
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{_FIELD}.path: {str(folder)!r} has no config.json; give a folder as save_pretrained"
            " writes it, or name the GGUF file in it with gguf."
        )
    if not any(folder.glob("*.safetensors")):
        raise InputError(
            f"{_FIELD}.path: {str(folder)!r} has no weights as safetensors, and others may run"
            " code when read; save it with safe_serialization."
        )


def language_packages() -> tuple[Any, Any]:
    """Imports ``transformers`` and ``peft``, told not to look for anything on a network.

    Raises:
        InputError: They are not installed.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import peft
        import transformers
    except ImportError as error:
        raise InputError(
            f"{_FIELD}: language models need packages that are not installed"
            f" ({first_line(error)}); pip install 'pareto-explorer[language]'."
        ) from None
    return transformers, peft


@contextmanager
def _reading(model: Pretrained) -> Iterator[None]:
    """Says in one sentence why files cannot be read, whatever the packages raise there."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{_FIELD}.path: {model.path!r} holds no causal model that can be read without running"
            f" its code ({first_line(error)}); save it with save_pretrained."
        ) from None


def _files(model: Pretrained) -> dict[str, Any]:
    return {
        "local_files_only": True,
        "trust_remote_code": False,
        **({} if model.gguf is None else {"gguf_file": model.gguf}),
    }


@lru_cache(maxsize=2)
def configuration(model: Pretrained) -> Any:
    """The configuration of a model, as ``transformers`` has it."""
    transformers, _ = language_packages()
    with _reading(model):
        return transformers.AutoConfig.from_pretrained(model.path, **_files(model))


@lru_cache(maxsize=2)
def load_tokenizer(model: Pretrained) -> Any:
    """The tokenizer in a model's folder.

    Raises:
        InputError: There is none, or it has no token that ends a text.
    """
    transformers, _ = language_packages()
    with _reading(model):
        tokenizer = transformers.AutoTokenizer.from_pretrained(model.path, **_files(model))
    if tokenizer.eos_token_id is None:
        raise InputError(
            f"{_FIELD}.path: the tokenizer in {model.path!r} has no eos_token, which ends answers;"
            " name it in tokenizer_config.json."
        )
    return tokenizer


def load_network(model: Pretrained) -> nn.Module:
    """Reads the model, on the CPU and in eval mode.

    Raises:
        InputError: Its files cannot be read, or are no longer those that were looked at.
    """
    transformers, _ = language_packages()
    _require_unchanged(model)
    dtype = getattr(torch, model.dtype)
    own = {} if model.gguf else {"use_safetensors": True}
    quiet = redirect_stderr(io.StringIO())  # progress bars, which would run through a sweep's own
    with _reading(model), quiet, torch.random.fork_rng(devices=[]):
        network = transformers.AutoModelForCausalLM.from_pretrained(
            model.path, dtype=dtype, **own, **_files(model)
        )
        if model.gguf:  # it holds what once was quantised, which transformers would not save
            state = network.state_dict()
            network = transformers.AutoModelForCausalLM.from_config(network.config, dtype=dtype)
            network.load_state_dict(state)
    network.eval()
    if model.checkpointing:
        _checkpoint_layers(network)
    return network


def without_numbers(model: Pretrained) -> nn.Module:
    """The network of a model with shapes only."""
    transformers, _ = language_packages()
    with _reading(model), torch.device("meta"):
        return transformers.AutoModelForCausalLM.from_config(configuration(model))


def shape_of(config: Any, parameters: int, adapters: int) -> Shape:
    """Reads off a decoder's configuration what decides about its memory.

    Args:
        config: As ``transformers`` has it; of a model that sees images too, its part for texts
            counts.
        parameters: Scalars of the model, without adapters.
        adapters: Scalars of its adapters.
    """
    config = config.get_text_config()
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return Shape(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        inner=inner,
        attended=heads * width,
        keys=(getattr(config, "num_key_value_heads", None) or heads) * width,
        vocabulary=config.vocab_size,
        parameters=parameters,
        adapters=adapters,
    )


def hidden_layers(network: nn.Module) -> tuple[str, nn.ModuleList]:
    """The decoder layers of a network of ``transformers``, and where they are in it.

    Raises:
        InputError: It has no list of as many modules as its configuration says.
    """
    whole: Any = network  # what of it sees images has layers too
    wanted = getattr(whole.config.get_text_config(), "num_hidden_layers", None)
    decoder = set(whole.get_decoder().modules())
    for name, module in network.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted and module in decoder:
            return name, module
    raise InputError(
        f"{_FIELD}.path: the layers of a {type(network).__name__} are not found; use a causal model"
        " with a list of them."
    )


class _Plain(nn.Module):
    """A layer as it was, whose parameters `functional_call` can give."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self._as_it_was = layer.forward

    def forward(self, *inputs: Any, **options: Any) -> Any:
        return self._as_it_was(*inputs, **options)


class _Checkpointed:
    """The forward pass of a layer, run again in the backward pass.

    It notes the parameters that the layer has in the forward pass, since a shared base has other
    models' adapters, or none, by the time of the backward pass.
    """

    def __init__(self, layer: nn.Module) -> None:
        self._plain = _Plain(layer)

    def __call__(self, hidden: torch.Tensor, **options: Any) -> Any:
        if not torch.is_grad_enabled():
            return self._plain(hidden, **options)
        own: dict[str, torch.Tensor] = dict(self._plain.named_parameters())

        def run(hidden: torch.Tensor) -> Any:
            return torch.func.functional_call(self._plain, own, (hidden,), options)

        return torch.utils.checkpoint.checkpoint(
            run, hidden, use_reentrant=False, preserve_rng_state=False
        )


def _checkpoint_layers(network: nn.Module) -> None:
    for layer in hidden_layers(network)[1]:
        layer.forward = _Checkpointed(layer)


def _require_unchanged(model: Pretrained) -> None:
    if not model.digest:
        return
    places = " or ".join(repr(place) for place in (model.path, model.weights) if place)
    try:
        same = _digest(model) == model.digest
    except OSError as error:
        raise InputError(
            f"{_FIELD}.path: {places} cannot be read here ({error.strerror}); put the files where"
            " every worker sees them."
        ) from None
    if not same:
        raise InputError(
            f"{_FIELD}.path: the files in {places} have changed; bring the former ones back, or"
            " start anew."
        )


def _digest(model: Pretrained) -> str:
    """Names a model's files by their names, sizes and content; of large ones, blocks all over."""
    folder, weights = Path(model.path), Path(model.weights)
    files = _read_of(folder) if model.gguf is None else [folder / model.gguf]
    if model.weights:
        files += _read_of(weights) if weights.is_dir() else [weights]
    digest = hashlib.sha256()
    for path in files:
        stat = path.stat()
        digest.update(f"{path.name} {_file_digest(path, stat.st_size, stat.st_mtime_ns)}".encode())
    return digest.hexdigest()


def _read_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in _READ and path.is_file())


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, changed: int) -> str:  # noqa: ARG001 - names a state
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= _WHOLE:
            digest.update(file.read())
            return digest.hexdigest()
        for number in range(_BLOCKS):
            file.seek(number * (size - _BLOCK) // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()
