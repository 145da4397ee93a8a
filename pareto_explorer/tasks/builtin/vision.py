"""The tasks of published image data sets and of folders of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.tasks.builtin.published import TaskOptions, published_task
from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.task import Samples, UnlearningTask
from pareto_explorer.tasks.data.augment import CropFlip
from pareto_explorer.tasks.data.data_files import data_root
from pareto_explorer.tasks.data.image_files import read_image_folder, read_tiny_imagenet
from pareto_explorer.tasks.data.published_files import (
    read_cifar10,
    read_cifar100,
    read_fashion_mnist,
    read_mnist,
    read_svhn,
)
from pareto_explorer.tasks.data.published_images import PublishedImages
from pareto_explorer.tasks.forget.requests import ForgetRequest

__all__ = [
    "SUPERCLASSES",
    "VisionTask",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "image_folder",
    "mnist",
    "svhn",
    "tiny_imagenet",
]

SUPERCLASSES: dict[str, tuple[str, str, str, str, str]] = {
    "aquatic_mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food_containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit_and_vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household_electrical_devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household_furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large_carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large_man-made_outdoor_things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large_natural_outdoor_scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large_omnivores_and_herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium_mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect_invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small_mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles_1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles_2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}
"""Classes of CIFAR-100's superclasses, in the order of its coarse labels.

Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
"""

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@dataclass(frozen=True)
class VisionTask:
    """A function that builds the task of one data set.

    Attributes:
        name: What reports call the task.
        read: Reads the data set from a folder, and fetches it first where that is wanted.
        mean: Mean of each channel of images in [0, 1], as the literature has it.
        std: Standard deviation of each channel, likewise.
        crop: The augmentation.
    """

    name: str
    read: Callable[[Path, bool], PublishedImages]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop: CropFlip

    def __call__(
        self,
        forget: ForgetRequest | None = None,
        seed: int = 2,
        root: str | Path | None = None,
        download: bool = False,
        model: str | Mapping[str, Any] = "resnet18",
        recipe: str | Mapping[str, Any] | None = None,
        heldout: float = 0.5,
        augment: bool = True,
    ) -> UnlearningTask:
        """Builds the task.

        Args:
            forget: What to forget; 10 % of the training samples at random by default.
            seed: Seed of the split and of the forget request; 2 is the published code's default.
            root: Folder of the data sets, whose files lie in it as torchvision puts them; by
                default the environment variable ``PARETO_EXPLORER_DATA``, or else ``./data``.
            download: Whether to fetch a data set that is not there.
            model: A name or a mapping, see `parse_model`.
            recipe: How landmarks are trained: a name or a mapping, see `parse_recipe`; ``fast`` by
                default.
            heldout: Share of the validation part that becomes the held-out set.
            augment: Whether training batches are cropped, and mirrored where that is right, at
                random.

        Raises:
            InputError: When the data are missing or an option is invalid.
        """
        options = TaskOptions(forget, seed, model, recipe, heldout, augment)
        if type(download) is not bool:
            raise InputError(f"task.download: {download!r} must be true or false.")
        images = self.read(data_root(root), download)
        return published_task(
            self.name, images, options, mean=self.mean, std=self.std, augment=self.crop
        )


#: 45,000 training images of 32x32 pixels in ten classes; ``root`` holds ``cifar-10-batches-py/``.
cifar10 = VisionTask(
    "cifar10",
    read_cifar10,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    crop=CropFlip(),
)
#: House numbers: 65,937 training images of 32x32 pixels in ten classes, never mirrored; ``root``
#: holds ``train_32x32.mat`` and ``test_32x32.mat``.
svhn = VisionTask(
    "svhn",
    read_svhn,
    mean=(0.4377, 0.4438, 0.4728),
    std=(0.1201, 0.1231, 0.1052),
    crop=CropFlip(flip=False),
)
#: Handwritten digits: 54,004 grey training images of 28x28 pixels in ten classes, never mirrored;
#: ``root`` holds ``MNIST/raw/``.
mnist = VisionTask(
    "mnist", read_mnist, mean=(0.1307,), std=(0.3081,), crop=CropFlip(padding=2, flip=False)
)
#: Clothes: 54,000 grey training images of 28x28 pixels in ten classes; ``root`` holds
#: ``FashionMNIST/raw/``.
fashion_mnist = VisionTask(
    "fashion_mnist", read_fashion_mnist, mean=(0.2860,), std=(0.3530,), crop=CropFlip(padding=2)
)
#: 90,000 training images of 64x64 pixels in 200 classes; ``root`` holds ``tiny-imagenet-200/`` as
#: its archive unpacks.
tiny_imagenet = VisionTask("tiny_imagenet", read_tiny_imagenet, **_IMAGENET, crop=CropFlip())


def cifar100(
    forget: ForgetRequest | None = None,
    seed: int = 2,
    root: str | Path | None = None,
    download: bool = False,
    labels: str = "fine",
    model: str | Mapping[str, Any] = "resnet18",
    recipe: str | Mapping[str, Any] | None = None,
    heldout: float = 0.5,
    augment: bool = True,
) -> UnlearningTask:
    """Builds the CIFAR-100 task: 45,000 training images of 32x32 pixels.

    Args:
        forget: What to forget; 10 % of the training samples at random by default. With fine labels,
            the adjacent set of a ``class`` request is the rest of its superclass; with coarse
            labels, a ``subclass`` request may name any of the 100 classes, for example
            ``{kind: subclass, subclass: aquarium_fish}``.
        seed: See `VisionTask`. The split takes equal shares of the fine classes in both cases.
        root: See `VisionTask`; holds ``cifar-100-python/``.
        download: See `VisionTask`.
        labels: ``fine`` for the 100 classes, ``coarse`` for their 20 superclasses.
        model: See `VisionTask`.
        recipe: See `VisionTask`.
        heldout: See `VisionTask`.
        augment: See `VisionTask`.

    Raises:
        InputError: When the data are missing or an option is invalid.
    """
    if labels not in ("fine", "coarse"):
        raise unknown("task.labels", labels, ["fine", "coarse"])
    build = VisionTask(
        "cifar100",
        _read_coarse if labels == "coarse" else _read_fine,
        mean=(0.5071, 0.4866, 0.4409),
        std=(0.2673, 0.2564, 0.2762),
        crop=CropFlip(),
    )
    return build(forget, seed, root, download, model, recipe, heldout, augment)


def image_folder(
    root: str | Path,
    size: int = 32,
    forget: ForgetRequest | None = None,
    seed: int = 2,
    model: str | Mapping[str, Any] = "resnet18",
    recipe: str | Mapping[str, Any] | None = None,
    heldout: float = 0.5,
    augment: bool = True,
) -> UnlearningTask:
    """Builds a task from image files, one folder per class.

    Args:
        root: Holds ``train/`` and ``test/`` (``val/`` where there is no ``test/``) with the same
            classes.
        size: Height and width of the images: scaled until the shorter side fits, cropped in the
            middle. All of them are in memory at this size.
        forget: See `VisionTask`.
        seed: See `VisionTask`; the split of ``train/`` follows the published rule.
        model: See `VisionTask`.
        recipe: See `VisionTask`.
        heldout: See `VisionTask`.
        augment: See `VisionTask`.

    Raises:
        InputError: When images are missing or an option is invalid.
    """
    if type(size) is not int or size < 1:
        raise InputError(f"task.size: {size!r} is no size; give an integer of 1 or more.")
    build = VisionTask(
        "image_folder",
        lambda folder, _: read_image_folder(folder, size),
        **_IMAGENET,
        crop=CropFlip(padding=max(1, size // 8)),
    )
    return build(forget, seed, root, False, model, recipe, heldout, augment)


def _read_fine(root: Path, download: bool) -> PublishedImages:
    images = read_cifar100(root, download)
    names = images.groups.class_names
    groups = Groups(names, superclass_of=_superclasses(names))
    return replace(images, groups=groups, facts={"labels": "fine"})


def _read_coarse(root: Path, download: bool) -> PublishedImages:
    images = read_cifar100(root, download)
    names, fine = images.groups.class_names, images.train.labels
    superclass_of = torch.tensor(_superclasses(names))
    train, test = (
        Samples(part.inputs, superclass_of[part.labels]) for part in (images.train, images.test)
    )
    groups = Groups(tuple(SUPERCLASSES), subclass_names=names, subclass_of=fine)
    return PublishedImages(train, test, groups, strata=fine, facts={"labels": "coarse"})


def _superclasses(names: tuple[str, ...]) -> tuple[int, ...]:
    number = {name: k for k, members in enumerate(SUPERCLASSES.values()) for name in members}
    return tuple(number[name] for name in names)
