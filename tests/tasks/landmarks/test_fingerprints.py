from __future__ import annotations

import importlib
import importlib.util
import pickle
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.tasks import LandmarkKind, Samples, UnlearningTask, WholeClass, fingerprint
from pareto_explorer.tasks.builtin.text.encoder import TextEncoder
from pareto_explorer.tasks.landmarks import fingerprints
from tests.tasks.small import SmallNet, clouds, small_task


class OtherForward(SmallNet):
    def forward(self, inputs: Tensor) -> Tensor:
        return -super().forward(inputs)


def with_train(task: UnlearningTask, change: Callable[[Tensor, Tensor], None]) -> UnlearningTask:
    inputs, labels = task.train.inputs.clone(), task.train.labels.clone()
    change(inputs, labels)
    return replace(task, train=Samples(inputs, labels))


def one_pixel(inputs: Tensor, labels: Tensor) -> None:
    inputs[int(small_task().retain_indices[0]), 0] += 1e-6


def one_label(inputs: Tensor, labels: Tensor) -> None:
    index = int(small_task().retain_indices[0])
    labels[index] = (labels[index] + 1) % 3


def the_order(inputs: Tensor, labels: Tensor) -> None:
    first, second = small_task().retain_indices[:2].tolist()
    inputs[[first, second]] = inputs[[second, first]]
    labels[[first, second]] = labels[[second, first]]


def relu(slope: float) -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(slope))


@pytest.mark.parametrize("kind", ["original", "retrained"])
@pytest.mark.parametrize(
    "change",
    [
        lambda task: with_train(task, one_pixel),
        lambda task: with_train(task, one_label),
        lambda task: with_train(task, the_order),
        lambda task: replace(task, train=task.train.take(torch.arange(89))),
        lambda task: replace(task, recipe=replace(task.recipe, epochs=3)),
        lambda task: replace(task, recipe=replace(task.recipe, batch_size=8)),
        lambda task: replace(task, recipe=replace(task.recipe, lr=0.05)),
        lambda task: replace(task, recipe=replace(task.recipe, momentum=0.8)),
        lambda task: replace(task, recipe=replace(task.recipe, weight_decay=0.0)),
        lambda task: replace(task, model=partial(SmallNet, hidden=7)),
        lambda task: replace(task, model=partial(SmallNet, dropout=0.2)),
        lambda task: replace(task, model=OtherForward),
    ],
    ids=[
        *("input", "label", "order", "size", "epochs", "batch_size", "lr", "momentum"),
        *("weight_decay", "width", "dropout", "class"),
    ],
)
def test_fingerprint_follows_everything_that_matters(
    task: UnlearningTask,
    kind: LandmarkKind,
    change: Callable[[UnlearningTask], UnlearningTask],
) -> None:
    assert fingerprint(change(task), kind, 0) != fingerprint(task, kind, 0)


def test_fingerprint_follows_seed_kind_forget_set_and_activation(task: UnlearningTask) -> None:
    names = {
        fingerprint(task, "original", 0),
        fingerprint(task, "original", 1),
        fingerprint(task, "retrained", 0),
        fingerprint(small_task(WholeClass(label=1)), "retrained", 0),
        fingerprint(replace(task, model=partial(relu, 0.1)), "original", 0),
        fingerprint(replace(task, model=partial(relu, 0.2)), "original", 0),
    }
    assert len(names) == 6
    assert all(re.fullmatch("[0-9a-f]{64}", name) for name in names)


def frozen(value: float) -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 3))
    model[0].weight.requires_grad_(False).mul_(value)
    return model


def test_weights_that_are_not_trained_count(task: UnlearningTask) -> None:
    first, again, other = (replace(task, model=partial(frozen, v)) for v in (0.1, 0.1, 0.2))
    assert fingerprint(first, "retrained", 0) == fingerprint(again, "retrained", 0)
    assert fingerprint(first, "retrained", 0) != fingerprint(other, "retrained", 0)


def louder(inputs: Tensor, generator: torch.Generator) -> Tensor:
    return 2 * inputs


def one_and_a_half(logits: Tensor, labels: Tensor) -> Tensor:
    return 1.5 * functional.cross_entropy(logits, labels)


@dataclass(frozen=True)
class Scaled:
    factor: float

    def __call__(self, inputs: Tensor, _: torch.Generator) -> Tensor:
        return self.factor * inputs


class Shifted(SmallNet):
    """Its buffer is not in the state."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.register_buffer("by", torch.tensor(by), persistent=False)


def test_fingerprint_follows_loss_augmentation_and_hidden_buffers(task: UnlearningTask) -> None:
    smooth = partial(functional.cross_entropy, label_smoothing=0.1)
    changes = [
        {},
        {"recipe": replace(task.recipe, schedule="cosine")},
        {"recipe": replace(task.recipe, nesterov=False)},
        {"loss": one_and_a_half},
        {"loss": smooth},
        {"loss": partial(functional.cross_entropy, label_smoothing=0.2)},
        {"loss": nn.CrossEntropyLoss()},
        {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)},
        {"loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))},
        {"augment": louder},
        {"augment": Scaled(2.0)},
        {"augment": Scaled(3.0)},
        {"model": partial(Shifted, 0.0)},
        {"model": partial(Shifted, 1.0)},
    ]
    names = [fingerprint(replace(task, **change), "original", 0) for change in changes]
    assert len(set(names)) == len(changes)
    again = [fingerprint(replace(task, **change), "original", 0) for change in changes]
    assert again == names


def times(factor: float) -> Callable[[Tensor, Tensor], Tensor]:
    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return factor * functional.cross_entropy(logits, labels)

    return loss


def with_default(factor: float) -> Callable[[Tensor, Tensor], Tensor]:
    def loss(logits: Tensor, labels: Tensor, by: float = factor) -> Tensor:
        return by * functional.cross_entropy(logits, labels)

    return loss


def halved(depth: int) -> Callable[[Tensor, torch.Generator], Tensor]:
    def augment(inputs: Tensor, generator: torch.Generator, left: int = depth) -> Tensor:
        return augment(inputs / 2, generator, left - 1) if left else inputs

    return augment


def test_fingerprint_follows_what_functions_hold(task: UnlearningTask) -> None:
    changes = [
        {name: make(value)}
        for name, make in (
            ("loss", times),
            ("loss", with_default),
            ("augment", halved),
            ("augment", lambda value: Scaled(value).__call__),
        )
        for value in (1, 2)
    ]
    names = [fingerprint(replace(task, **change), "original", 0) for change in changes]
    assert len(set(names)) == len(changes)
    assert [fingerprint(replace(task, **change), "original", 0) for change in changes] == names


class Sharpened(SmallNet):
    """Nothing of its settings is printed."""

    def __init__(self, by: float = 1.0, activation: Callable[[Tensor], Tensor] = torch.relu):
        super().__init__()
        self._by = by
        self.activation = activation

    def forward(self, inputs: Tensor) -> Tensor:
        return self._by * self.activation(super().forward(inputs))


def attentive(heads: int) -> nn.Module:
    return nn.Sequential(nn.TransformerEncoderLayer(8, heads, 8), nn.Linear(8, 3))


def test_fingerprint_follows_settings_that_a_model_does_not_print(task: UnlearningTask) -> None:
    models = [
        Sharpened,
        partial(Sharpened, by=2.0),
        partial(Sharpened, activation=torch.tanh),
        *(partial(attentive, heads) for heads in (2, 4)),
        *(partial(TextEncoder, 9, 3, 5, width=8, heads=heads) for heads in (2, 4)),
    ]
    names = [fingerprint(replace(task, model=model), "original", 0) for model in models]
    assert len(set(names)) == len(models)
    assert [fingerprint(replace(task, model=m), "original", 0) for m in models] == names


def test_fingerprints_survive_the_journey_to_another_process(task: UnlearningTask) -> None:
    for loss in (
        nn.CrossEntropyLoss(torch.ones(3)),
        partial(functional.cross_entropy, weight=torch.ones(3)),
    ):
        own = replace(task, augment=Scaled(2.0), loss=loss)
        there = pickle.loads(pickle.dumps(own))  # noqa: S301
        assert fingerprint(there, "original", 0) == fingerprint(own, "original", 0)


def test_fingerprint_follows_the_version_of_the_recipe(
    task: UnlearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(task, "original", 0)
    monkeypatch.setattr(fingerprints, "RECIPE_VERSION", fingerprints.RECIPE_VERSION + 1)
    assert fingerprint(task, "original", 0) != before


def test_fingerprint_follows_an_edited_forward(
    tmp_path: Path, task: UnlearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    for version, sign in enumerate("+-"):
        path = tmp_path / f"{version}.py"
        path.write_text(
            "from tests.tasks.small import SmallNet\n\n\n"
            "class Net(SmallNet):\n"
            f"    def forward(self, inputs): return {sign}super().forward(inputs)\n"
        )
        spec = importlib.util.spec_from_file_location("edited", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "edited", module)
        spec.loader.exec_module(module)
        names.add(fingerprint(replace(task, model=module.Net), "original", 0))
    assert len(names) == 2


def test_fingerprint_ignores_what_does_not_change_the_landmark(task: UnlearningTask) -> None:
    torch.rand(3)
    state = torch.get_rng_state()
    name = fingerprint(task, "original", 0)
    assert torch.equal(torch.get_rng_state(), state)
    renamed = replace(task, name="other", test=clouds(9, 9), facts={"seed": 8})
    assert fingerprint(renamed, "original", 0) == name
    assert fingerprint(small_task(WholeClass(label=1)), "original", 0) == name
    assert fingerprint(task.to("cpu"), "original", 0) == name


@pytest.mark.parametrize(
    ("module", "name", "digest"),
    [
        ("pareto_explorer.tasks.data.augment", "CropFlip", "aa88d1bbcb5962dd"),
        ("pareto_explorer.tasks.builtin.text.encoder", "TextEncoder", "52599e507ebc5aeb"),
        ("pareto_explorer.tasks.builtin.text.encoder", "_Block", "76ea12e4e30d2a28"),
        (
            "pareto_explorer.tasks.models.networks.image_classifier",
            "ImageClassifier",
            "1f962d7cdc411146",
        ),
        (
            "pareto_explorer.tasks.models.networks.from_torchvision",
            "GreyAsColour",
            "80d811cb1d7cde94",
        ),
        ("pareto_explorer.tasks.models.networks.resnet", "ResNet", "92ec5aebf74edb73"),
        ("pareto_explorer.tasks.models.networks.resnet", "BasicBlock", "87a6bed4153b8676"),
        ("pareto_explorer.tasks.models.networks.resnet", "Subsample", "0a63ad26fbd283ae"),
        ("pareto_explorer.tasks.models.networks.vgg", "VGG", "170481ef6525b903"),
        ("pareto_explorer.tasks.models.networks.vit", "VisionTransformer", "9d55711f0e563c37"),
        ("pareto_explorer.tasks.models.networks.vit", "Block", "b1a73bcb6bb9e06c"),
        ("pareto_explorer.tasks.models.networks.vit", "Attention", "a858554df693fac7"),
        ("pareto_explorer.tasks.builtin.authors.gpt", "GPT", "5e368412472a2b6c"),
        ("pareto_explorer.tasks.builtin.authors.gpt", "_Block", "cab52d4d0283b5c7"),
    ],
)
def test_cached_landmarks_of_our_own_models_stay_valid(module: str, name: str, digest: str) -> None:
    named = fingerprints.named(getattr(importlib.import_module(module), name))
    assert sha256(named.encode()).hexdigest().startswith(digest), (
        "every landmark that users have cached would be trained again"
    )
