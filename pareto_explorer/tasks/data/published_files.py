"""Published image data sets, read whole through torchvision's own loaders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.data.data_files import fetched, read_all
from pareto_explorer.tasks.data.published_images import PublishedImages

if TYPE_CHECKING:
    from torchvision import datasets

__all__ = ["read_cifar10", "read_cifar100", "read_fashion_mnist", "read_mnist", "read_svhn"]


def read_cifar10(root: Path, download: bool) -> PublishedImages:
    """Reads CIFAR-10: 50,000 and 10,000 images of 32x32 pixels in 10 classes."""
    return _read_cifar(_loaders().CIFAR10, "CIFAR-10", root, download)


def read_cifar100(root: Path, download: bool) -> PublishedImages:
    """Reads CIFAR-100: 50,000 and 10,000 images of 32x32 pixels in 100 fine classes."""
    return _read_cifar(_loaders().CIFAR100, "CIFAR-100", root, download)


def read_mnist(root: Path, download: bool) -> PublishedImages:
    """Reads MNIST: 60,000 and 10,000 grey images of 28x28 pixels in 10 classes."""
    return _read_mnist(_loaders().MNIST, "MNIST", root, download)


def read_fashion_mnist(root: Path, download: bool) -> PublishedImages:
    """Reads Fashion-MNIST: 60,000 and 10,000 grey images of 28x28 pixels in 10 classes."""
    return _read_mnist(_loaders().FashionMNIST, "Fashion-MNIST", root, download)


def read_svhn(root: Path, download: bool) -> PublishedImages:
    """Reads SVHN's cropped digits: 73,257 and 26,032 images of 32x32 pixels; class k is digit k."""
    loader = _loaders().SVHN

    def part(split: str, download: bool = False) -> datasets.SVHN:
        return loader(str(root), split=split, download=download)

    def read() -> PublishedImages:
        train, test = part("train"), part("test")
        return PublishedImages(
            _samples(train.data, train.labels),
            _samples(test.data, test.labels),
            Groups(tuple("0123456789")),
        )

    names = [loader.split_list[split][1] for split in ("train", "test")]
    if download:
        fetched("SVHN", root, names, lambda: (part("train", True), part("test", True)))
    return read_all("SVHN", root, names, read)


def _read_cifar(
    kind: type[datasets.CIFAR10], title: str, root: Path, download: bool
) -> PublishedImages:
    def read() -> PublishedImages:
        train, test = (kind(str(root), train=part) for part in (True, False))
        return PublishedImages(
            _samples(train.data.transpose(0, 3, 1, 2), train.targets),
            _samples(test.data.transpose(0, 3, 1, 2), test.targets),
            Groups(tuple(train.classes)),
        )

    folder = root / kind.base_folder
    names = [name for name, _ in (*kind.train_list, *kind.test_list)] + [kind.meta["filename"]]
    if download:
        fetched(title, folder, names, lambda: kind(str(root), download=True))
    return read_all(title, folder, names, read)


def _read_mnist(
    kind: type[datasets.MNIST], title: str, root: Path, download: bool
) -> PublishedImages:
    def read() -> PublishedImages:
        train, test = (kind(str(root), train=part) for part in (True, False))
        return PublishedImages(
            _samples(train.data.unsqueeze(1), train.targets),
            _samples(test.data.unsqueeze(1), test.targets),
            Groups(tuple(name.split(" - ")[-1] for name in train.classes)),
        )

    folder = root / kind.__name__ / "raw"
    names = [name.removesuffix(".gz") for name, _ in kind.resources]
    if download:
        fetched(title, folder, names, lambda: kind(str(root), download=True))
    return read_all(title, folder, names, read)


def _loaders() -> Any:
    from torchvision import datasets  # slow to import, and few need it

    return datasets


def _samples(images: np.ndarray | Tensor, labels: Any) -> Samples:
    pixels = torch.as_tensor(np.ascontiguousarray(images))
    return Samples(pixels, torch.as_tensor(np.asarray(labels)))
