from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.data.image_files import (
    read_image_folder,
    read_images,
    read_tiny_imagenet,
)
from tests.tasks.vision_data import noise, write_folders, write_image, write_tiny_imagenet


def test_images_of_the_right_size_are_read_as_they_are(tmp_path: Path) -> None:
    colours = noise(3, 8, 8, 3)
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, pixels in zip(paths, colours, strict=True):
        write_image(path, pixels)
    images = read_images(paths, 8)
    assert images.dtype == torch.uint8
    assert images.is_contiguous()
    assert np.array_equal(images.numpy(), colours.transpose(0, 3, 1, 2))


def test_grey_images_get_three_equal_channels(tmp_path: Path) -> None:
    grey = noise(1, 8, 8)[0]
    write_image(tmp_path / "grey.png", grey)
    images = read_images([tmp_path / "grey.png"], 8)
    assert np.array_equal(images[0].numpy(), np.stack([grey] * 3))


def test_other_sizes_are_scaled_without_distortion_and_cropped_in_the_middle(
    tmp_path: Path,
) -> None:
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, 10:20] = 200  # the square in the middle
    write_image(tmp_path / "wide.png", wide)
    write_image(tmp_path / "tall.png", wide.transpose(1, 0, 2).copy())
    assert read_images([tmp_path / "wide.png", tmp_path / "tall.png"], 10).unique().tolist() == [
        200
    ]
    small = read_images([tmp_path / "wide.png"], 5)
    assert small.shape == (1, 3, 5, 5)
    assert int(small[:, :, :, 2].min()) == 200


def test_an_image_folder_is_read_with_classes_by_name(tmp_path: Path) -> None:
    write_folders(tmp_path)
    found = read_image_folder(tmp_path, 9)
    assert found.groups.class_names == ("ants", "bees")
    assert found.train.inputs.shape == (40, 3, 9, 9)
    assert found.train.labels.tolist() == 20 * [0] + 20 * [1]
    assert found.test.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert len(found.train.inputs.flatten(1).unique(dim=0)) == 40


@pytest.mark.parametrize("unlabelled_test", [False, True])
def test_val_serves_where_test_has_no_classes(tmp_path: Path, unlabelled_test: bool) -> None:
    write_folders(tmp_path, second="val")
    if unlabelled_test:
        write_image(tmp_path / "test" / "0.png", noise(1, 9, 9, 3)[0])
    assert len(read_image_folder(tmp_path, 9).test) == 6


def test_image_folders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    missing = rf"^task\.root: the image folder is missing; put train and test into {tmp_path}\.$"
    with pytest.raises(InputError, match=missing):
        read_image_folder(tmp_path, 9)
    write_folders(tmp_path)
    write_image(tmp_path / "test" / "wasps" / "0.png", noise(1, 9, 9, 3)[0])
    with pytest.raises(InputError, match="has the class 'wasps' in only one of train and test;"):
        read_image_folder(tmp_path, 9)
    shutil.rmtree(tmp_path / "test" / "wasps")
    (tmp_path / "train" / "ants" / "05.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"damaged \(cannot identify image file .*05\.png"):
        read_image_folder(tmp_path, 9)
    shutil.rmtree(tmp_path / "train" / "bees")
    (tmp_path / "train" / "bees").mkdir()
    with pytest.raises(InputError, match=r"damaged \(.*bees"):
        read_image_folder(tmp_path, 9)


def test_tiny_imagenet_is_read_in_its_true_layout(tmp_path: Path) -> None:
    tests = write_tiny_imagenet(tmp_path)
    found = read_tiny_imagenet(tmp_path, False)
    assert found.groups.class_names == ("goldfish", "Egyptian cat")  # by WordNet number
    assert found.train.inputs.shape == (40, 3, 64, 64)
    assert found.train.labels.bincount().tolist() == [20, 20]
    shades = {
        round(float(image.float().mean())): int(label)
        for image, label in zip(found.test.inputs, found.test.labels, strict=True)
    }
    cats = {20 * int(name[4]) for name in tests["n02124075"]}
    assert {shade for shade, label in shades.items() if label == 1} == cats


def test_tiny_imagenet_says_what_is_missing_and_what_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_tiny_imagenet(tmp_path, False)
    assert str(caught.value) == (
        "task.root: Tiny-ImageNet is missing; put train, val/images, val/val_annotations.txt and"
        f" words.txt into {tmp_path / 'tiny-imagenet-200'}, or set download: true where there is a"
        " network."
    )
    write_tiny_imagenet(tmp_path)
    (tmp_path / "tiny-imagenet-200" / "val" / "images" / "val_3.JPEG").unlink()
    with pytest.raises(InputError, match=r"Tiny-ImageNet in .* is damaged \(.*val_3\.JPEG"):
        read_tiny_imagenet(tmp_path, False)


def test_tiny_imagenet_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fetch(url: str, root: str, md5: str) -> None:
        calls.append((url, md5))
        write_tiny_imagenet(Path(root))

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", fetch)
    for _ in range(2):
        assert len(read_tiny_imagenet(tmp_path, True).train) == 40
    assert calls == [
        (
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            "90528d7ca1a48142e341f4ef8d21d0de",
        )
    ]


def test_tiny_imagenet_that_cannot_be_fetched_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, root: str, md5: str) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", fetch)
    with pytest.raises(InputError, match=r"^task\.download: .* \(no route to host\); fetch it wh"):
        read_tiny_imagenet(tmp_path, True)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_of_absurd_size_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folders(tmp_path)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 10)
    with pytest.raises(InputError, match=r"^task\.root: .* is damaged \(Image size"):
        read_image_folder(tmp_path, 8)
