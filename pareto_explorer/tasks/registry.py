"""Tasks by name, as search-space files give them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.tasks.builtin.authors.task import authors
from pareto_explorer.tasks.builtin.corpus import corpus
from pareto_explorer.tasks.builtin.digits import digits
from pareto_explorer.tasks.builtin.text.task import text
from pareto_explorer.tasks.builtin.textures.task import textures
from pareto_explorer.tasks.builtin.tofu.task import tofu
from pareto_explorer.tasks.builtin.vision import (
    cifar10,
    cifar100,
    fashion_mnist,
    image_folder,
    mnist,
    svhn,
    tiny_imagenet,
)
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.forget.requests import parse_forget
from pareto_explorer.trust.own_code import find, is_own, reason, returns

__all__ = ["TASKS", "TaskEntry", "make_task", "makes_task"]


@dataclass(frozen=True)
class TaskEntry:
    """A registered task.

    Attributes:
        name: Its name in search-space files.
        build: Function of the file's other task options.
        summary: One sentence.
        source: Where the data come from.
    """

    name: str
    build: Callable[..., UnlearningTask]
    summary: str
    source: str


TASKS: dict[str, TaskEntry] = {
    entry.name: entry
    for entry in (
        TaskEntry(
            name="digits",
            build=digits,
            summary="1,797 handwritten digits of 8x8 pixels in ten classes, with a small CNN.",
            source="UCI optical recognition of handwritten digits, as shipped in scikit-learn",
        ),
        TaskEntry(
            name="cifar10",
            build=cifar10,
            summary="50,000 photographs of 32x32 pixels in ten classes, split as published.",
            source="Krizhevsky, Learning multiple layers of features from tiny images (2009)",
        ),
        TaskEntry(
            name="cifar100",
            build=cifar100,
            summary="50,000 photographs of 32x32 pixels in 100 classes or 20 superclasses.",
            source="Krizhevsky, Learning multiple layers of features from tiny images (2009)",
        ),
        TaskEntry(
            name="svhn",
            build=svhn,
            summary="73,257 house-number digits of 32x32 pixels in ten classes.",
            source="Netzer et al., Reading digits in natural images (2011)",
        ),
        TaskEntry(
            name="mnist",
            build=mnist,
            summary="60,000 handwritten digits of 28x28 pixels in ten classes.",
            source="LeCun et al., Gradient-based learning applied to document recognition (1998)",
        ),
        TaskEntry(
            name="fashion_mnist",
            build=fashion_mnist,
            summary="60,000 grey pictures of clothes, 28x28 pixels, in ten classes.",
            source="Xiao et al., Fashion-MNIST (arXiv 1708.07747)",
        ),
        TaskEntry(
            name="tiny_imagenet",
            build=tiny_imagenet,
            summary="100,000 photographs of 64x64 pixels in 200 classes.",
            source="Le and Yang, Tiny ImageNet visual recognition challenge (2015)",
        ),
        TaskEntry(
            name="image_folder",
            build=image_folder,
            summary="Your own image files: train and test folders with one folder per class.",
            source="the user's files",
        ),
        TaskEntry(
            name="textures",
            build=textures,
            summary="Procedural 32x32 colour textures in 20 classes, with ResNet-18: no download.",
            source="generated; families, subclasses, entanglement and difficulty are options",
        ),
        TaskEntry(
            name="text",
            build=text,
            summary="2,400 generated sentences about eight topics, with a transformer encoder.",
            source="generated; size and ambiguity are options",
        ),
        TaskEntry(
            name="authors",
            build=authors,
            summary="2,000 facts about generated authors, with a small causal language model.",
            source="generated, in the manner of TOFU (Maini et al., arXiv 2401.06121)",
        ),
        TaskEntry(
            name="tofu",
            build=tofu,
            summary="4,000 questions about authors who do not exist, for a pretrained model.",
            source="Maini et al., TOFU (arXiv 2401.06121)",
        ),
        TaskEntry(
            name="corpus",
            build=corpus,
            summary="Your own texts, or MUSE's, cut into pieces, for a pretrained model.",
            source="the user's files; MUSE, Shi et al. (arXiv 2407.06460)",
        ),
    )
}


def make_task(options: Mapping[str, Any]) -> UnlearningTask:
    """Builds the task that a search-space file describes.

    Args:
        options: ``name`` (a registered task, or ``"package.module:function"``) and the builder's
            own options, for example ``{"name": "digits", "forget": {"kind": "class", "label": 3},
            "seed": 0}``. A registered task takes ``forget`` as a forget request; a function of
            the user's own gets it, like every other option, exactly as it is here.

    Raises:
        InputError: When an option is unknown, missing or invalid; the text names the field.
    """
    if not isinstance(options, Mapping):
        raise InputError(
            f"task: {brief(options)} is not a mapping; write for example {{name: digits}}."
        )
    arguments = dict(options)
    name = arguments.pop("name", None)
    build = _builder(name) if isinstance(name, str) else None
    if build is None:
        if isinstance(name, str) and "." in name:
            module, _, function = name.rpartition(".")
            raise InputError(
                f"task.name: {name!r} is not known; a function of your own is written with a"
                f" colon: {module}:{function}."
            )
        raise unknown("task.name", name, TASKS)
    if name in TASKS and "forget" in arguments:  # a user's own function gets what the file says
        arguments["forget"] = parse_forget(arguments["forget"])
    _check_arguments(build, arguments)
    try:
        task = build(**arguments)
    except InputError:
        raise
    except Exception as error:
        if name in TASKS:
            raise
        raise InputError(f"task.name: {name!r} fails ({reason(error)}).") from error
    if not isinstance(task, UnlearningTask):
        raise InputError(f"task.name: {name} returned {task!r}; it must return an UnlearningTask.")
    return task


def makes_task(found: object) -> bool:
    """Whether something says of itself, by its annotation, that it returns a task."""
    return returns(found, UnlearningTask)


def _builder(name: str) -> Callable[..., Any] | None:
    if name in TASKS:
        return TASKS[name].build
    if ":" not in name:
        return None
    build = find(name, "task.name")
    if not callable(build):
        raise InputError(f"task.name: {name!r} is not a function that returns an UnlearningTask.")
    if not (makes_task(build) or is_own(build)):
        raise InputError(
            f"task.name: {name!r} belongs to Python or to an installed package and is not "
            "annotated to return an UnlearningTask, so it is not called; annotate it with "
            "-> UnlearningTask, or name another."
        )
    return cast("Callable[..., Any]", build)


def _check_arguments(build: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    parameters = inspect.signature(build).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for name in arguments:
            if name not in parameters:
                raise unknown("task: option", name, ["name", *parameters])
    for name, parameter in parameters.items():
        required = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        )
        if required and name not in arguments:
            raise InputError(f"task.{name}: is missing; the task needs it.")
