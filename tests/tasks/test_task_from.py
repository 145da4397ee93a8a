from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import evaluator_of
from pareto_explorer.sweeps.spec.families import expand_families, plan_trials
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import (
    RandomSubset,
    Recipe,
    Samples,
    make_task,
    restore_model,
    task_from,
    train_landmark,
    train_model,
)
from tests.tasks.small import N_CLASSES, SmallNet, clouds, small_task

TRAIN, TEST = clouds(90, 0), clouds(60, 1)
FORGET = [3, 1, 4, 15, 9]


def own(**changes):
    given = {"train": TRAIN, "test": TEST, "forget": FORGET, "model": SmallNet, **changes}
    return task_from("own", **given)


@pytest.fixture(scope="module")
def trained():
    return train_model(small_task(epochs=8), TRAIN, 0)


def test_all_that_is_needed_is_data_a_forget_set_and_a_model():
    task = own()
    assert task.train.inputs is TRAIN.inputs
    assert task.forget_indices.tolist() == FORGET
    assert (task.name, task.n_classes, task.original) == ("own", N_CLASSES, None)
    assert task.facts["forget"] == {"kind": "indices", "samples": 5}
    assert task.facts["cut_from_test"] == ["heldout", "validation"]
    assert task.facts["sizes"]["retain"] == 85


def test_sets_that_are_left_out_are_cut_from_the_test_data():
    task = own()
    parts = [task.heldout, task.validation, task.test]
    assert [len(part) for part in parts] == [15, 15, 30]
    rows = torch.cat([part.inputs for part in parts])
    assert {tuple(row) for row in rows.tolist()} == {tuple(row) for row in TEST.inputs.tolist()}
    for part in parts:
        assert torch.bincount(part.labels).tolist() == [len(part) // 3] * 3
    others = own(seed=1)
    assert not torch.equal(others.heldout.inputs, task.heldout.inputs)


def test_sets_that_are_given_are_taken_as_they_are():
    heldout = clouds(9, 5)
    task = own(heldout=heldout)
    assert torch.equal(task.heldout.inputs, heldout.inputs)
    assert (len(task.validation), len(task.test)) == (15, 45)
    assert task.facts["cut_from_test"] == ["validation"]
    whole = own(heldout=heldout, validation=clouds(12, 6))
    assert torch.equal(whole.test.inputs, TEST.inputs)
    assert "cut_from_test" not in whole.facts


def test_data_may_come_from_arrays_and_data_sets():
    task = own(
        train=(TRAIN.inputs.double().numpy(), TRAIN.labels.numpy()),
        test=TensorDataset(TEST.inputs, TEST.labels),
    )
    torch.testing.assert_close(task.train.inputs, TRAIN.inputs)
    assert task.train.inputs.dtype == torch.float32


@pytest.mark.parametrize(
    "forget",
    [FORGET, tuple(FORGET), np.array(FORGET), torch.tensor(FORGET), {3, 1, 4, 15, 9}],
    ids=lambda f: type(f).__name__,
)
def test_positions_may_come_in_every_form(forget):
    if isinstance(forget, set):
        with pytest.raises(InputError, match=r"forget: a set names no samples"):
            own(forget=forget)
    else:
        assert own(forget=forget).forget_indices.tolist() == FORGET


def test_a_mask_a_file_and_a_request_say_what_to_forget_too(tmp_path):
    mask = np.isin(np.arange(90), FORGET)
    assert own(forget=mask).forget_indices.tolist() == sorted(FORGET)
    (tmp_path / "forget.csv").write_text("3,1,4,15,9\n")
    for path in (tmp_path / "forget.csv", str(tmp_path / "forget.csv")):
        assert own(forget=path).forget_indices.tolist() == sorted(FORGET)
    for request in ({"kind": "random", "fraction": 0.2}, RandomSubset(fraction=0.2)):
        assert len(own(forget=request).forget_indices) == 18


def test_forgetting_a_class_drops_it_from_validation_and_test_and_has_an_adjacent_set():
    task = own(forget={"kind": "class", "label": 2})
    assert set(task.validation.labels.tolist()) == set(task.test.labels.tolist()) == {0, 1}
    assert set(task.heldout.labels.tolist()) == {0, 1, 2}
    assert len(set(task.train.labels[task.adjacent_indices].tolist())) == 1
    named = own(forget={"kind": "class", "label": 2, "adjacent": 0})
    assert set(named.train.labels[named.adjacent_indices].tolist()) == {0}


def test_wrong_labels_are_trained_on_unless_the_model_is_trained(trained):
    request = {"kind": "mislabelled", "fraction": 0.1}
    task = own(forget=request)
    assert bool((task.forget.labels != TRAIN.labels[task.forget_indices]).all())
    with pytest.raises(InputError, match=r"'mislabelled' would corrupt labels that the given"):
        own(forget=request, model=trained)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"kind": "confused", "classes": [0, 1], "count": 2}, "'confused' would corrupt labels"),
        ({"kind": "gaussian_poison"}, "would add noise that the given model has not learned"),
    ],
)
def test_nothing_can_be_planted_for_a_trained_model(trained, request_, message):
    with pytest.raises(InputError, match=message):
        own(forget=request_, model=trained)


def test_token_ids_have_no_clusters_and_no_nearest_class():
    train = (torch.randint(9, (60, 5)), torch.arange(60) % 3)
    test = (torch.randint(9, (30, 5)), torch.arange(30) % 3)

    def tokens(forget):
        return own(train=train, test=test, forget=forget)

    assert tokens({"kind": "class", "label": 1}).adjacent_indices is None
    assert tokens({"kind": "class", "label": 1, "adjacent": 0}).adjacent_indices is not None
    with pytest.raises(InputError, match=r"'subclass' clusters the inputs, and these are token"):
        tokens({"kind": "subclass", "label": 1})


def test_a_trained_model_is_the_original_and_gives_the_untrained_one(trained):
    task = own(model=trained)
    same(task.original, trained.state_dict())
    restored = restore_model(task, dict(task.original))
    probe = TEST.inputs
    assert torch.equal(restored(probe), trained.eval()(probe))
    torch.manual_seed(0)
    assert not torch.equal(task.model().head.weight, trained.head.weight)
    assert task.facts["original"] == "given"


def test_weights_are_the_original_of_a_class_and_of_a_model(trained, tmp_path):
    torch.save({"state_dict": trained.state_dict()}, tmp_path / "model.pt")
    for model, weights in (
        (SmallNet, trained.state_dict()),
        (SmallNet, tmp_path / "model.pt"),
        (SmallNet(), str(tmp_path / "model.pt")),
    ):
        same(own(model=model, weights=weights).original, trained.state_dict())


def same(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_model_of_the_user_is_left_alone(trained):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    torch.manual_seed(5)
    state = torch.get_rng_state()
    task = own(model=trained)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.no_grad():
        trained.head.weight.add_(1)
    same(task.original, before)
    with torch.no_grad():
        trained.head.weight.sub_(1)


def test_an_untrained_model_in_place_of_a_trained_one_is_refused():
    blind = SmallNet()
    nn.init.zeros_(blind.head.weight)
    with pytest.raises(InputError, match=r"get 33\.3% of the training samples right"):
        own(model=blind)


def test_inputs_that_the_trained_model_does_not_know_are_refused(trained):
    with pytest.raises(InputError, match=r"no better than always naming the commonest class"):
        own(model=trained, train=(-100 * TRAIN.inputs.abs(), (TRAIN.labels + 1) % 3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": 3}, r"model: a int builds no model"),
        ({"seed": -1}, r"seed: -1 is no seed"),
        ({"forget": [1, 1]}, r"^forget: some samples occur twice"),
        ({"forget": [90]}, r"^forget: 90 is no training sample"),
        ({"forget": []}, r"^forget: the forget set is empty"),
        ({"forget": 5}, r"^forget: torch\.int64 of shape \(\) is not a vector of integers"),
        ({"adjacent": [3]}, r"^adjacent: 3 is in the forget set"),
        ({"adjacent": object()}, r"^adjacent: a object names no samples; give positions or a mask"),
        ({"n_classes": "3"}, r"^n_classes: '3' must be a whole number above 0"),
        ({"loss": "mse"}, r"^loss: 'mse' cannot be called"),
        ({"weights": 5}, r"^weights: a int holds none; give a state dict or a file"),
        ({"model": nn.Linear(4, 3)}, r"^model: it cannot take the training inputs, torch\.float32"),
        ({"test": TEST.take(torch.arange(0))}, r"^test: the set is empty"),
        ({"test": TEST.take(torch.arange(3))}, r"^test, the part for the heldout set: .* empty"),
        (
            {"test": Samples(TEST.inputs, TEST.labels + 1)},
            r"^test, the part for the heldout set: label 3 is outside the 3 classes",
        ),
        ({"heldout": Samples(TEST.inputs, TEST.labels + 1)}, r"^heldout: label 3 is outside"),
        ({"forget": [True, False]}, r"a mask of shape \(2,\) does not fit 90"),
        ({"forget": {"kind": "clas"}}, r"task\.forget\.kind: 'clas' is not known"),
        ({"forget": object()}, r"forget: a object names no samples"),
        ({"train": []}, r"train: dataset: it is empty"),
        ({"recipe": "quick"}, r"task\.recipe: 'quick' is not known"),
        ({"weights": {"body.0.weight": torch.zeros(1)}}, r"weights: they lack .* and \d more"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        own(**changes)


def test_weights_of_another_model_are_refused(trained):
    state = trained.state_dict()
    with pytest.raises(InputError, match=r"weights: they have unknown head\.extra"):
        own(weights={**state, "head.extra": torch.zeros(1)})
    with pytest.raises(InputError, match=r"head\.bias has shape \(4,\) and the model's \(3,\)"):
        own(weights={**state, "head.bias": torch.zeros(4)})


def scaled_loss(logits, labels):
    return 2 * nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)


def halve(inputs, generator):
    return inputs / 2


def test_recipe_loss_and_augmentation_reach_the_task():
    recipe = {"epochs": 3, "lr": 0.05}
    task = own(recipe=recipe, loss=scaled_loss, augment=halve, adjacent=[0, 2])
    assert task.recipe == Recipe(epochs=3, lr=0.05)
    assert (task.loss, task.augment) == (scaled_loss, halve)
    assert task.adjacent_indices.tolist() == [0, 2]
    travelled = pickle.loads(pickle.dumps(task))  # noqa: S301
    assert travelled.loss is scaled_loss


def make_own(label):
    """What a search-space file may name."""
    return own(model=partial(SmallNet, hidden=4), forget={"kind": "class", "label": label})


def test_a_function_that_returns_one_can_be_named_in_a_file():
    task = make_task({"name": "tests.tasks.test_task_from:make_own", "label": 1})
    assert set(task.forget.labels.tolist()) == {1}


def test_a_given_model_is_unlearned(trained):
    task = own(model=trained, recipe={"epochs": 2, "batch_size": 16})
    retrained = train_landmark(task, "retrained", 0)
    bench = Bench(task, {0: Landmarks(dict(task.original), retrained)}, "cpu")
    (family,) = expand_families([{"method": "fine_tune", "lr": 0.01}])
    (plan,) = plan_trials([family], 1, 0)
    rows = [p.row for p in run_replicate(bench, plan, Replicate(0, 0, 0), BudgetSpec(steps=20))]
    assert [row["status"] for row in rows] == ["ok"]
    expected = evaluator_of(task, trained, restore_model(task, retrained)).original
    assert bench.prepared(0)[1].original == expected
