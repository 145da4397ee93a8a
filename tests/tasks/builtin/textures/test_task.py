from __future__ import annotations

import json
import pickle

import pytest
import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import TASKS, UnlearningTask, fingerprint, make_task, train_landmark
from pareto_explorer.tasks.builtin.textures import sets as texture_sets
from pareto_explorer.tasks.builtin.textures.images import TextureClasses
from pareto_explorer.tasks.data.augment import CropFlip

NARROW = {"name": "resnet18", "width": 4}
SMALL = {
    "name": "textures",
    "superclasses": 3,
    "subclasses": 2,
    "train_size": 180,
    "size": 16,
    "model": NARROW,
}


def small(**options: object) -> UnlearningTask:
    return make_task(SMALL | options)


def share(task: UnlearningTask, name: str) -> float:
    return task.facts["difficulty"]["mostly_foreign"][name]


def test_it_is_registered() -> None:
    assert "textures" in TASKS


def test_sets_have_their_sizes_and_share_no_image() -> None:
    task = small()
    assert task.facts["sizes"] == {
        "retain": 162,
        "forget": 18,
        "heldout": 10,
        "validation": 10,
        "test": 40,
    }
    assert task.facts["shared_inputs"] == {"total": 0}
    for samples in (task.train, task.heldout, task.validation, task.test):
        assert samples.inputs.dtype == torch.uint8
        assert samples.inputs.shape[1:] == (3, 16, 16)
        counts = samples.labels.bincount(minlength=6)
        assert counts.max() - counts.min() <= 1


def test_images_come_from_the_seed_and_not_from_the_size_of_their_set() -> None:
    task, larger = small(), small(train_size=360)
    assert torch.equal(larger.train.inputs[:180], task.train.inputs)
    assert torch.equal(larger.test.inputs[:40], task.test.inputs)
    assert torch.equal(small().validation.inputs, task.validation.inputs)
    assert not torch.equal(small(seed=1).train.inputs, task.train.inputs)


def test_entanglement_moves_the_shapes_only() -> None:
    apart, close = small(entanglement=0.0, difficulty=0), small(entanglement=1.0, difficulty=0)
    assert torch.equal(apart.train.labels, close.train.labels)
    a, b = apart.train.inputs.float(), close.train.inputs.float()
    assert not torch.equal(a, b)
    assert (a.mean((2, 3)) - b.mean((2, 3))).abs().mean() < 10  # the same colours


def test_coarse_labels_keep_their_subclasses() -> None:
    fine, coarse = small(), small(labels="coarse")
    assert (fine.n_classes, coarse.n_classes) == (6, 3)
    assert torch.equal(fine.train.labels // 2, coarse.train.labels)
    assert coarse.facts["classes"] == ["stripes", "blobs", "checks"]
    assert fine.facts["classes"][:3] == ["stripes_0", "stripes_1", "blobs_0"]


def test_a_true_subclass_leaves_the_rest_of_its_superclass_adjacent() -> None:
    task = small(labels="coarse", forget={"kind": "subclass", "subclass": "blobs_1"})
    fine = small().train.labels
    assert fine[task.forget_indices].unique().tolist() == [3]
    assert fine[task.adjacent_indices].unique().tolist() == [2]
    assert len(task.forget) == len(task.adjacent) == 30
    assert set(task.test.labels.tolist()) == {0, 1, 2}
    assert task.facts["adjacent_classes"] == ["blobs"]


def test_a_forgotten_class_leaves_validation_and_test_and_its_siblings_are_adjacent() -> None:
    task = small(subclasses=3, forget={"kind": "class", "label": 4}, train_size=180)
    assert set(task.forget.labels.tolist()) == {4}
    assert task.facts["adjacent_classes"] == ["blobs_0", "blobs_2"]
    assert 4 not in task.validation.labels.tolist() + task.test.labels.tolist()
    assert 4 in task.heldout.labels.tolist()


def test_label_noise_is_in_the_training_labels_only() -> None:
    task, clean = small(label_noise=0.2), small()
    wrong = task.train.labels != clean.train.labels
    assert int(wrong.sum()) == task.facts["label_noise"]["samples"] == 36
    assert torch.equal(task.forget_indices, clean.forget_indices)
    assert torch.equal(task.heldout.labels, clean.heldout.labels)
    assert torch.equal(task.test.labels, clean.test.labels)


def test_label_noise_leaves_what_a_request_mislabelled() -> None:
    request = {"kind": "mislabelled", "fraction": 0.1}
    plain, noisy = small(forget=request), small(forget=request, label_noise=0.2)
    forget = plain.forget_indices
    assert torch.equal(noisy.forget_indices, forget)
    assert torch.equal(noisy.train.labels[forget], plain.train.labels[forget])
    assert int((noisy.train.labels != plain.train.labels).sum()) == 36


def test_difficulty_is_recorded_and_blends_other_labels() -> None:
    easy, hard = small(difficulty=0.4), small(difficulty=1.0, train_size=1800)
    assert share(easy, "retain") == share(easy, "test") == 0
    assert share(hard, "retain") == pytest.approx(0.125, abs=0.03)
    assert hard.facts["difficulty"]["mean_share"]["retain"] == pytest.approx(0.25, abs=0.02)
    assert hard.facts["difficulty"]["mean_share"].keys() == {
        "retain",
        "forget",
        "heldout",
        "validation",
        "test",
    }


@pytest.mark.parametrize("fine", [True, False])
def test_foreign_textures_are_of_every_other_label(
    fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    def paint(classes: TextureClasses, own: Tensor, foreign: Tensor, *_: object) -> Tensor:
        seen.append((own, foreign))
        return torch.zeros(len(own), 3, 8, 8, dtype=torch.uint8)

    monkeypatch.setattr(texture_sets, "paint", paint)
    classes = TextureClasses(superclasses=3, subclasses=2, entanglement=0.0)
    texture_sets.TextureMaker(classes, fine, 0.8, 8, 0, torch.device("cpu")).make(0, 3000)
    own, foreign = (torch.cat(parts) for parts in zip(*seen, strict=True))
    counts = torch.zeros(6, 6).index_put((own, foreign), torch.ones(3000), accumulate=True)
    other = torch.ones(6, 6) - torch.eye(6)
    if not fine:
        other = 1 - torch.eye(3).repeat_interleave(2, 0).repeat_interleave(2, 1)
    expected = 500 / other.sum(1, keepdim=True) * other
    assert (counts[other == 0] == 0).all()
    assert ((counts - expected).abs() < 5 * expected.sqrt() + 1e-9).all()


def test_the_task_pickles_and_its_facts_are_json() -> None:
    task = small(forget={"kind": "mixture", "label": 0, "hard_probability": 0.5}, augment=True)
    copy = pickle.loads(pickle.dumps(task))  # noqa: S301
    assert json.loads(json.dumps(copy.facts)) == json.loads(json.dumps(dict(task.facts)))
    assert copy.augment == CropFlip()
    assert small().augment is None
    assert fingerprint(copy, "original", 0) == fingerprint(task, "original", 0)


def test_a_landmark_learns_the_textures() -> None:
    """Six easy classes, far above the 1/6 of chance after seconds."""
    recipe = {"epochs": 6, "batch_size": 32, "lr": 0.2}
    task = small(train_size=600, difficulty=0.3, entanglement=0.0, recipe=recipe)
    model = task.model()
    assert model(task.test.inputs[:5]).shape == (5, 6)
    model.load_state_dict(train_landmark(task, "original", 0))
    with torch.no_grad():
        predicted = model.eval()(task.test.inputs).argmax(1)
    assert (predicted == task.test.labels).float().mean() > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"superclasses": 21}, "task.superclasses: 21 must be an integer from 1 to 20."),
        ({"subclasses": 0}, "task.subclasses: 0 must be an integer from 1 to 1,000."),
        ({"train_size": 100}, "task.train_size: 100 must be an integer from 108 to "),
        ({"entanglement": 1.5}, "task.entanglement: 1.5 must be a number from 0 to 1."),
        ({"difficulty": "high"}, "task.difficulty: 'high' must be a number from 0 to 1."),
        ({"label_noise": 1}, "task.label_noise: 1 must be a number from 0 to 0.9."),
        ({"seed": -1}, f"task.seed: -1 must be an integer from 0 to {2**63 - 1:,}."),
        ({"augment": 1}, "task.augment: 1 must be true or false."),
        ({"device": "tpu9"}, "task.device: 'tpu9' cannot make images"),
        ({"labels": "fin"}, "fine"),
        (
            {"labels": "coarse", "superclasses": 1},
            "task.superclasses: 1 makes a single coarse class; ask for at least 2.",
        ),
        ({"model": "resnet19"}, "task.model.name: 'resnet19'"),
        ({"recipe": "fats"}, "task.recipe: 'fats'"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        small(**options)
    assert message in str(caught.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_same_images_up_to_rounding() -> None:
    cpu, cuda = small(), small(device="cuda")
    assert cuda.train.inputs.device.type == "cpu"
    assert torch.equal(cpu.train.labels, cuda.train.labels)
    difference = (cpu.train.inputs.int() - cuda.train.inputs.int()).abs()
    assert (difference <= 1).float().mean() > 0.999
