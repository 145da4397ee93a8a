"""Image models by name, as search-space files give them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.tasks.networks.digits_cnn import digits_cnn
from pareto_explorer.tasks.networks.from_torchvision import from_torchvision, torchvision_names
from pareto_explorer.tasks.networks.image_classifier import (
    PRECISIONS,
    ImageClassifier,
    Precision,
)
from pareto_explorer.tasks.networks.resnet import resnet18, resnet20
from pareto_explorer.tasks.networks.vgg import vgg16_bn
from pareto_explorer.tasks.networks.vit import vit_small

__all__ = [
    "MODELS",
    "ModelEntry",
    "ModelSpec",
    "digits_cnn",
    "image_classifier",
    "make_model",
    "parse_model",
]

_TORCHVISION = "torchvision:"


@dataclass(frozen=True)
class ModelEntry:
    """A registered network.

    Attributes:
        name: Its name in search-space files.
        build: Function of ``n_classes``, of ``shape`` (channels, height and width of the images)
            or ``channels``, and of options with defaults.
        summary: One sentence.
        source: Where it was published.
    """

    name: str
    build: Callable[..., nn.Module]
    summary: str
    source: str

    @property
    def options(self) -> dict[str, Any]:
        """The options of ``build`` and their defaults."""
        parameters = inspect.signature(self.build).parameters
        own = ("n_classes", "shape", "channels")
        return {name: p.default for name, p in parameters.items() if name not in own}


MODELS: dict[str, ModelEntry] = {
    entry.name: entry
    for entry in (
        ModelEntry(
            name="resnet18",
            build=resnet18,
            summary="ResNet-18 with the CIFAR stem, 11.2 million parameters.",
            source="He et al., Deep Residual Learning for Image Recognition (arXiv 1512.03385)",
        ),
        ModelEntry(
            name="resnet20",
            build=resnet20,
            summary="ResNet-20 for CIFAR, 0.27 million parameters.",
            source="He et al., Deep Residual Learning for Image Recognition (arXiv 1512.03385)",
        ),
        ModelEntry(
            name="vgg16_bn",
            build=vgg16_bn,
            summary="VGG-16 with batch norm and one linear layer, 14.7 million parameters.",
            source="Simonyan and Zisserman, Very Deep Convolutional Networks (arXiv 1409.1556)",
        ),
        ModelEntry(
            name="vit_small",
            build=vit_small,
            summary="A vision transformer on patches of 4x4 pixels, 4.2 million parameters.",
            source="Dosovitskiy et al., An Image is Worth 16x16 Words (arXiv 2010.11929)",
        ),
    )
}


def make_model(name: str, n_classes: int, input_shape: Sequence[int], **options: Any) -> nn.Module:
    """Builds an untrained network.

    Args:
        name: A registered one, or ``torchvision:`` and the name of one of its classifiers.
        n_classes: Number of logits.
        input_shape: Channels, height and width of the images.
        options: The network's own options, for example ``width``.

    Returns:
        A network, ``(n, *input_shape) -> (n, n_classes)``, for normalised images.

    Raises:
        InputError: When the name or an option is unknown, or the network cannot take the images.
    """
    _check_name(name)
    shape = tuple(input_shape)
    if name.startswith(_TORCHVISION):
        name = name.removeprefix(_TORCHVISION)
        return from_torchvision(name, n_classes, shape[0], **options)
    entry = MODELS[name]
    _check_options(entry, options)
    parameters = inspect.signature(entry.build).parameters
    images = {"shape": shape} if "shape" in parameters else {"channels": shape[0]}
    return entry.build(n_classes, **images, **options)


def image_classifier(
    name: str,
    *,
    n_classes: int,
    shape: Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    precision: Precision = "float32",
    channels_last: bool = False,
    compile: bool = False,  # noqa: A002 - what files and PyTorch call it
    **options: Any,
) -> ImageClassifier:
    """Builds an untrained model of images as they are stored.

    A partial of this function is what a task holds as its model.

    Args:
        name: See `make_model`.
        n_classes: Number of logits.
        shape: Channels, height and width of the images.
        mean: Mean of each channel of images in [0, 1].
        std: Standard deviation of each channel.
        precision: See `ImageClassifier`.
        channels_last: See `ImageClassifier`.
        compile: See `ImageClassifier`.
        options: The network's own options.

    Raises:
        InputError: As `make_model` and `ImageClassifier`.
    """
    if len(mean) not in (1, shape[0]):
        raise InputError(
            f"mean: {list(mean)} does not fit images of {shape[0]} channels; give one value for"
            " each, or one for all."
        )
    network = make_model(name, n_classes, shape, **options)
    return ImageClassifier(network, mean, std, precision, channels_last, compile)


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
            f"task.model: {value!r} is no model; write for example resnet18, or"
            " {name: resnet18, precision: bfloat16}."
        )
    options = dict(entries)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise unknown("task.model.name", name, [*MODELS, f"{_TORCHVISION}NAME"])
    _check_name(name)
    precision = options.pop("precision", "float32")
    if precision not in PRECISIONS:
        raise unknown("task.model.precision", precision, PRECISIONS)
    switches = {key: options.pop(key, False) for key in ("channels_last", "compile")}
    for key, switch in switches.items():
        if not isinstance(switch, bool):
            raise InputError(f"task.model.{key}: {switch!r} must be true or false.")
    if name in MODELS:
        _check_options(MODELS[name], options)
    return ModelSpec(name, cast("Precision", precision), **switches, options=options)


def _check_name(name: str) -> None:
    if name.startswith(_TORCHVISION):
        names = torchvision_names()
        if name.removeprefix(_TORCHVISION) not in names:
            raise unknown("task.model.name", name, [f"{_TORCHVISION}{each}" for each in names])
    elif name not in MODELS:
        raise unknown("task.model.name", name, [*MODELS, f"{_TORCHVISION}NAME"])


def _check_options(entry: ModelEntry, options: Mapping[str, Any]) -> None:
    """Options with a whole default take whole numbers above 0, others shares below 1."""
    for name, value in options.items():
        if name not in entry.options:
            known = ["name", "precision", "channels_last", "compile", *entry.options]
            raise unknown(f"task.model: option of {entry.name}", name, known)
        if isinstance(entry.options[name], int):
            good, wanted = type(value) is int and value >= 1, "a whole number above 0"
        else:
            good = type(value) in (int, float) and 0 <= value < 1
            wanted = "a number of at least 0 and below 1"
        if not good:
            raise InputError(f"task.model.{name}: {value!r} must be {wanted}.")


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
        reason = str(error).partition("\n")[0].rstrip(".")
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
