"""Putting the state of a run into bytes, and taking it up again in another process.

What a run draws from PyTorch's global generators is part of its state: :class:`GlobalDraws` lends
them to one run after the other.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.core.data import UnlearningData

__all__ = [
    "GlobalDraws",
    "data_tensors",
    "load_session",
    "save_session",
]


#: Fields of the data that hold samples.
_SETS = ("retain", "forget", "heldout", "adjacent", "remote", "refusals")


def data_tensors(data: UnlearningData) -> dict[str, Tensor]:
    """All tensors of the data, under names that are the same in every process."""
    sets = {name: getattr(data, name) for name in _SETS}
    return {
        f"{name}.{part}": getattr(samples, part)
        for name, samples in sets.items()
        if samples is not None
        for part in ("inputs", "labels")
    }


def save_session(state: object, known: Mapping[str, Tensor], device: torch.device | str) -> bytes:
    """Serialises objects that refer to each other: models, optimisers, generators, closures.

    What is shared stays shared, down to the memory of tensors. Tensors lose their graphs. Known
    tensors are written as their names, and parts of them as copies of those parts, so that the
    data never go along.

    Args:
        state: The root; everything that it refers to goes along.
        known: Tensors that whoever loads has too, by name.
        device: Where the state lives.

    Raises:
        TypeError: Something cannot be serialised, such as a running Python generator.
    """
    buffer = io.BytesIO()
    _Pickler(buffer, known, torch.device(device)).dump(state)
    return buffer.getvalue()


def load_session(content: bytes, known: Mapping[str, Tensor], device: torch.device | str) -> Any:
    """Reads what :func:`save_session` has written; trusted content only, it may run code.

    On a device of another type than the state comes from, generators cannot go on with their
    draws: they start anew from a seed that their state determines.

    Args:
        content: The bytes.
        known: The known tensors, by the same names, on ``device``.
        device: Where the state shall live.
    """
    return _Unpickler(io.BytesIO(content), known, torch.device(device)).load()


class _Pickler(cloudpickle.Pickler):
    """Writes storages, devices and known tensors in its own way."""

    def __init__(self, file: io.BytesIO, known: Mapping[str, Tensor], device: torch.device) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._home = device.type
        self._names = {_place(tensor): name for name, tensor in known.items() if len(tensor)}
        self._foreign = {tensor.untyped_storage()._cdata for tensor in known.values()}
        self._storages: dict[int, tuple[Any, ...]] = {}
        self._on_host: set[int] = set()
        self._alive: list[object] = []  # an identity is only one while its object lives

    def persistent_id(self, obj: object) -> tuple[Any, ...] | None:
        """Names what is not pickled by itself."""
        if isinstance(obj, torch.device):
            return "device", str(obj), obj.type == self._home
        if isinstance(obj, torch.UntypedStorage):
            return self._stored(obj)
        if type(obj) is Tensor and _is_plain(obj) and _place(obj) in self._names:
            return "known", self._names[_place(obj)]
        return None

    def reducer_override(self, obj: Any) -> Any:
        """Says how tensors and generators are built again; all else is cloudpickle's."""
        if isinstance(obj, torch.Generator):
            state = obj.get_state().numpy().tobytes()
            return _generator, (obj.device, obj.device.type, obj.initial_seed(), state)
        if isinstance(obj, torch.optim.Optimizer):
            self._note_counters(obj)
        elif type(obj) is nn.Parameter and not vars(obj):
            return _parameter, (obj.detach(), obj.requires_grad)
        elif type(obj) is Tensor and _is_plain(obj) and not vars(obj):
            return _tensor, self._parts(obj)
        return super().reducer_override(obj)

    def _parts(self, tensor: Tensor) -> tuple[Any, ...]:
        wants_gradient = tensor.requires_grad and tensor.is_leaf
        tensor = tensor.detach()
        if tensor.untyped_storage()._cdata in self._foreign:
            tensor = tensor.clone()
        storage = tensor.untyped_storage()
        layout = (tensor.dtype, tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
        return storage, *layout, wants_gradient

    def _stored(self, storage: torch.UntypedStorage) -> tuple[Any, ...]:
        key = storage._cdata
        if key not in self._storages:
            self._alive.append(storage)
            moves = storage.device.type == self._home and key not in self._on_host
            values = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
            content = values.cpu().numpy().tobytes()
            self._storages[key] = "storage", len(self._storages), content, moves
        return self._storages[key]

    def _note_counters(self, optimizer: torch.optim.Optimizer) -> None:
        """Keeps step counters, which optimisers want on the host, from moving with the model."""
        for group in optimizer.param_groups:
            if group.get("capturable") or group.get("fused"):
                continue
            for parameter in group["params"]:
                counter = optimizer.state.get(parameter, {}).get("step")
                if isinstance(counter, Tensor):
                    self._on_host.add(counter.untyped_storage()._cdata)


class _Unpickler(pickle.Unpickler):
    """Resolves what :class:`_Pickler` has named."""

    def __init__(self, file: io.BytesIO, known: Mapping[str, Tensor], device: torch.device) -> None:
        super().__init__(file)
        self._known = known
        self._device = device
        self._storages: dict[int, torch.UntypedStorage] = {}

    def persistent_load(self, pid: tuple[Any, ...]) -> Any:
        """Gives the object that a name stands for."""
        kind, *rest = pid
        if kind == "known":
            return self._known[rest[0]]
        if kind == "device":
            name, moves = rest
            return self._device if moves else torch.device(name)
        number, content, moves = rest
        if number not in self._storages:
            # Memory of PyTorch's own, as aligned as what it replaces.
            held = torch.empty(len(content), dtype=torch.uint8)
            if content:
                held.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
            moved = held.to(self._device) if moves else held
            self._storages[number] = moved.untyped_storage()
        return self._storages[number]


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """Equal for two tensors that are the same values in the same memory."""
    storage = tensor.untyped_storage()._cdata
    return storage, tensor.storage_offset(), tensor.dtype, tensor.shape, tensor.stride()


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is nothing but a view of its memory."""
    return tensor.layout is torch.strided and not (
        tensor.is_quantized or tensor.is_complex() or tensor.is_neg() or tensor.is_meta
    )


def _tensor(
    storage: torch.UntypedStorage,
    dtype: torch.dtype,
    offset: int,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
    wants_gradient: bool,
) -> Tensor:
    tensor = torch.empty(0, dtype=dtype, device=storage.device)
    return tensor.set_(storage, offset, shape, stride).requires_grad_(wants_gradient)


def _parameter(data: Tensor, wants_gradient: bool) -> nn.Parameter:
    return nn.Parameter(data, requires_grad=wants_gradient)


def _generator(device: torch.device, origin: str, seed: int, state: bytes) -> torch.Generator:
    generator = torch.Generator(device)
    if device.type != origin:
        digest = hashlib.sha256(state).digest()
        return generator.manual_seed(int.from_bytes(digest[:7], "big"))
    generator.manual_seed(seed)
    return generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8).clone())


class GlobalDraws:
    """The states of the global generators as one run leaves and finds them.

    Runs that take turns in one process then draw as if each were alone in it.

    Args:
        seed: Where the draws begin.
        device: Where the run computes; the CPU's generator is always lent too.
    """

    def __init__(self, seed: int, device: torch.device | str) -> None:
        self._seed = seed
        self._device = torch.device(device)
        self._states: dict[str, bytes] = {}

    def give(self) -> None:
        """Puts the global generators where the run left them, or at the seed."""
        if "cpu" not in self._states or self._device.type not in self._states:
            torch.manual_seed(self._seed)
        if "cpu" in self._states:
            torch.set_rng_state(_from_bytes(self._states["cpu"]))
        if "cuda" in self._states and self._device.type == "cuda":
            torch.cuda.set_rng_state(_from_bytes(self._states["cuda"]), self._device)

    def take_back(self) -> None:
        """Notes where the run leaves them."""
        self._states["cpu"] = torch.get_rng_state().numpy().tobytes()
        if self._device.type == "cuda":
            self._states["cuda"] = torch.cuda.get_rng_state(self._device).numpy().tobytes()


def _from_bytes(state: bytes) -> Tensor:
    return torch.frombuffer(bytearray(state), dtype=torch.uint8)
