from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    RECIPES,
    UnlearningTask,
    WholeClass,
    cifar10,
    image_folder,
    make_task,
    mnist,
    tiny_imagenet,
    train_landmark,
)
from pareto_explorer.tasks.builtin.vision import SUPERCLASSES
from pareto_explorer.tasks.data.augment import CropFlip
from tests.tasks import vision_data

Patch = pytest.MonkeyPatch
SMALL = {"name": "resnet20", "width": 2}
COARSE = (  # of the fine classes in alphabetical order, as the data set's files have them
    "4 1 14 8 0 6 7 7 18 3 3 14 9 18 7 11 3 9 7 11 6 11 5 10 7 6 13 15 3 15 0 11 1 10 12 14 16 9 11"
    " 5 5 19 8 8 15 13 14 17 18 10 16 4 17 4 2 0 17 4 18 17 10 3 2 12 12 16 12 1 9 19 2 10 0 1 16"
    " 12 9 13 15 13 16 19 2 4 6 19 5 5 8 19 18 1 2 15 6 0 17 8 14 13"
)
WRITERS: dict[str, Callable[[Path, Patch], object]] = {
    "cifar10": vision_data.write_cifar10,
    "cifar100": vision_data.write_cifar100,
    "svhn": vision_data.write_svhn,
    "mnist": lambda root, _: vision_data.write_mnist(root),
    "fashion_mnist": lambda root, _: vision_data.write_mnist(root, "FashionMNIST"),
    "tiny_imagenet": lambda root, _: vision_data.write_tiny_imagenet(root),
    "image_folder": lambda root, _: vision_data.write_folders(root),
}


def make(name: str, root: Path, **options: Any) -> UnlearningTask:
    return make_task({"name": name, "root": str(root), "model": SMALL, **options})


@pytest.mark.parametrize("name", WRITERS)
def test_every_data_set_makes_a_task_whose_model_takes_its_images(
    name: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    WRITERS[name](tmp_path, monkeypatch)
    task = make(name, tmp_path)
    sizes = task.facts["sizes"]
    assert task.name == name
    published = len(task.train) * 10 // 9
    assert sizes["heldout"] == sizes["validation"] == published // 20
    assert sizes["forget"] == round(0.1 * len(task.train))
    assert task.facts["shared_inputs"] == {"total": 0}
    assert task.facts["seed"] == 2
    assert task.facts["model"]["name"] == "resnet20"
    assert task.train.inputs.dtype == torch.uint8
    assert task.recipe == RECIPES["fast"]
    model = task.model().eval()
    logits = model(task.test.inputs[:2])
    assert logits.shape == (2, task.n_classes)
    assert torch.isfinite(logits).all()
    assert isinstance(pickle.loads(pickle.dumps(task)), UnlearningTask)  # noqa: S301
    generator = torch.Generator().manual_seed(0)
    assert task.augment is not None
    assert task.augment(task.train.inputs[:4], generator).shape == task.train.inputs[:4].shape


def test_images_are_normalised_by_the_data_sets_own_numbers(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    vision_data.write_cifar10(tmp_path, monkeypatch)
    model: Any = make("cifar10", tmp_path).model()
    assert model.mean.flatten().tolist() == pytest.approx([0.4914, 0.4822, 0.4465])
    assert model.std.flatten().tolist() == pytest.approx([0.2470, 0.2435, 0.2616])


@pytest.mark.parametrize(
    ("name", "flip"),
    [("cifar10", True), ("svhn", False), ("mnist", False), ("fashion_mnist", True)],
)
def test_digits_are_never_mirrored(
    name: str, flip: bool, tmp_path: Path, monkeypatch: Patch
) -> None:
    WRITERS[name](tmp_path, monkeypatch)
    crop = make(name, tmp_path).augment
    assert isinstance(crop, CropFlip)
    assert crop.flip is flip
    assert make(name, tmp_path, augment=False).augment is None


def test_the_split_and_the_forget_set_are_those_of_the_published_code(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    images, labels = vision_data.write_cifar10(tmp_path, monkeypatch)
    task = make("cifar10", tmp_path)
    rng = np.random.RandomState(2)
    picked = []
    for k in range(10):
        class_idx = np.where(labels == k)[0]
        picked.append(rng.choice(class_idx, int(0.1 * len(class_idx)), replace=False))
    held = np.hstack(picked)
    kept = [i for i in range(len(labels)) if i not in set(held.tolist())]
    assert np.array_equal(task.train.inputs.numpy(), images[kept])
    assert np.array_equal(task.train.labels.numpy(), labels[kept])
    marked = np.random.RandomState(1).choice(np.arange(len(kept)), size=18, replace=False)
    assert task.forget_indices.tolist() == sorted(marked.tolist())
    rest = torch.cat([task.heldout.inputs, task.validation.inputs]).flatten(1)
    assert {row.tobytes() for row in rest.numpy()} == {image.tobytes() for image in images[held]}


def test_held_out_and_validation_share_what_training_leaves(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    vision_data.write_cifar10(tmp_path, monkeypatch)
    task = make("cifar10", tmp_path)
    assert task.heldout.labels.bincount().tolist() == 10 * [1]
    assert task.validation.labels.bincount().tolist() == 10 * [1]
    vision_data.write_mnist(tmp_path, n=1000)
    task = make("mnist", tmp_path, heldout=0.2)
    assert len(task.train) == 900
    assert task.heldout.labels.bincount().tolist() == 10 * [2]
    assert task.validation.labels.bincount().tolist() == 10 * [8]


def test_a_class_request_drops_the_class_from_validation_and_test(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    vision_data.write_cifar10(tmp_path, monkeypatch)
    task = cifar10(WholeClass(label=3, adjacent=5), root=tmp_path, model=SMALL)
    assert set(task.forget.labels.tolist()) == {3}
    assert 3 not in task.validation.labels
    assert 3 not in task.test.labels
    assert 3 in task.heldout.labels
    assert task.facts["forget_class"] == "cat"
    assert task.facts["adjacent_classes"] == ["dog"]
    assert task.adjacent is not None
    assert set(task.adjacent.labels.tolist()) == {5}


def test_the_superclasses_of_cifar100_are_the_published_ones() -> None:
    number = {name: k for k, names in enumerate(SUPERCLASSES.values()) for name in names}
    assert [number[name] for name in sorted(number)] == [int(k) for k in COARSE.split()]
    assert list(SUPERCLASSES) == sorted(SUPERCLASSES)


def test_a_fine_class_of_cifar100_is_adjacent_to_the_rest_of_its_superclass(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    vision_data.write_cifar100(tmp_path, monkeypatch)
    task = make("cifar100", tmp_path, forget={"kind": "class", "label": 1})
    assert task.n_classes == 100
    assert task.facts["labels"] == "fine"
    assert task.facts["forget_class"] == "aquarium_fish"
    assert task.facts["adjacent_classes"] == ["flatfish", "ray", "shark", "trout"]
    assert task.adjacent is not None
    assert len(task.adjacent) == 4 * 18


def test_coarse_labels_forget_a_true_subclass(tmp_path: Path, monkeypatch: Patch) -> None:
    images, fine = vision_data.write_cifar100(tmp_path, monkeypatch)
    request = {"kind": "subclass", "subclass": "aquarium_fish"}
    task = make("cifar100", tmp_path, labels="coarse", forget=request)
    assert task.n_classes == 20
    assert task.facts["labels"] == "coarse"
    assert task.facts["forget"] == request
    assert task.facts["adjacent_classes"] == ["fish"]
    fish = {image.tobytes() for image in images[fine == 1]}
    assert {image.tobytes() for image in task.forget.inputs.numpy()} < fish
    assert len(task.forget) == 18
    assert set(task.forget.labels.tolist()) == {1}
    assert task.adjacent is not None
    assert len(task.adjacent) == 4 * 18
    assert set(task.adjacent.labels.tolist()) == {1}
    assert 1 in task.test.labels
    by_number = make("cifar100", tmp_path, labels="coarse", forget={**request, "subclass": 1})
    assert torch.equal(by_number.forget_indices, task.forget_indices)


def test_fine_and_coarse_labels_share_one_split(tmp_path: Path, monkeypatch: Patch) -> None:
    vision_data.write_cifar100(tmp_path, monkeypatch)
    fine, coarse = (make("cifar100", tmp_path, labels=labels) for labels in ("fine", "coarse"))
    for name in ("train", "heldout", "validation", "test"):
        assert torch.equal(getattr(fine, name).inputs, getattr(coarse, name).inputs)
        table = torch.tensor([int(k) for k in COARSE.split()])
        assert torch.equal(table[getattr(fine, name).labels], getattr(coarse, name).labels)


def test_options_come_through_to_the_task(tmp_path: Path, monkeypatch: Patch) -> None:
    vision_data.write_mnist(tmp_path)
    task = make("mnist", tmp_path, seed=5, recipe={"name": "published", "epochs": 160})
    assert task.recipe.epochs == 160
    assert task.recipe.schedule == "multistep"
    assert task.facts["seed"] == 5
    assert not torch.equal(task.forget_indices, make("mnist", tmp_path).forget_indices)
    model: Any = mnist(root=tmp_path, model={**SMALL, "precision": "bfloat16"}).model()
    assert model(task.test.inputs[:2]).dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, r"^task\.seed: -1 is no seed; give an integer from 0 to 2\*\*32 - 1\.$"),
        ({"seed": 2**32}, r"^task\.seed: 4294967296 is no seed"),
        ({"seed": True}, r"^task\.seed: True is no seed"),
        ({"heldout": 1.0}, r"^task\.heldout: 1\.0 must be a number between 0 and 1"),
        ({"heldout": 1}, r"^task\.heldout: 1 must be a number between 0 and 1"),
        ({"heldout": 0.01}, r"^task\.heldout: 0\.01 of a validation part of 20 images leaves a se"),
        ({"augment": "no"}, r"^task\.augment: 'no' must be true or false\.$"),
        ({"download": 1}, r"^task\.download: 1 must be true or false\.$"),
        ({"root": 3}, r"^task\.root: 3 is no folder"),
        ({"model": "resnet1"}, r"^task\.model\.name: 'resnet1' is not known"),
        ({"recipe": "slow"}, r"^task\.recipe: 'slow' is not known"),
        ({"labels": "fine"}, r"^task: option: 'labels' is not known"),
        ({"forget": {"kind": "class", "label": 10}}, r"^task\.forget\.label: 10 is no class"),
        (
            {"forget": {"kind": "subclass", "subclass": "cat"}},
            r"^task\.forget\.subclass: 'cat' cannot be found, since this task knows no subclasses",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    vision_data.write_mnist(tmp_path)
    with pytest.raises(InputError, match=message):
        make_task({"name": "mnist", "root": str(tmp_path), "model": SMALL, **options})


def test_options_are_checked_before_the_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^task\.seed"):
        cifar10(root=tmp_path, seed=-1)
    with pytest.raises(InputError, match=r"^task\.labels: 'course' .* did you mean 'coarse'"):
        make("cifar100", tmp_path, labels="course")
    with pytest.raises(InputError, match=r"^task\.size: 0 is no size; give an integer"):
        image_folder(tmp_path, size=0)
    with pytest.raises(InputError, match=r"^task\.root: is missing"):
        make_task({"name": "image_folder"})


def test_an_image_folder_is_resized_and_its_crop_with_it(tmp_path: Path) -> None:
    vision_data.write_folders(tmp_path)
    task = image_folder(tmp_path, size=48, model=SMALL)
    assert task.train.inputs.shape == (36, 3, 48, 48)
    assert task.augment == CropFlip(padding=6)


def test_too_few_images_for_the_split_are_refused(tmp_path: Path) -> None:
    vision_data.write_folders(tmp_path, per_class=9)
    with pytest.raises(InputError, match=r"validation part of 0 images .* at least 20 training im"):
        image_folder(tmp_path, model=SMALL)


def test_tiny_imagenet_forgets_a_class_by_its_number(tmp_path: Path) -> None:
    vision_data.write_tiny_imagenet(tmp_path)
    task = tiny_imagenet(WholeClass(label=0), root=tmp_path, model=SMALL)
    assert task.facts["forget_class"] == "goldfish"
    assert set(task.test.labels.tolist()) == {1}


def test_a_landmark_can_be_trained_on_the_bytes(tmp_path: Path) -> None:
    vision_data.write_mnist(tmp_path)
    task = mnist(root=tmp_path, model=SMALL, recipe={"epochs": 1, "batch_size": 64})
    state = train_landmark(task, "retrained", 0, "cpu")
    model = task.model()
    model.load_state_dict(state)
    assert model.eval()(task.test.inputs).isfinite().all()
