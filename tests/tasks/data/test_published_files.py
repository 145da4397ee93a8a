from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision import datasets

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import cifar10
from pareto_explorer.tasks.data.data_files import data_root
from pareto_explorer.tasks.data.published_files import (
    read_cifar10,
    read_cifar100,
    read_fashion_mnist,
    read_mnist,
    read_svhn,
)
from pareto_explorer.tasks.data.published_images import PublishedImages
from tests.tasks import vision_data

Patch = pytest.MonkeyPatch
Written = tuple[np.ndarray, np.ndarray]
WRITERS: dict[str, tuple[Callable[[Path, Patch], Written], Callable[..., PublishedImages]]] = {
    "cifar10": (vision_data.write_cifar10, read_cifar10),
    "cifar100": (vision_data.write_cifar100, read_cifar100),
    "svhn": (vision_data.write_svhn, read_svhn),
    "mnist": (lambda root, _: vision_data.write_mnist(root), read_mnist),
    "fashion_mnist": (
        lambda root, _: vision_data.write_mnist(root, "FashionMNIST"),
        read_fashion_mnist,
    ),
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: Patch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", WRITERS)
def test_pixels_and_labels_are_those_of_the_files(
    name: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    write, read = WRITERS[name]
    images, labels = write(tmp_path, monkeypatch)
    found = read(tmp_path, False)
    pixels = images if images.ndim == 4 else images[:, None]
    assert found.train.inputs.dtype == torch.uint8
    assert found.train.inputs.is_contiguous()
    assert np.array_equal(found.train.inputs.numpy(), pixels)
    assert np.array_equal(found.train.labels.numpy(), labels)
    assert len(found.test) in (20, 100)
    assert found.test.inputs.shape[1:] == found.train.inputs.shape[1:]
    assert len(found.groups.class_names) == (100 if name == "cifar100" else 10)


def test_classes_have_the_names_of_the_files(tmp_path: Path, monkeypatch: Patch) -> None:
    vision_data.write_cifar10(tmp_path, monkeypatch)
    vision_data.write_mnist(tmp_path, "FashionMNIST")
    assert list(read_cifar10(tmp_path, False).groups.class_names) == vision_data.CIFAR10_NAMES
    assert read_fashion_mnist(tmp_path, False).groups.class_names[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("name", "folder", "files"),
    [
        (
            "cifar10",
            "cifar-10-batches-py",
            "data_batch_1, data_batch_2, data_batch_3, data_batch_4, data_batch_5, test_batch and"
            " batches.meta",
        ),
        ("cifar100", "cifar-100-python", "train, test and meta"),
        ("svhn", "", "train_32x32.mat and test_32x32.mat"),
        (
            "mnist",
            "MNIST/raw",
            "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and"
            " t10k-labels-idx1-ubyte",
        ),
    ],
)
def test_missing_data_are_one_sentence_that_says_which_files_go_where(
    name: str, folder: str, files: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        WRITERS[name][1](tmp_path, False)
    text = str(caught.value)
    assert text.startswith("task.root: ")
    assert text.endswith(
        f" is missing; put {files} into {tmp_path / folder}, or set download: true where there is"
        " a network."
    )
    assert "\n" not in text


def test_only_the_files_that_are_missing_are_asked_for(tmp_path: Path, monkeypatch: Patch) -> None:
    vision_data.write_cifar10(tmp_path, monkeypatch)
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").unlink()
    with pytest.raises(InputError, match=r"missing; put data_batch_3 into .*cifar-10-batches-py, "):
        read_cifar10(tmp_path, False)


def test_damaged_files_are_told_from_missing_ones(tmp_path: Path, monkeypatch: Patch) -> None:
    vision_data.write_cifar10(tmp_path, monkeypatch)
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"half a file")
    vision_data.write_mnist(tmp_path)
    labels = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-7])
    for read in (read_cifar10, read_mnist):
        with pytest.raises(InputError, match=r"^task\.root: .* is damaged \(.+\); replace .*\.$"):
            read(tmp_path, False)


@pytest.mark.parametrize("name", WRITERS)
def test_a_download_that_fails_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        WRITERS[name][1](tmp_path, True)
    text = str(caught.value)
    assert text.startswith("task.download: ")
    assert "cannot be fetched" in text
    assert "Network is unreachable" in text
    assert f"into {tmp_path}" in text
    assert "\n" not in text


def test_download_fetches_what_is_not_there_and_nothing_else(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    fetches = []

    def fetch(self: datasets.CIFAR10) -> None:
        fetches.append(self.root)
        vision_data.write_cifar10(Path(self.root), monkeypatch)

    monkeypatch.setattr(datasets.CIFAR10, "download", fetch)
    for _ in range(2):
        assert len(read_cifar10(tmp_path, True).train) == 200
    assert fetches == [str(tmp_path)]


def test_a_download_without_a_host_names_the_reason(tmp_path: Path, monkeypatch: Patch) -> None:
    def fetch(self: datasets.CIFAR10) -> None:
        raise URLError("no such host")

    monkeypatch.setattr(datasets.CIFAR10, "download", fetch)
    with pytest.raises(InputError, match=r"cannot be fetched \(<urlopen error no such host>\)"):
        read_cifar10(tmp_path, True)


def test_the_folder_of_the_data_comes_from_the_task_the_environment_or_here(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.delenv("PARETO_EXPLORER_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert data_root(None) == tmp_path / "data"
    monkeypatch.setenv("PARETO_EXPLORER_DATA", "/elsewhere")
    assert data_root(None) == Path("/elsewhere")
    assert data_root("mine") == tmp_path / "mine"
    assert data_root("~/data") == Path.home() / "data"
    with pytest.raises(InputError, match=r"^task\.root: 3 is no folder; give a path\.$"):
        data_root(3)  # type: ignore[arg-type]


def test_the_environment_reaches_the_tasks(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setenv("PARETO_EXPLORER_DATA", str(tmp_path / "data sets"))
    with pytest.raises(InputError, match="data sets/cifar-10-batches-py"):
        cifar10()
