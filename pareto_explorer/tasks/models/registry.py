"""Image models by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.tasks.models.networks.digits_cnn import digits_cnn
from pareto_explorer.tasks.models.networks.from_torchvision import (
    from_torchvision,
    torchvision_names,
)
from pareto_explorer.tasks.models.networks.image_classifier import ImageClassifier, Precision
from pareto_explorer.tasks.models.networks.resnet import resnet18, resnet20
from pareto_explorer.tasks.models.networks.vgg import vgg16_bn
from pareto_explorer.tasks.models.networks.vit import vit_small

__all__ = [
    "MODELS",
    "TORCHVISION",
    "ModelEntry",
    "check_name",
    "check_options",
    "digits_cnn",
    "image_classifier",
    "make_model",
]

TORCHVISION = "torchvision:"
"""What stands before the name of one of torchvision's classifiers."""


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
    check_name(name)
    shape = tuple(input_shape)
    if name.startswith(TORCHVISION):
        name = name.removeprefix(TORCHVISION)
        return from_torchvision(name, n_classes, shape[0], **options)
    entry = MODELS[name]
    check_options(entry, options)
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


def check_name(name: str) -> None:
    """Raises an `InputError` about ``task.model`` where there is no model of this name."""
    if name.startswith(TORCHVISION):
        names = torchvision_names()
        if name.removeprefix(TORCHVISION) not in names:
            raise unknown("task.model.name", name, [f"{TORCHVISION}{each}" for each in names])
    elif name not in MODELS:
        raise unknown("task.model.name", name, [*MODELS, f"{TORCHVISION}NAME"])


def check_options(entry: ModelEntry, options: Mapping[str, Any]) -> None:
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
            raise InputError(f"task.model.{name}: {brief(value)} must be {wanted}.")
