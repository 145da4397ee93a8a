"""Names of landmarks: everything that determines one, in a hash."""

from __future__ import annotations

import hashlib
import inspect
import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.landmarks.landmarks import (
    LandmarkKind,
    training_samples,
    untrained_model,
)

__all__ = ["RECIPE_VERSION", "fingerprint", "named"]

RECIPE_VERSION = 1
"""Raise it whenever `pareto_explorer.tasks.train_model` changes what it computes."""

_NAMED_AS = {
    "augment": "augment",
    "digits_cnn": "networks.digits_cnn",
    "from_torchvision": "networks.from_torchvision",
    "image_classifier": "networks.image_classifier",
    "resnet": "networks.resnet",
    "vgg": "networks.vgg",
    "vit": "networks.vit",
    "encoder": "text_encoder",
}
"""What modules of ours are called in fingerprints, by file name, wherever they lie."""

_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


def fingerprint(task: UnlearningTask, kind: LandmarkKind, training_seed: int) -> str:
    """Names a landmark by everything that determines it.

    That is: the samples that it is trained on (inputs and labels, bit by bit and in order), the
    recipe, the loss, the augmentation, the architecture, the seed, the kind and `RECIPE_VERSION`.
    What does not change the landmark does not change the name: tasks that differ only in which
    correctly labelled samples they forget share their original models. The architecture is the
    printed module tree, the names, shapes and types of the state, the values of buffers outside
    the state and of parameters that are not trained, the settings of every module (numbers,
    words, tensors and functions among its attributes), and the source text of module classes from
    outside PyTorch, so that an edited ``forward`` counts; functions that it calls do not. Losses
    and augmentations count by their source and by the values that they hold, as attributes,
    defaults or variables of the function around them. A landmark that the task brings is named
    by its weights.

    Returns:
        A sha256 in hexadecimal.
    """
    digest = hashlib.sha256()
    if kind in task.given:
        for name, values in task.given[kind].items():
            digest.update(f"{name} {_digest(values)}".encode())
        facts: dict[str, Any] = {"architecture": _architecture(untrained_model(task))}
    else:
        samples = training_samples(task, kind)
        for values in (samples.inputs, samples.labels):
            digest.update(f"{values.dtype} {tuple(values.shape)}".encode())
            digest.update(_content(values))
        facts = {
            "recipe": asdict(task.recipe),
            "loss": _described(task.loss),
            "augment": _described(task.augment),
            "architecture": _architecture(untrained_model(task)),
            "training_seed": training_seed,
            "kind": kind,
            "version": RECIPE_VERSION,
        }
    digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()


def named(defined: Any) -> str:
    """Names a class or function by its module, its name in there, and its source text.

    Our own modules have names that do not change when their files move.
    """
    module = f"{defined.__module__}"
    if module.startswith("pareto_explorer."):
        file = module.rpartition(".")[2]
        module = f"pareto_explorer.tasks.{_NAMED_AS.get(file, file)}"
    return f"{module}.{defined.__qualname__} {_source(defined)}"


def _architecture(model: nn.Module) -> list[str]:
    classes = dict.fromkeys(type(module) for module in model.modules())
    state = model.state_dict()
    fixed = [
        *((name, value) for name, value in model.named_buffers() if name not in state),
        *((name, value) for name, value in model.named_parameters() if not value.requires_grad),
    ]
    return [
        repr(model),
        *(f"{name} {tuple(value.shape)} {value.dtype}" for name, value in state.items()),
        *(f"{name} {_digest(value)}" for name, value in fixed),
        *(f"{name} {_settings(module)}" for name, module in model.named_modules()),
        *(named(cls) for cls in classes),
    ]


def _settings(module: nn.Module) -> str:
    """What a module keeps beside its state, which need not be in its printed form."""
    kept = {
        name: _described(value)
        for name, value in vars(module).items()
        if name not in _OF_EVERY_MODULE and _is_setting(value)
    }
    return json.dumps(kept, sort_keys=True)


def _is_setting(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_setting(each) for each in value)
    plain = value is None or isinstance(value, bool | int | float | str)
    tensor = isinstance(value, Tensor) and not isinstance(value, nn.Parameter)
    return plain or tensor or inspect.isroutine(value)


def _described(value: Any, inside: tuple[int, ...] = ()) -> Any:
    """A JSON-able description, the same in every process, of a callable and what it holds."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if id(value) in inside:  # it holds itself, as a recursive function in another one does
        return "itself"
    inside = (*inside, id(value))
    if isinstance(value, list | tuple):
        return [_described(each, inside) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _described(each, inside) for name, each in value.items()}
    if isinstance(value, Tensor):
        return _digest(value)
    if isinstance(value, partial):
        return [_described(each, inside) for each in (value.func, value.args, value.keywords)]
    if inspect.isroutine(value):
        return [named(value), _described(_held(value), inside)]
    if isinstance(value, nn.Module):
        return [_architecture(value), _described(value.state_dict(), inside)]
    cls = type(value)
    held = getattr(value, "__dict__", None)
    if held is None:
        held = hashlib.sha256(pickle.dumps(value)).hexdigest()
    return [named(cls), _described(held, inside)]


def _held(function: Any) -> list[Any]:
    """The values that a function brings along: its object, its defaults, its surroundings."""
    if inspect.ismethod(function):
        return [function.__self__, *_held(function.__func__)]
    if not inspect.isfunction(function) or _of_pytorch(function):
        return []
    around = inspect.getclosurevars(function).nonlocals
    return [function.__defaults__, function.__kwdefaults__, dict(around)]


def _digest(values: Tensor) -> str:
    content = hashlib.sha256(_content(values)).hexdigest()
    return f"{values.dtype} {tuple(values.shape)} {content}"


def _content(values: Tensor) -> bytes:
    flat = values.detach().cpu().contiguous().reshape(-1)
    content: bytes = flat.view(torch.uint8).numpy().tobytes()
    return content


def _of_pytorch(defined: Any) -> bool:
    return (defined.__module__ or "").partition(".")[0] == "torch"


def _source(defined: Any) -> str:
    if _of_pytorch(defined):
        return ""
    try:
        return inspect.getsource(defined)
    except (OSError, TypeError):
        return ""
