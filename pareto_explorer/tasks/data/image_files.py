"""Image data sets that are folders of image files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.data.data_files import fetched, read_all
from pareto_explorer.tasks.data.published_images import PublishedImages

__all__ = ["read_image_folder", "read_images", "read_tiny_imagenet"]

_TINY_URL = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
_TINY_MD5 = "90528d7ca1a48142e341f4ef8d21d0de"
_TINY_SIZE = 64


def read_image_folder(root: Path, size: int) -> PublishedImages:
    """Reads ``train/`` and ``test/`` with one folder of images per class.

    ``val/`` serves as the test set where ``test/`` is not there or has no class folders, as it is
    in data sets that keep their test labels to themselves.

    Args:
        root: The folder of both.
        size: Height and width that images are brought to, see `read_images`.

    Raises:
        InputError: When images are missing or damaged, or the two parts have other classes.
    """
    has_classes = any(path.is_dir() for path in (root / "test").glob("*"))
    second = "test" if has_classes or not (root / "val").exists() else "val"

    def read() -> PublishedImages:
        train, classes = _read_classes(root / "train", size)
        test, others = _read_classes(root / second, size)
        if classes != others:
            odd = min(set(classes) ^ set(others))
            raise InputError(
                f"task.root: {root} has the class {odd!r} in only one of train and {second}; give"
                " both the same class folders."
            )
        return PublishedImages(train, test, Groups(classes))

    return read_all("the image folder", root, ["train", second], read, can_fetch=False)


def read_tiny_imagenet(root: Path, download: bool) -> PublishedImages:
    """Reads Tiny-ImageNet: 100,000 and 10,000 images of 64x64 pixels in 200 classes.

    The published validation part, whose labels are in ``val_annotations.txt``, is the test set,
    since the labels of the published test part are not public.
    """
    folder = root / "tiny-imagenet-200"
    names = ["train", "val/images", "val/val_annotations.txt", "words.txt"]

    def read() -> PublishedImages:
        train, wnids = _read_classes(folder / "train", _TINY_SIZE)
        rows = _table(folder / "val" / "val_annotations.txt")
        paths = [folder / "val" / "images" / row[0] for row in rows]
        labels = torch.tensor([wnids.index(row[1]) for row in rows])
        test = Samples(read_images(paths, _TINY_SIZE), labels)
        meanings = {row[0]: row[1].split(",")[0] for row in _table(folder / "words.txt")}
        return PublishedImages(train, test, Groups(tuple(meanings[wnid] for wnid in wnids)))

    def fetch() -> None:
        from torchvision.datasets import utils  # slow to import, and few need it

        utils.download_and_extract_archive(_TINY_URL, str(root), md5=_TINY_MD5)

    if download:
        fetched("Tiny-ImageNet", folder, names, fetch)
    return read_all("Tiny-ImageNet", folder, names, read)


def read_images(paths: Sequence[Path], size: int) -> Tensor:
    """Reads image files as RGB.

    An image of another size is scaled until its shorter side fits, and cropped in the middle.

    Args:
        paths: The files, n of them.
        size: Height and width of the result.

    Returns:
        uint8 of shape (n, 3, size, size).

    Raises:
        OSError: When a file cannot be read.
    """
    pixels = np.empty((len(paths), size, size, 3), dtype=np.uint8)

    def read(position: int) -> None:
        with Image.open(paths[position]) as image:
            colours = image.convert("RGB")
        if colours.size != (size, size):
            colours = ImageOps.fit(colours, (size, size), Image.Resampling.BILINEAR)
        pixels[position] = np.asarray(colours)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for _ in pool.map(read, range(len(paths))):
            pass
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def _read_classes(folder: Path, size: int) -> tuple[Samples, tuple[str, ...]]:
    """Reads the class folders in ``folder``, whose images may lie deeper inside."""
    from torchvision.datasets import ImageFolder  # slow to import, and few need it

    found = ImageFolder(str(folder))
    images = read_images([Path(path) for path, _ in found.samples], size)
    return Samples(images, torch.tensor(found.targets)), tuple(found.classes)


def _table(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line.strip()]
