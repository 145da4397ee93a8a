from __future__ import annotations

import dataclasses
import sys
from functools import partial

import pytest
import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps import SweepSpec, check
from pareto_explorer.sweeps.checks import check as checking
from pareto_explorer.sweeps.checks import families as check_families
from pareto_explorer.sweeps.checks.data import check_data
from pareto_explorer.sweeps.checks.estimate import LandmarkCost, estimate
from pareto_explorer.sweeps.checks.families import FamilyCheck, check_methods, thinned
from pareto_explorer.sweeps.checks.model import check_model
from pareto_explorer.sweeps.trials.refusals import representatives
from pareto_explorer.sweeps.trials.replicate import Point
from pareto_explorer.tasks import LandmarkCache, Recipe, Samples, UnlearningTask, fingerprint

N_CLASSES = 3


def network(outputs: int = N_CLASSES, tail: type[nn.Module] = nn.Identity) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, outputs), tail())


def dropping() -> nn.Module:
    return network(tail=nn.Dropout)


def samples(n: int, seed: int) -> Samples:
    draws = torch.Generator().manual_seed(seed)
    return Samples(torch.rand(n, 4, generator=draws), torch.arange(n) % N_CLASSES)


def task_of(**changes) -> UnlearningTask:
    parts = {
        "name": "mine",
        "train": samples(60, 0),
        "heldout": samples(30, 1),
        "validation": samples(30, 2),
        "test": samples(30, 3),
        "forget_indices": torch.arange(6),
        "n_classes": N_CLASSES,
        "model": network,
        "recipe": Recipe(epochs=2, batch_size=16),
    }
    return UnlearningTask(**(parts | changes))


def with_inputs(own: Samples, inputs: torch.Tensor) -> Samples:
    return Samples(inputs, own.labels)


def data_findings(**changes) -> list[str]:
    return [f"{f.level}: {f.text}" for f in check_data(task_of(**changes))[1]]


def model_findings(**changes) -> list[str]:
    return [f"{f.level}: {f.text}" for f in check_model(task_of(**changes), "cpu")[2]]


# Data


def test_good_data_are_described_without_a_finding():
    facts, findings = check_data(task_of())
    assert findings == []
    assert [own.name for own in facts] == ["retain", "forget", "heldout", "validation", "test"]
    retain = facts[0]
    assert (retain.samples, retain.classes) == (54, (0, 1, 2))
    assert (retain.shape, retain.dtype, retain.repeated) == ((4,), "float32", 0)
    assert 0 <= retain.lowest < retain.highest <= 1


def test_an_input_in_two_sets_is_reported_for_each_pair():
    train = samples(60, 0)
    test = samples(30, 3)
    train.inputs[50] = train.inputs[0]  # position 0 is forgotten
    test.inputs[:2] = train.inputs[20:22]
    found = data_findings(train=train, test=test)
    assert any("retain and forget: 1 distinct input is in both;" in text for text in found)
    assert any("retain and test: 2 distinct inputs are in both;" in text for text in found)
    assert all(text.startswith("warning: ") for text in found)


def test_an_input_that_repeats_with_another_label_is_a_conflict():
    train = samples(60, 0)
    train.inputs[31] = train.inputs[30]  # labels 1 and 0
    train.inputs[33] = train.inputs[36]  # labels 0 and 0
    found = data_findings(train=train)
    assert "warning: retain: 2 of 54 inputs repeat an earlier one." in found
    assert any("1 distinct input comes with different labels" in text for text in found)


def test_classes_that_a_set_lacks_are_named():
    full = samples(30, 5)
    no_two = full.take((full.labels < 2).nonzero().squeeze(1))
    (found,) = data_findings(validation=no_two, heldout=samples(30, 4))
    assert "validation: class 2 has no sample" in found
    (found,) = data_findings(heldout=no_two)
    assert "heldout: class 2 of the forget set has no sample" in found
    (found,) = data_findings(n_classes=6, model=partial(network, 6))
    assert "train: classes 3, 4, 5 of 6 have no sample" in found


def test_a_forgotten_class_should_not_be_tested():
    train = samples(60, 0)
    gone = (train.labels == 2).nonzero().squeeze(1)
    found = data_findings(train=train, forget_indices=gone)
    assert len(found) == 2
    assert all("class 2 has samples, but none in the retain set" in text for text in found)


def test_a_single_class_that_is_left_is_told():
    train = samples(60, 0)
    found = data_findings(train=train, forget_indices=(train.labels > 0).nonzero().squeeze(1))
    assert any("retain: class 0 alone is left;" in text for text in found)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda x: 255 * x, "test: inputs from "),
        (lambda x: x / 255, "scale all sets alike"),
        (torch.zeros_like, "test: every input value is 0"),
    ],
)
def test_a_set_that_is_scaled_differently_stands_out(change, found):
    test = samples(30, 3)
    text = data_findings(test=with_inputs(test, change(test.inputs)))[0]
    assert text.startswith("warning: ")
    assert found in text


def test_sets_of_different_types_are_an_error():
    test = samples(30, 3)
    (text,) = data_findings(test=with_inputs(test, (255 * test.inputs).to(torch.uint8)))
    assert text.startswith("error: test: its inputs are uint8")


def test_pixels_that_were_stored_as_floats_are_recognised():
    def image(own: Samples, scale: float) -> Samples:
        return with_inputs(own, (scale * own.inputs).reshape(-1, 1, 2, 2))

    def task(scale: float) -> UnlearningTask:
        old = task_of()
        sets = {name: getattr(old, name) for name in ("train", "heldout", "validation", "test")}
        return task_of(**{name: image(own, scale) for name, own in sets.items()})

    assert "look like pixels" in check_data(task(255))[1][0].text
    assert check_data(task(1))[1] == []


# Model


class BatchStatistics(nn.Module):
    """Subtracts the batch's mean even in eval mode."""

    def forward(self, x):
        return x - x.mean(0)


class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Fails(nn.Module):
    def forward(self, _):
        raise RuntimeError("no such kernel")


class FailsInTraining(nn.Module):
    def forward(self, x):
        if self.training:
            raise RuntimeError("no such kernel")
        return x


class FailsAlone(nn.Module):
    def forward(self, x):
        if len(x) == 1:
            raise ValueError("too few")
        return x


def frozen() -> nn.Module:
    return network().requires_grad_(False)


class Spare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Linear(2, 2)

    def forward(self, x):
        return x


def of_random_width() -> nn.Module:
    width = int(torch.randint(4, 4000, ()))
    return nn.Sequential(nn.Linear(4, width), nn.Linear(width, N_CLASSES))


def per_sample(logits, labels):
    return nn.functional.cross_entropy(logits, labels, reduction="none")


def not_a_number(logits, labels):
    return logits.sum() * float("nan")


def flattens(inputs, generator):
    return inputs.flatten()


def widens(inputs, generator):
    return inputs.double()


def fails(inputs, generator):
    raise KeyError("pad")


def test_a_good_model_is_described_without_a_finding():
    model, facts, findings = check_model(task_of(), "cpu")
    assert findings == []
    assert not model.training
    assert (facts.parameters, facts.frozen) == (4 * 8 + 8 + 8 * 3 + 3, 0)
    assert facts.state_bytes == 4 * facts.parameters
    assert (facts.output, facts.batch) == ((8, N_CLASSES), 8)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": partial(network, 5)}, "error: model: its output has shape (8, 5) for 8 inputs"),
        ({"model": partial(network, tail=Pair)}, "error: model: it returns a tuple"),
        ({"model": partial(network, tail=Fails)}, "eval mode: it fails (RuntimeError: no such"),
        ({"model": partial(nn.Linear, 4)}, "error: model: it fails (TypeError: "),
        ({"model": partial(network, tail=FailsAlone)}, "it cannot take one input (ValueError: too"),
        ({"model": partial(network, tail=FailsInTraining)}, "error: model: it fails in training"),
        ({"model": frozen}, "error: model: it has no parameter that can be trained."),
        ({"model": of_random_width}, "two calls of the factory give different weights"),
        ({"model": partial(network, tail=partial(nn.Softmax, 1))}, "warning: model: its outputs"),
        (
            {"model": partial(network, tail=Noise)},
            "warning: model: in eval mode, two passes differ",
        ),
        ({"model": partial(network, tail=BatchStatistics)}, "depend on the rest of its batch"),
        (
            {"model": partial(network, tail=Spare)},
            "2 of 6 parameter tensors get no gradient (3.spare",
        ),
        ({"loss": per_sample}, "error: loss: it returns shape (8,); it must be a scalar tensor."),
        ({"loss": not_a_number}, "error: loss: it is nan for the untrained model."),
        ({"augment": flattens}, "error: augment: it turns torch.float32 of shape (8, 4) into"),
        ({"augment": widens}, "into torch.float64 of shape (8, 4); both must stay."),
        ({"augment": fails}, "error: augment: it fails on a batch (KeyError: 'pad')."),
        ({"original": {"0.weight": torch.zeros(2, 2)}}, "error: original: the weights do not fit"),
    ],
)
def test_what_is_wrong_with_a_model_is_said(changes, said):
    found = model_findings(**changes)
    assert any(said in text for text in found), found
    assert all(text.endswith(".") for text in found)


def test_a_model_that_workers_cannot_get_is_an_error():
    import threading

    lock = threading.Lock()

    def make() -> nn.Module:
        with lock:
            return network()

    (found,) = model_findings(model=make)
    assert found.startswith("error: task: workers cannot get its model")


# Families


def test_a_thinned_task_keeps_its_shares_and_its_parts():
    task = task_of(forget_indices=torch.arange(0, 60, 10), adjacent_indices=torch.arange(1, 60, 4))
    small = thinned(task, 30, 3)
    assert abs(len(small.train) - 30) <= 1
    assert [len(s) for s in (small.heldout, small.validation, small.test)] == [15, 15, 15]
    assert len(small.forget) == 3
    assert len(small.adjacent) == 8

    def rows(own: Samples) -> set[tuple[float, ...]]:
        return set(map(tuple, own.inputs.tolist()))

    assert rows(small.forget) <= rows(task.forget)
    assert rows(small.adjacent) <= rows(task.adjacent)
    assert rows(small.remote) <= rows(task.remote)
    assert thinned(task, 60, 3) is task
    assert len(thinned(task, 30, 6).forget) == 6


def spec_of(space: dict, **parts) -> SweepSpec:
    return SweepSpec.from_mapping(space | {"task": {"name": "digits"}} | parts)


def test_a_method_that_refuses_the_task_says_so_once(space):
    family = {"method": "entanglement", "lr": {"loguniform": [0.001, 0.01]}}
    plans = spec_of(space, families=[family]).plan()
    assert len(plans) == 2
    (found,) = check_methods(plans, task_of())
    assert found.level == "error"
    assert found.text.startswith("family entanglement: ")


def test_a_good_sweep_passes_and_is_estimated(space, tmp_path):
    state = torch.random.get_rng_state()
    told: list[str] = []
    found = check(spec_of(space), task_of(), cache_dir=tmp_path / "cache", tell=told.append)
    assert found.ok
    assert found.findings == ()
    assert (found.device, found.weights, found.shrunk) == ("cpu", "untrained", 1)
    assert [family.name for family in found.families] == ["upgrad/kl_uniform", "fine_tune"]
    for family in found.families:
        assert family.step_seconds > 0
        assert family.evaluation_seconds > 0
        assert family.memory > 0
    lines = {line.what: line for line in found.estimate.lines}
    assert {what: line.count for what, line in lines.items()} == {
        "train landmarks": 4,
        "measure landmarks": 4,
        "trials": 4,
    }
    assert all(line.seconds > 0 for line in lines.values())
    assert 0 < found.estimate.low == found.estimate.high
    assert any("family 2 of 2: fine_tune" in text for text in told)
    assert not (tmp_path / "cache").exists()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_method_without_steps_has_none(space):
    found = check(spec_of(space, families=[{"method": "ssd"}, {"method": "none"}]), task_of())
    assert [family.step_seconds for family in found.families] == [0, 0]
    assert found.estimate is not None


def test_a_method_that_yields_twice_at_one_step_is_an_error(space):
    family = {"method": "tests.sweeps.broken:Yields"}
    found = check(spec_of(space, families=[family, {"method": "none"}]), task_of())
    [text] = found.errors
    assert text.startswith("family Yields: method 'tests.sweeps.broken:Yields': it yields a model")


def test_everything_that_is_wrong_is_listed(space):
    broken = {"method": "jacobian_descent", "aggregator": "upgrad"}
    broken["forget_loss"] = "tests.sweeps.checks.test_check:of_wrong_shape"
    families = [broken, {"method": "entanglement"}, {"method": "fine_tune"}]
    test = samples(30, 3)
    task = task_of(test=with_inputs(test, 1000 * test.inputs))
    found = check(spec_of(space, families=families), task)
    assert not found.ok
    assert len(found.errors) >= 2
    assert any("upgrad/of_wrong_shape: a step fails (RuntimeError" in t for t in found.errors)
    assert sum("entanglement" in text for text in found.errors) == 1
    assert any("scale all sets alike" in text for text in found.warnings)
    failed = {family.name for family in found.families if family.failed}
    assert "fine_tune" not in failed
    assert found.estimate is None


def of_wrong_shape(batch):
    return batch.logits[:, 0]


def test_a_model_that_does_not_fit_ends_the_check_with_what_is_known(space):
    found = check(spec_of(space), task_of(model=partial(network, 5)))
    assert (found.model.parameters, found.model.output) == (4 * 8 + 8 + 8 * 5 + 5, ())
    assert len(found.errors) == 1
    assert found.families == ()


def test_a_family_that_diverges_is_a_warning(space):
    family = {"method": "gradient_ascent", "lr": 1e30}
    found = check(spec_of(space, families=[family]), task_of())
    assert found.ok
    (text,) = found.warnings
    assert text.startswith("family gradient_ascent: ")


def test_landmarks_in_the_cache_are_used_and_not_counted(space, tmp_path):
    task, cache = task_of(), LandmarkCache(tmp_path)
    cache.store(fingerprint(task, "original", 0), network().state_dict())
    found = check(spec_of(space), task, cache_dir=tmp_path)
    assert found.weights == "cached"
    assert found.estimate.lines[0].count == 3


def test_given_weights_are_used_and_allow_one_seed(space, tmp_path):
    task = task_of(original=network().state_dict())
    alone = check(spec_of(space, replicates={"training_seeds": [0]}), task, cache_dir=tmp_path)
    assert alone.ok
    assert alone.weights == "given"
    assert alone.estimate.lines[0].count == 1
    (text,) = check(spec_of(space), task, cache_dir=tmp_path).errors
    assert text.startswith("replicates.training_seeds: ")
    both = task_of(original=network().state_dict(), retrained=network().state_dict())
    alone = check(spec_of(space, replicates={"training_seeds": [0]}), both, cache_dir=tmp_path)
    assert alone.estimate.lines[0].count == 0
    strange = dataclasses.replace(both, retrained={"weight": torch.zeros(2)})
    (text,) = check(spec_of(space, replicates={"training_seeds": [0]}), strange).errors
    assert text.startswith("retrained: the weights do not fit the model")


def test_large_data_are_thinned_and_times_scaled_up(space, monkeypatch):
    monkeypatch.setattr(checking, "PASS_SECONDS", 0)
    budget = {"steps": 6, "batch_size": 8, "evaluate_every": 3}
    found = check(spec_of(space, budget=budget), task_of())
    assert found.ok
    assert found.shrunk == pytest.approx(60 / (8 + 6))


def test_a_slow_model_gets_smaller_batches_and_its_steps_are_scaled_up(space, monkeypatch):
    taken: list[tuple[str, int]] = []

    def measured(bench, plan, replicate, budget):
        for step in (1, 2):
            taken.append((plan.family.name, budget.batch_size))
            seconds = 0.75 + 0.25 * step
            row = {"step": step, "seconds": seconds, "samples": 4 * step, "status": "ok"}
            yield Point(row | {"evaluation_seconds": 1.0}, network(), "")

    monkeypatch.setattr(check_families, "run_replicate", measured)
    monkeypatch.setattr(checking, "seconds_per_sample", lambda *_: 1 / 32)
    budget = {"steps": 6, "batch_size": 40, "evaluate_every": 3}
    found = check(spec_of(space, budget=budget), task_of())
    assert set(taken) == {("upgrad/kl_uniform", 16), ("fine_tune", 16)}
    assert found.batch_shrunk == 2.5
    assert {own.step_seconds for own in found.families} == {2.5 * 0.25}
    assert {own.setup_seconds for own in found.families} == {0.75}
    small = check(spec_of(space, budget=budget | {"batch_size": 8}), task_of())
    assert taken[-1] == ("fine_tune", 8)
    assert small.batch_shrunk == 1


def test_a_model_that_is_fast_enough_keeps_its_batches(space):
    assert check(spec_of(space), task_of()).batch_shrunk == 1


def test_a_logger_without_its_package_is_an_error_and_the_rest_is_looked_at(space, monkeypatch):
    monkeypatch.setitem(sys.modules, "aim", None)
    found = check(spec_of(space, loggers=["aim"]), task_of())
    (text,) = found.errors
    assert text.startswith("loggers: 'aim' needs a package that is not installed; run")
    assert len(found.families) == 2


def test_a_task_that_cannot_be_built_is_one_sentence(space):
    with pytest.raises(InputError, match=r"task\.name"):
        check(spec_of(space, task={"name": "digit"}))


ACCURACY = {"metric": "test_accuracy", "direction": "max", "ideal": 1, "nadir": 0}


def test_objectives_that_the_task_does_not_have_are_an_error(space):
    objectives = [ACCURACY, ACCURACY | {"metric": "remote_accuracy"}]
    (text,) = check(spec_of(space, objectives=objectives), task_of()).errors
    assert "objectives.1.metric: this task has no remote_accuracy" in text
    parts = task_of(adjacent_indices=torch.arange(6, 12))
    assert check(spec_of(space, objectives=objectives), parts).ok


def test_an_aim_that_does_not_fit_the_forget_request_is_a_warning(space):
    task = task_of(facts={"forget": {"kind": "mislabelled"}})
    (text,) = check(spec_of(space, objectives="oracle_free"), task).warnings
    assert text.startswith("objectives: the forget accuracy gap aims at")
    assert check(spec_of(space), task).warnings == []


class Rule(nn.Module):
    """Gets every sample right whose first input says so, which all do."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x[:, :N_CLASSES]


def test_an_original_that_has_nothing_to_forget_is_an_error(space):
    def known(own: Samples) -> Samples:
        inputs = torch.cat([nn.functional.one_hot(own.labels, N_CLASSES) * 9, own.inputs], 1)
        return with_inputs(own, inputs.float())

    old = task_of()
    sets = {name: known(getattr(old, name)) for name in ("train", "heldout", "validation", "test")}
    task = task_of(**sets, model=Rule, original=Rule().state_dict())
    spec = spec_of(space, objectives="oracle_free", replicates={"training_seeds": [0]})
    (text,) = check(spec, task).errors
    assert text.startswith("objectives: oracle_free needs original models that get more")

    train = sets["train"]
    labels = train.labels.clone()
    labels[:3] = (labels[:3] + 1) % N_CLASSES  # of the 6 to be forgotten
    worse = dataclasses.replace(task, train=Samples(train.inputs, labels))
    (text,) = check(spec, worse).errors
    assert "their accuracies differ by [-0.5]" in text
    assert check(spec_of(space, replicates={"training_seeds": [0]}), worse).warnings == []


def test_an_earlier_run_that_is_not_there_is_an_error(space, tmp_path):
    search = {"mode": "explore", "configurations": 2, "warm_start": str(tmp_path / "none")}
    (text,) = check(spec_of(space, search=search), task_of()).errors
    assert str(tmp_path / "none") in text


def test_a_broken_number_of_cards_is_an_error(space):
    found = check(spec_of(space, resources={"cpu": 1, "gpu": 1.5}), task_of())
    assert any("resources.gpu: 1.5 is more than a card" in text for text in found.errors)


def test_a_gpu_that_is_not_there_is_a_warning(space, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    found = check(spec_of(space, resources={"cpu": 1, "gpu": 0.3}), task_of())
    assert found.device == "cpu"
    assert any("PyTorch finds no GPU here" in text for text in found.warnings)
    assert any("leave 10% of it to nobody; book 0.33." in text for text in found.warnings)
    assert found.ok


def test_more_cores_than_there_are_is_a_warning_and_they_are_not_used(space, monkeypatch):
    threads, asked = torch.get_num_threads(), []
    monkeypatch.setattr(checking.os, "cpu_count", lambda: 3)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    found = check(spec_of(space, resources={"cpu": 4096}), task_of())
    assert any("a trial books cpu 4096" in text for text in found.warnings)
    assert asked == [3, threads]


# Time


MEASURED = {
    "upgrad/kl_uniform": FamilyCheck("upgrad/kl_uniform", 1.0, 0.5, 2.0, 0.0, 0.0, 30.0, 20.0),
    "fine_tune": FamilyCheck("fine_tune", 0.0, 0.25, 2.0, 0.0, 0.0, 0.0, 10.0),
}
UPGRAD = 2 * (1 + 6 * 0.5 + 2 * 2)  # two replicates, six steps, two evaluations
FINE_TUNE = 2 * (6 * 0.25 + 2 * 2)


def estimated(spec: SweepSpec, slots: int = 2, landmarks=LandmarkCost((8.0, 8.0, 6.0), 4)):  # noqa: B008
    return estimate(spec, MEASURED, landmarks, slots)


def test_a_sweep_takes_the_sum_of_its_parts(space):
    found = estimated(spec_of(space))
    assert [line.seconds for line in found.lines] == [22, 8, 2 * (UPGRAD + FINE_TUNE)]
    assert found.low == 11 + 4 + UPGRAD + FINE_TUNE
    assert found.high == found.low
    assert not found.at_most


def test_a_path_shows_a_model_for_each_level(space):
    space["families"][0] |= {
        "name": "upgrad/kl_uniform",
        "path": {"knob": "preference", "levels": {"choice": [2, 6]}},
    }
    trials = estimated(spec_of(space)).lines[-1]
    most = 2 * (1 + 6 * 0.5 + 6 * 2)
    assert trials.seconds == 2 * (most + FINE_TUNE)


def test_new_statistics_are_computed_before_each_evaluation(space):
    kept = estimated(spec_of(space)).lines[-1].seconds
    slower = {name: dataclasses.replace(m, statistics_seconds=3.0) for name, m in MEASURED.items()}
    found = estimate(spec_of(space), slower, LandmarkCost(), 2)
    trials, replicates, evaluations = 4, 2, 2
    assert found.lines[-1].seconds == kept + trials * replicates * evaluations * 3
    alone = dataclasses.replace(MEASURED["fine_tune"], step_seconds=0.0, statistics_seconds=3.0)
    assert alone.seconds(6, 2) == 2 + 3


def test_a_budget_of_samples_counts_new_statistics(space):
    more = {name: dataclasses.replace(m, statistics_samples=45.0) for name, m in MEASURED.items()}
    space["search"] = {"budget_per_family": {"samples": 300}}  # of 240 and 150, not 150 and 60
    found = estimate(spec_of(space), more, LandmarkCost(), 2)
    assert found.lines[2].count == 1 + 2


def test_a_budget_of_seconds_counts_new_statistics(space):
    search = {"mode": "compare", "budget_per_family": {"seconds": 80}}
    slower = {name: dataclasses.replace(m, statistics_seconds=3.0) for name, m in MEASURED.items()}
    found = estimate(spec_of(space, search=search), slower, LandmarkCost(), 2)
    upgrad, fine_tune = (1 + 6 * 0.5 + 2 * 3), (6 * 0.25 + 2 * 3)
    spent = 80 * (upgrad + 4) / upgrad + 80 * (fine_tune + 4) / fine_tune
    assert found.lines[2].seconds == pytest.approx(spent)


@pytest.mark.parametrize("statistics", ["keep", "recompute"])
def test_new_statistics_are_timed_where_the_sweep_computes_them(space, tmp_path, statistics):
    def normed() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, N_CLASSES))

    space["budget"]["batch_norm_statistics"] = statistics
    found = check(spec_of(space), task_of(model=normed), cache_dir=tmp_path / "cache")
    assert found.ok, found.findings
    for part in ("statistics_seconds", "statistics_samples"):
        assert {getattr(own, part) > 0 for own in found.families} == {statistics == "recompute"}


def test_a_path_is_tried_in_fewer_steps_than_it_has_levels(space, tmp_path):
    space["families"] = [space["families"][0] | {"path": {"knob": "preference", "levels": 6}}]
    found = check(spec_of(space), task_of(), cache_dir=tmp_path / "cache")
    assert found.ok, found.findings
    assert found.families[0].step_seconds > 0


@pytest.mark.parametrize("bundle", ["auto", 2])
def test_families_that_gain_nothing_in_a_bundle_are_named_with_the_reason(space, tmp_path, bundle):
    spec, task = spec_of(space, resources={"bundle": bundle}), task_of(model=dropping)
    found = check(spec, task, cache_dir=tmp_path / "cache")
    assert found.ok
    pair, other = (text for text in found.warnings if text.startswith("resources.bundle: family "))
    assert "upgrad/kl_uniform: one replicate at a time, as a step in a bundle fails" in pair
    assert "vmap: called random operation" in pair
    assert other.endswith("one replicate at a time, as method FineTune steps one model at a time")


def test_a_sweep_is_never_shorter_than_its_longest_piece(space):
    assert estimated(spec_of(space), slots=1000).low == 8 + 2 + UPGRAD


def test_replicates_with_a_slot_each_shorten_it(space):
    spec = spec_of(space, resources={"cpu": 1, "replicate_parallelism": "replicate"})
    assert estimated(spec, slots=1000).low == 8 + 2 + UPGRAD / 2


def test_trials_that_share_a_card_may_only_take_turns(space):
    found = estimated(spec_of(space, resources={"cpu": 1, "gpu": 0.25}), slots=8)
    alone = estimated(spec_of(space), slots=2)
    assert found.high == alone.low
    assert found.low < found.high


def test_a_search_is_as_long_as_its_mean_trial_times_its_number(space):
    found = estimated(spec_of(space, search={"mode": "explore", "configurations": 10}))
    assert found.lines[2].count == 10
    assert found.lines[2].seconds == pytest.approx(5 * (UPGRAD + FINE_TUNE))


def test_a_grid_takes_no_longer_than_its_combinations(space):
    families = [
        {"method": "fine_tune", "lr": {"choice": [0.01, 0.1]}},
        {"method": "none", "name": "upgrad/kl_uniform"},
    ]
    grid = {"mode": "explore", "configurations": 10, "sampler": "grid"}
    found = estimated(spec_of(space, families=families, search=grid))
    assert found.lines[-1].count == 3


def test_a_budget_of_seconds_is_spent_and_evaluations_come_on_top(space):
    search = {"mode": "compare", "budget_per_family": {"seconds": 80}}
    found = estimated(spec_of(space, search=search))
    with_evaluations = 80 * UPGRAD / 8 + 80 * FINE_TUNE / 3
    assert found.lines[2].seconds == pytest.approx(with_evaluations)


@pytest.mark.parametrize(("samples", "trials"), [(299, (1, 4)), (300, (2, 5)), (10, (1, 1))])
def test_of_a_budget_of_samples_as_many_trials_are_counted_as_fit(space, samples, trials):
    search = {"mode": "compare", "budget_per_family": {"samples": samples}}
    found = estimated(spec_of(space, search=search)).lines[2]
    upgrad, fine_tune = trials  # 150 and 60 samples each
    assert found.count == upgrad + fine_tune
    assert found.seconds == pytest.approx(upgrad * UPGRAD + fine_tune * FINE_TUNE)


def test_a_family_takes_as_long_as_its_own_budget(space):
    space["families"][1]["budget"] = {"steps": 2}
    trials = estimated(spec_of(space)).lines[-1]
    assert trials.seconds == pytest.approx(2 * (UPGRAD + 2 * (2 * 0.25 + 2)))


@pytest.mark.parametrize("part", [{"early_stopping": {"grace": 3}}, {"stop": {}}])
def test_a_sweep_that_may_end_early_takes_at_most_that(space, part):
    assert estimated(spec_of(space, **part)).at_most


def test_nothing_left_to_train_takes_nothing(space):
    assert estimated(spec_of(space), landmarks=LandmarkCost()).lines[0].seconds == 0


def test_a_result_is_plain_data(space):
    found = check(spec_of(space), task_of())
    assert dataclasses.asdict(found)["estimate"]["slots"] >= 1
    assert representatives(spec_of(space).family_list())
