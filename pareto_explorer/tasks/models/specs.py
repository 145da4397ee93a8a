"""The model option of a task, as search-space files give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from pareto_explorer.errors import InputError, brief, first_line, unknown
from pareto_explorer.tasks.models.networks.image_classifier import (
    PRECISIONS,
    ImageClassifier,
    Precision,
)
from pareto_explorer.tasks.models.registry import (
    MODELS,
    TORCHVISION,
    check_name,
    check_options,
    image_classifier,
    make_model,
)

__all__ = ["ModelSpec", "parse_model"]


@dataclass(frozen=True)
class ModelSpec:
    """The model that a search-space file asks for.

    Attributes:
        name: See `make_model`.
        precision: See `ImageClassifier`.
        channels_last: See `ImageClassifier`.
        compile: See `ImageClassifier`.
        options: The network's own options.
    """

    name: str
    precision: Precision = "float32"
    channels_last: bool = False
    compile: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def factory(
        self,
        *,
        n_classes: int,
        shape: Sequence[int],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> Callable[[], ImageClassifier]:
        """Returns a function that builds the model, after a rehearsal without numbers.

        Args:
            n_classes: Number of logits.
            shape: Channels, height and width of the images.
            mean: Mean of each channel of images in [0, 1].
            std: Standard deviation of each channel.

        Raises:
            InputError: When the network cannot be built with its options, or cannot take images
                of this shape.
        """
        build = partial(make_model, self.name, n_classes, tuple(shape), **self.options)
        _rehearse(self.name, build, n_classes, tuple(shape))
        return partial(
            image_classifier,
            self.name,
            n_classes=n_classes,
            shape=tuple(shape),
            mean=tuple(mean),
            std=tuple(std),
            precision=self.precision,
            channels_last=self.channels_last,
            compile=self.compile,
            **self.options,
        )

    def facts(self) -> dict[str, Any]:
        """Returns what a file would say, for reports."""
        return {
            "name": self.name,
            "precision": self.precision,
            "channels_last": self.channels_last,
            "compile": self.compile,
            **self.options,
        }


def parse_model(value: object) -> ModelSpec:
    """Reads a ``model`` option of a task.

    Args:
        value: A name, or a mapping with ``name``, and where wanted ``precision``,
            ``channels_last``, ``compile`` and the network's own options.

    Raises:
        InputError: When it is neither, or an entry is unknown or invalid; the text names
            ``task.model``.
    """
    if isinstance(value, ModelSpec):
        return value
    entries = {"name": value} if isinstance(value, str) else value
    if not isinstance(entries, Mapping):
        raise InputError(
            f"task.model: {brief(value)} is no model; write for example resnet18, or"
            " {name: resnet18, precision: bfloat16}."
        )
    options = dict(entries)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise unknown("task.model.name", name, [*MODELS, f"{TORCHVISION}NAME"])
    check_name(name)
    precision = options.pop("precision", "float32")
    if precision not in PRECISIONS:
        raise unknown("task.model.precision", precision, PRECISIONS)
    switches = {key: options.pop(key, False) for key in ("channels_last", "compile")}
    for key, switch in switches.items():
        if not isinstance(switch, bool):
            raise InputError(f"task.model.{key}: {brief(switch)} must be true or false.")
    if name in MODELS:
        check_options(MODELS[name], options)
    return ModelSpec(name, cast("Precision", precision), **switches, options=options)


def _rehearse(
    name: str, build: Callable[[], nn.Module], n_classes: int, shape: tuple[int, ...]
) -> None:
    """Builds the network; one of torchvision's, which may want larger images, is run too.

    That one has no values to compute with, only shapes, since some of them are very large.
    """
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            if name in MODELS:
                build()
                return
            network = _without_values(build).eval()
            logits = network(torch.empty(2, *shape, device="meta"))
    except InputError as error:
        raise InputError(f"task.model: {error}") from None
    except (TypeError, ValueError, RuntimeError, AssertionError, IndexError) as error:
        reason = first_line(error).rstrip(".")
        raise InputError(
            f"task.model: {name} cannot take images of shape {shape} with these options ({reason})."
        ) from None
    if tuple(logits.shape) != (2, n_classes):
        raise InputError(
            f"task.model: {name} gives outputs of shape {tuple(logits.shape[1:])} where"
            f" {n_classes} logits are wanted; choose a classifier."
        )


def _without_values(build: Callable[[], nn.Module]) -> nn.Module:
    try:
        with torch.device("meta"):
            return build()
    except NotImplementedError:  # some compute their widths with tensors
        return build().to("meta")
