"""Tasks by name, as search-space files give them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.tasks.digits import digits
from pareto_explorer.tasks.forget_requests import parse_forget
from pareto_explorer.tasks.task import UnlearningTask

__all__ = ["TASKS", "TaskEntry", "make_task"]


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
    )
}


def make_task(options: Mapping[str, Any]) -> UnlearningTask:
    """Builds the task that a search-space file describes.

    Args:
        options: ``name`` (a registered task, or ``"package.module:function"``) and the builder's
            own options, for example ``{"name": "digits", "forget": {"kind": "class", "label": 3},
            "seed": 0}``. A ``forget`` mapping reaches the builder as a forget request.

    Raises:
        InputError: When an option is unknown, missing or invalid; the text names the field.
    """
    if not isinstance(options, Mapping):
        raise InputError(f"task: {options!r} is not a mapping; write for example {{name: digits}}.")
    arguments = dict(options)
    name = arguments.pop("name", None)
    build = _builder(name) if isinstance(name, str) else None
    if build is None:
        raise unknown("task.name", name, TASKS)
    if "forget" in arguments:
        arguments["forget"] = parse_forget(arguments["forget"])
    _check_arguments(build, arguments)
    task = build(**arguments)
    if not isinstance(task, UnlearningTask):
        raise InputError(f"task.name: {name} returned {task!r}; it must return an UnlearningTask.")
    return task


def _builder(name: str) -> Callable[..., Any] | None:
    if name in TASKS:
        return TASKS[name].build
    module, colon, attribute = name.partition(":")
    if not colon:
        return None
    try:
        build = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"task.name: {name!r} cannot be imported ({error}).") from None
    if not callable(build):
        raise InputError(f"task.name: {name!r} is not a function that returns an UnlearningTask.")
    return build


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
