from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import (
    METRICS,
    Diverged,
    accuracy,
    classes,
    confidences,
    evaluator_of,
    js_divergence,
    membership_inference,
)
from pareto_explorer.tasks import (
    Mislabelled,
    RandomSubset,
    Samples,
    UnlearningTask,
    WholeClass,
    digits,
    train_model,
)
from tests.tasks.small import SmallNet, small_task

OF_PARTS = ("adjacent_accuracy", "remote_accuracy")
OF_ALL = [
    name
    for name, metric in METRICS.items()
    if not (metric.request or metric.tokens_only) and metric.least_seeds == 1
]
Landmarks = tuple[UnlearningTask, nn.Module, nn.Module]


def landmarks(task: UnlearningTask) -> Landmarks:
    return task, train_model(task, task.train, 0), train_model(task, task.retain, 0)


@pytest.fixture(scope="module")
def small() -> Landmarks:
    return landmarks(small_task(Mislabelled(fraction=0.2), epochs=4))


@pytest.fixture(scope="module")
def mislabelled_digits() -> Landmarks:
    return landmarks(digits())


def test_every_metric_is_there_in_order_and_is_a_fraction(small: Landmarks) -> None:
    evaluator = evaluator_of(*small)
    for metrics in (evaluator.original, evaluator.retrained, evaluator(SmallNet())):
        assert list(metrics) == [name for name in OF_ALL if name not in OF_PARTS]
        assert all(type(value) is float and 0 <= value <= 1 for value in metrics.values())


def test_the_parts_of_the_retain_set_are_measured_where_there_are_any() -> None:
    task = small_task(WholeClass(label=1, adjacent=2), epochs=4)
    task, original, retrained = landmarks(task)
    evaluator = evaluator_of(task, original, retrained)
    plain = evaluator_of(replace(task, adjacent_indices=None), original, retrained)
    for model in (original, SmallNet()):
        found = evaluator(model)
        assert list(found) == OF_ALL
        assert {name: found[name] for name in found if name not in OF_PARTS} == plain(model)
        model.eval()
        for name, part in (("adjacent", task.adjacent), ("remote", task.remote)):
            assert part is not None
            assert found[f"{name}_accuracy"] == accuracy(model(part.inputs), part.labels)
        n_adjacent, n_remote = len(task.adjacent or ()), len(task.remote or ())
        together = n_adjacent * found["adjacent_accuracy"] + n_remote * found["remote_accuracy"]
        assert found["retain_accuracy"] == pytest.approx(together / (n_adjacent + n_remote))


def test_landmarks_are_measured_like_any_model(small: Landmarks) -> None:
    _, original, retrained = small
    evaluator = evaluator_of(*small)
    assert evaluator(original) == evaluator.original
    assert evaluator(retrained) == evaluator.retrained


def test_the_retrained_model_is_at_no_distance_from_itself(small: Landmarks) -> None:
    retrained = evaluator_of(*small).retrained
    assert retrained["tug_of_war"] == 1.0
    distances = [name for name in OF_ALL if METRICS[name].needs_retrained]
    distances.remove("tug_of_war")
    assert len(distances) == 6
    assert all(retrained[name] == 0.0 for name in distances)


@pytest.mark.parametrize("limit", [{}, {"_BATCH_SIZE": 7}, {"_CPU_NUMBERS": 150}], ids=str)
def test_metrics_follow_their_definitions(
    small: Landmarks, monkeypatch: pytest.MonkeyPatch, limit: dict[str, int]
) -> None:
    for name, value in limit.items():
        monkeypatch.setattr(classes, name, value)
    task, original, retrained = small
    found = evaluator_of(*small)(original)

    def measured(model: nn.Module) -> dict[str, float]:
        parts = {
            "forget": task.forget,
            "retain": task.retain,
            "test": task.test,
            "validation": task.validation,
            "heldout": task.heldout,
        }
        logits = {name: model(part.inputs).detach() for name, part in parts.items()}
        right = {name: accuracy(logits[name], part.labels) for name, part in parts.items()}
        sure = {name: confidences(logits[name], part.labels) for name, part in parts.items()}
        return {
            "ua": 1 - right["forget"],
            "ra": right["retain"],
            "ta": right["test"],
            "va": right["validation"],
            "ha": right["heldout"],
            "mia": membership_inference(sure["retain"], sure["test"], sure["forget"]),
            "vmia": membership_inference(sure["retain"], sure["validation"], sure["forget"]),
        }

    mine, target = measured(original), measured(retrained)
    gap = {name: abs(mine[name] - target[name]) for name in mine}
    js = js_divergence(original(task.forget.inputs), retrained(task.forget.inputs))
    assert mine != target
    assert found == pytest.approx(
        {
            "unlearning_accuracy": mine["ua"],
            "retain_accuracy": mine["ra"],
            "test_accuracy": mine["ta"],
            "validation_accuracy": mine["va"],
            "heldout_accuracy": mine["ha"],
            "membership_inference": mine["mia"],
            "validation_membership_inference": mine["vmia"],
            "forget_accuracy_gap": abs(1 - mine["ua"] - mine["va"]),
            "accuracy_drop": 0.0,
            "forget_gap": (gap["ua"] + gap["mia"]) / 2,
            "retain_gap": (gap["ra"] + gap["ta"]) / 2,
            "validation_forget_gap": (gap["ua"] + gap["vmia"]) / 2,
            "validation_retain_gap": (gap["ra"] + gap["va"]) / 2,
            "average_gap": (gap["ua"] + gap["ra"] + gap["ta"] + gap["mia"]) / 4,
            "tug_of_war": (1 - gap["ua"]) * (1 - gap["ra"]) * (1 - gap["ta"]),
            "js_divergence": js,
        }
    )


def test_without_a_retrained_model_everything_else_is_measured(small: Landmarks) -> None:
    task, original, retrained = small
    both, alone = evaluator_of(*small), evaluator_of(task, original, None)
    assert alone.retrained is None
    for model in (original, retrained, SmallNet()):
        with_it, without = both(model), alone(model)
        assert list(without) == [
            name for name in OF_ALL if not METRICS[name].needs_retrained and name not in OF_PARTS
        ]
        assert without == {name: with_it[name] for name in without}
    assert alone.original == alone(original)


def test_what_needs_no_retrained_model_is_a_distance_to_the_original(small: Landmarks) -> None:
    _, _, retrained = small
    evaluator = evaluator_of(*small)
    before, after = evaluator.original, evaluator(retrained)
    assert before["accuracy_drop"] == 0
    assert before["forget_accuracy_gap"] > 0
    known = 1 - after["unlearning_accuracy"]
    assert after["forget_accuracy_gap"] == abs(known - before["validation_accuracy"])
    drops = [max(0.0, before[n] - after[n]) for n in ("retain_accuracy", "validation_accuracy")]
    assert after["accuracy_drop"] == pytest.approx(sum(drops) / 2)


def state_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_unchanged(before: dict[str, Tensor], flags: list[bool], model: nn.Module) -> None:
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [module.training for module in model.modules()] == flags


def test_evaluation_leaves_the_model_as_it_was(small: Landmarks) -> None:
    evaluator = evaluator_of(*small)
    model = copy.deepcopy(small[1]).train()
    model.get_submodule("body.1").eval()
    model.get_submodule("head").requires_grad_(False)
    before, flags = state_of(model), [module.training for module in model.modules()]
    assert len(set(flags)) == 2
    random_state = torch.get_rng_state()
    metrics = evaluator(model)
    assert metrics == evaluator.original  # batch norm and dropout were in eval mode
    assert_unchanged(before, flags, model)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [p.requires_grad for p in model.get_submodule("head").parameters()] == [False, False]


def test_a_landmark_in_train_mode_is_left_alone(small: Landmarks) -> None:
    task, original, retrained = small
    expected = evaluator_of(*small).original
    original, retrained = copy.deepcopy(original).train(), copy.deepcopy(retrained).train()
    before, flags = state_of(original), [module.training for module in original.modules()]
    assert evaluator_of(task, original, retrained).original == expected
    assert_unchanged(before, flags, original)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_model_is_told_and_left_as_it_was(small: Landmarks, value: float) -> None:
    evaluator = evaluator_of(*small)
    model = copy.deepcopy(small[1]).train()
    with torch.no_grad():
        model.get_parameter("head.bias")[0] = value
    flags = [module.training for module in model.modules()]
    with pytest.raises(Diverged, match="not finite"):
        evaluator(model)
    assert [module.training for module in model.modules()] == flags
    with pytest.raises(Diverged):
        evaluator_of(small[0], small[1], model)


def test_a_model_that_raises_gets_its_flags_back(small: Landmarks) -> None:
    model = nn.Sequential(nn.Dropout(), nn.Linear(5, 3)).train()
    with pytest.raises(RuntimeError):
        evaluator_of(*small)(model)
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("model", [nn.Linear(2, 4), nn.Unflatten(1, (2, 1))])
def test_a_model_without_one_logit_per_class_is_refused(small: Landmarks, model: nn.Module) -> None:
    with pytest.raises(InputError, match=r"^model: its output has shape \(90, .*\(90, 3\)"):
        evaluator_of(*small)(model)


def test_forget_samples_are_judged_by_the_labels_of_the_training_set() -> None:
    task = small_task(Mislabelled(fraction=0.2))

    class Truth(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            centres = torch.tensor([[0.0, 3.0], [3.0, -3.0], [-3.0, -3.0]])
            return -torch.cdist(inputs, centres)

    truthful = evaluator_of(task, SmallNet(), Truth()).retrained
    assert truthful["unlearning_accuracy"] > 0.9
    assert truthful["retain_accuracy"] > 0.9


def test_members_are_the_first_retain_samples_in_training_order(small: Landmarks) -> None:
    task, original, retrained = small
    expected = evaluator_of(*small)(original)
    beyond = int(task.retain_indices[40])  # 30 test samples: members are the first 30
    inputs = task.train.inputs.clone()
    inputs[beyond:] *= -1
    inputs[task.forget_indices] = task.forget.inputs
    other = replace(task, train=Samples(inputs, task.train.labels))
    found = evaluator_of(other, original, retrained)(original)
    assert found["membership_inference"] == expected["membership_inference"]
    assert found["retain_accuracy"] < expected["retain_accuracy"] - 0.2


def test_digits_memorises_wrong_labels_and_its_retrained_model_does_not(
    mislabelled_digits: Landmarks,
) -> None:
    evaluator = evaluator_of(*mislabelled_digits)
    original, retrained = evaluator.original, evaluator.retrained
    assert original["unlearning_accuracy"] < 0.1
    assert retrained["unlearning_accuracy"] > 0.95
    assert original["membership_inference"] < 0.7
    assert retrained["membership_inference"] > 0.95
    assert min(original["retain_accuracy"], retrained["retain_accuracy"]) > 0.99
    assert retrained["test_accuracy"] > 0.97
    assert retrained["test_accuracy"] > original["test_accuracy"]
    assert original["forget_gap"] > 0.5
    assert original["js_divergence"] > 0.3


@pytest.mark.parametrize("forget", [RandomSubset(), WholeClass(label=3)])
def test_the_retrained_models_attack_is_sensible(forget: RandomSubset | WholeClass) -> None:
    task = digits(forget)
    retrained = train_model(task, task.retain, 0)
    metrics = evaluator_of(task, retrained, retrained).retrained
    if isinstance(forget, WholeClass):  # never seen: nobody takes it for a member
        assert metrics["unlearning_accuracy"] == metrics["membership_inference"] == 1.0
        assert metrics["heldout_accuracy"] < 0.95 < metrics["test_accuracy"]
    else:  # like unseen data of the same kind: a little less sure than members
        assert metrics["unlearning_accuracy"] < 0.1
        assert metrics["membership_inference"] < 0.5


@pytest.mark.parametrize(
    ("shape", "device", "size"),
    [
        ((2000, 1, 8, 8), "cpu", 1024),
        ((2000, 3, 32, 32), "cpu", 42),
        ((2000, 3, 32, 32), "meta", 1024),
        ((10, 3, 1000, 1000), "cpu", 8),
        ((0, 3, 32, 32), "cpu", 1024),
        ((5,), "cpu", 1024),
    ],
)
def test_large_inputs_go_through_a_model_in_smaller_batches_on_a_cpu(
    shape: tuple[int, ...], device: str, size: int
) -> None:
    inputs = torch.zeros(1, device=device).expand(shape)
    assert classes._batch_size(inputs) == size
