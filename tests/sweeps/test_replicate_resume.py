"""Replicates and trials that are put away and taken up again, without Ray."""

from __future__ import annotations

import copy
import itertools
import json
import logging
import threading
from functools import partial
from operator import itemgetter

import pytest
import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials import trainable
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, ReplicateRun, run_replicate
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.unlearning.methods.controls import FineTune
from tests.sweeps.clouds import clouds

CLASSES = 4
BUDGET = BudgetSpec(steps=60, batch_size=16, evaluate_every=20)
REPLICATES = (Replicate(0, 0, 0), Replicate(1, 1, 0))
SECONDS = {"seconds", "evaluation_seconds"}
PAIR = {"method": "jacobian_descent", "aggregator": "famo", "forget_loss": "random_labels"}


def network() -> nn.Module:
    """Batch norm, whose buffers move, and dropout, which draws from the global generator."""
    return nn.Sequential(
        nn.Linear(8, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, CLASSES)
    )


def make_task() -> UnlearningTask:
    shape = {"classes": CLASSES, "features": 8, "train": 160, "heldout": 48, "forget_every": 8}
    return clouds(network, **shape, adjacent_indices=torch.arange(4, 160, 8))


def make_landmarks() -> dict[int, Landmarks]:
    def state(seed: int) -> dict[str, torch.Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return network().state_dict()

    return {seed: Landmarks(state(seed), state(seed + 10)) for seed in (0, 1)}


def make_bench() -> Bench:
    """As another worker has it: equal, and nothing shared."""
    return Bench(make_task(), make_landmarks(), "cpu")


def make_plan(config: dict, trial_id: str = "trial") -> TrialPlan:
    knobs = dict(config)
    parts = {key: knobs.pop(key, None) for key in ("method", "aggregator", "forget_loss")}
    name = "/".join(filter(None, parts.values()))
    return TrialPlan(trial_id, Family(name, **parts), knobs)


def run(config: dict, replicate: Replicate = REPLICATES[0]) -> ReplicateRun:
    return run_replicate(make_bench(), make_plan(config), replicate, BUDGET)


def resumed(config: dict, snapshot: bytes, replicate: Replicate = REPLICATES[0]) -> ReplicateRun:
    return ReplicateRun.resumed(make_bench(), make_plan(config), replicate, BUDGET, snapshot)


def measured(rows) -> list[dict]:
    return [{k: v for k, v in row.items() if k not in SECONDS} for row in rows]


def outcome(points) -> tuple[list[dict], list[torch.Tensor]]:
    """Rows without the clock, and all parameters and buffers."""
    rows, states = [], []
    for point in points:
        rows.append(point.row)
        state = point.model.state_dict().values()
        states.append(torch.cat([x.double().reshape(-1) for x in state]))
    return measured(rows), states


def assert_same(found, expected) -> None:
    assert found[0] == expected[0]
    assert len(found[1]) == len(expected[1]) > 0
    assert all(torch.equal(a, b) for a, b in zip(found[1], expected[1], strict=True))


@pytest.mark.parametrize(
    "config",
    [
        {"method": "fine_tune"},
        PAIR,
        {**PAIR, "aggregator": "moco", "forget_loss": "kl_heldout_published", "optimizer": "adamw"},
        {**PAIR, "aggregator": "graddrop", "granularity": "layer", "saliency": 0.5},
        {**PAIR, "aggregator": "upgrad", "auto_lr": True},
        {**PAIR, "aggregator": "sdmgrad", "path": "preference", "path_levels": 3},
        {**PAIR, "path": "lr", "path_from": 0.1, "path_to": 0.01, "path_levels": 3},
        {
            **PAIR,
            "aggregator": "pcd",
            "forget_loss": "negative_cross_entropy",
            "path": "clip",
            "path_from": 2.0,
            "path_to": 1.0,
            "path_levels": 3,
        },
        *({"method": m} for m in ("scrub", "task_vector", "boundary_expand", "entanglement")),
    ],
    ids=lambda config: "/".join(map(str, config.values())),
)
@pytest.mark.parametrize("evaluations", [1, 2])
def test_a_replicate_goes_on_bit_by_bit(config, evaluations):
    rows, states = outcome(run(config))
    assert [row["step"] for row in rows] == [20, 40, 60]
    assert {row["status"] for row in rows} == {"ok"}
    first = run(config)
    for _ in range(evaluations):
        before = next(first)
    snapshot = first.snapshot()
    assert snapshot is not None
    torch.manual_seed(4711)
    points = [(p, copy.deepcopy(p.model)) for p in resumed(config, snapshot)]
    for point, _ in points:
        for name in SECONDS:
            assert point.row[name] > before.row[name]
    found = outcome(point._replace(model=model) for point, model in points)
    assert_same(found, (rows[evaluations:], states[evaluations:]))


def test_replicates_that_take_turns_do_not_disturb_each_other():
    alone = [outcome(run(PAIR, replicate)) for replicate in REPLICATES]
    bench, plan = make_bench(), make_plan(PAIR)
    runs = [run_replicate(bench, plan, replicate, BUDGET) for replicate in REPLICATES]
    found: list[list] = [[], []]
    for _ in range(3):
        for each, points in zip(runs, found, strict=True):
            torch.rand(3)  # somebody else draws
            point = next(each)
            points.append(point._replace(model=copy.deepcopy(point.model)))
    for points, expected in zip(found, alone, strict=True):
        assert_same(outcome(points), expected)


def test_a_snapshot_holds_no_sample():
    bench = make_bench()
    for config in (PAIR, {"method": "entanglement"}, {"method": "scrub"}):
        going = run_replicate(bench, make_plan(config), REPLICATES[0], BUDGET)
        next(going)
        snapshot = going.snapshot()
        for samples in (bench.task.train, bench.task.heldout):
            assert not any(row.numpy().tobytes() in snapshot for row in samples.inputs)


@pytest.mark.parametrize("method", ["none", "ssd", "neg_merge"])
def test_a_method_that_is_a_python_generator_has_no_snapshot(method):
    going = run({"method": method})
    next(going)
    assert not going.can_save
    assert going.snapshot() is None


def test_before_its_start_a_replicate_has_no_snapshot():
    going = run(PAIR)
    assert not going.can_save
    assert going.snapshot() is None


class Locked(FineTune):
    """A user's method with a state that cannot be pickled."""

    def prepare(self, setting):
        step, lock = super().prepare(setting), threading.Lock()

        def write_gradients():
            with lock:
                step()

        return write_gradients


def test_a_method_that_cannot_be_pickled_goes_on_without_a_snapshot():
    config = {"method": f"{__name__}:Locked"}
    going = run(config)
    next(going)
    assert going.can_save
    assert going.snapshot() is None
    assert not going.can_save
    assert [point.row["step"] for point in going] == [40, 60]


def test_a_diverged_replicate_stays_ended():
    config = {"method": "fine_tune", "lr": 1e30}
    going = run(config)
    assert next(going).row["status"] == "diverged"
    assert next(resumed(config, going.snapshot()), None) is None
    assert next(going, None) is None


@pytest.mark.parametrize("steps", [(3, 3), (0, 0), (3, 6, 5)])
def test_a_method_must_not_yield_twice_at_a_step_or_go_back(steps):
    found = run({"method": "tests.sweeps.broken:Yields", "steps": steps})
    rows = [next(found).row for _ in steps[:-1]]
    assert [row["step"] for row in rows] == list(steps[:-1])
    told = rf"^method 'tests\.sweeps\.broken:Yields': it yields a model at step {steps[-1]} after"
    with pytest.raises(InputError, match=f"{told} one at step {steps[-2]}; .* at each step"):
        next(found)


def test_steps_may_be_far_apart_and_start_at_0():
    points = run({"method": "tests.sweeps.broken:Yields", "steps": (0, 1, 50)})
    assert [point.row["step"] for point in points] == [0, 1, 50]


class GoesBack:
    """A user's method, an iterator that can be pickled: step 3, then step 2."""

    def run(self, model, _data, budget, _generator):
        self.model, self.budget, self.steps = model, budget, [3, 2]
        return self

    def __next__(self):
        self.budget.ledger.step = self.steps.pop(0)
        return self.model


def test_steps_are_remembered_in_a_snapshot():
    config = {"method": f"{__name__}:GoesBack"}
    start = run(config)
    next(start)
    after = resumed(config, start.snapshot())
    with pytest.raises(InputError, match="at step 2 after one at step 3"):
        next(after)


def test_a_snapshot_of_something_else_is_refused():
    from pareto_explorer.unlearning.core.session import save_session

    with pytest.raises(TypeError, match="a snapshot holds a dict"):
        resumed(PAIR, save_session({}, {}, "cpu"))


def start(config: dict = PAIR, *others: dict, checkpoint_seconds: float = 60.0) -> UnlearningTrial:
    plans = [make_plan(each, f"trial-{k}") for k, each in enumerate((config, *others))]
    job = Job(
        {plan.family.name: plan.family for plan in plans},
        make_task(),
        make_landmarks(),
        REPLICATES,
        BUDGET,
        "cpu",
        1,
        checkpoint_seconds,
    )
    trial = UnlearningTrial.__new__(UnlearningTrial)
    trial.setup(plans[0].to_config(), job=job)
    return trial


def to_the_end(trial: UnlearningTrial) -> list[dict]:
    results = [trial.step()]
    while not results[-1]["done"]:
        results.append(trial.step())
    return results


def rows_of(results) -> list[dict]:
    return measured(row for result in results for row in result["rows"])


@pytest.mark.parametrize("steps", [1, 2])
def test_a_trial_that_lost_its_worker_goes_on_from_its_checkpoint(tmp_path, steps):
    expected = to_the_end(start())
    lost = start()
    for _ in range(steps):
        lost.step()
    lost.save_checkpoint(str(tmp_path))
    lost.step()  # what is reported after the checkpoint is reported again
    after = start()
    after.load_checkpoint(str(tmp_path))
    results = to_the_end(after)
    assert rows_of(results) == rows_of(expected[steps:])
    assert [len(result["rows"]) for result in results] == [2] * (3 - steps)
    assert results[-1]["trial_status"] == "finished"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["replicate-0.pkl", "replicate-1.pkl", "trial.json"]


def test_a_checkpoint_does_not_disturb_the_trial(tmp_path):
    trial = start()
    results = []
    for k in range(3):
        trial.save_checkpoint(str(tmp_path))
        results.append(trial.step())
        assert results[-1]["done"] == (k == 2)
    assert rows_of(results) == rows_of(to_the_end(start()))


def test_replicates_that_have_ended_and_what_they_said_are_remembered(tmp_path, monkeypatch):
    config = {"method": "fine_tune", "lr": 0.01}
    broken = make_landmarks()
    broken[0].original["4.weight"] *= 1e30
    monkeypatch.setitem(globals(), "make_landmarks", lambda: broken)
    trial = start(config)
    first = trial.step()
    assert [row["status"] for row in first["rows"]] == ["diverged", "ok"]
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    assert [path.name for path in tmp_path.glob("*.pkl")] == ["replicate-1.pkl"]
    after = start(config)
    after.load_checkpoint(str(tmp_path))
    (last,) = to_the_end(after)
    assert [(row["replicate"], row["step"]) for row in last["rows"]] == [(1, 60)]
    assert last["trial_status"] == "diverged"
    assert "not finite" in last["error"]


def test_a_replicate_that_cannot_be_saved_starts_again(tmp_path):
    config = {"method": f"{__name__}:Locked"}
    trial = start(config)
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["trial.json"]
    after = start(config)
    after.load_checkpoint(str(tmp_path))
    results = to_the_end(after)
    assert [[row["replicate"] for row in result["rows"]] for result in results] == [
        [0, 0, 1, 1],  # what is repeated comes in one step
        [0, 1],
    ]
    again, expected = rows_of(results), rows_of(to_the_end(start(config)))
    order = itemgetter("replicate", "step")
    assert sorted(again, key=order) == sorted(expected, key=order)


def test_a_damaged_checkpoint_costs_time_only(tmp_path, caplog):
    trial = start()
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    file = tmp_path / "replicate-1.pkl"
    file.write_bytes(file.read_bytes()[:1000])
    after = start()
    with caplog.at_level(logging.WARNING):
        after.load_checkpoint(str(tmp_path))
    assert "replicate 1 of trial-0 starts again" in caplog.text
    rows = rows_of(to_the_end(after))
    assert [row["step"] for row in rows if row["replicate"] == 0] == [40, 60]
    assert [row["step"] for row in rows if row["replicate"] == 1] == [20, 40, 60]


def test_the_checkpoint_of_another_trial_is_refused(tmp_path):
    trial = start()
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    other = start(PAIR, PAIR)
    other.reset_config(make_plan(PAIR, "trial-1").to_config())
    with pytest.raises(ValueError, match="of trial trial-0, not of trial-1"):
        other.load_checkpoint(str(tmp_path))


def test_an_actor_that_has_loaded_a_checkpoint_takes_a_new_trial_cleanly(tmp_path):
    other = {"method": "fine_tune"}
    trial = start(PAIR, other)
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    trial.load_checkpoint(str(tmp_path))
    trial.step()
    assert trial.reset_config(make_plan(other, "trial-1").to_config())
    found = [{**row, "trial_id": ""} for row in rows_of(to_the_end(trial))]
    assert found == [{**row, "trial_id": ""} for row in rows_of(to_the_end(start(other)))]


def asks(trial: UnlearningTrial) -> list[bool]:
    return [result.get("should_checkpoint", False) for result in to_the_end(trial)]


def test_a_trial_asks_for_a_checkpoint_when_enough_was_computed(tmp_path, monkeypatch):
    clock = partial(next, itertools.count(step=25.0))  # each step takes 25 seconds
    monkeypatch.setattr(trainable, "perf_counter", clock)
    assert asks(start(checkpoint_seconds=25.0)) == [True, True, False]
    assert asks(start(checkpoint_seconds=26.0)) == [False, True, False]
    assert asks(start(checkpoint_seconds=51.0)) == [False, False, False]
    trial = start(checkpoint_seconds=26.0)
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    assert "should_checkpoint" not in trial.step()
    trial = start(checkpoint_seconds=26.0)
    trial.step()
    trial.reset_config(make_plan(PAIR, "trial-0").to_config())
    assert "should_checkpoint" not in trial.step()


def test_a_trial_with_nothing_to_save_asks_for_no_checkpoint():
    assert asks(start({"method": "ssd"}, checkpoint_seconds=0.0)) == [False, False]


def test_what_a_checkpoint_says_is_plain(tmp_path):
    trial = start()
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    state = json.loads((tmp_path / "trial.json").read_text())
    last = state.pop("last")
    assert state == {
        "trial_id": "trial-0",
        "running": [0, 1],
        "trial_status": "finished",
        "error": "",
        "across_seeds": [],
    }
    assert [(index, row["replicate"], row["step"]) for index, (row,) in last] == [
        (0, 0, 20),
        (1, 1, 20),
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("devices", [("cuda", "cpu"), ("cpu", "cuda"), ("cuda", "cuda")])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_replicate_goes_on_on_another_device(devices, optimizer):
    first, second = (Bench(make_task(), make_landmarks(), device) for device in devices)
    for aggregator in ("famo", "graddrop", "moco"):
        plan = make_plan({**PAIR, "aggregator": aggregator, "optimizer": optimizer})
        going = run_replicate(first, plan, REPLICATES[0], BUDGET)
        next(going)
        after = ReplicateRun.resumed(second, plan, REPLICATES[0], BUDGET, going.snapshot())
        points = list(after)
        assert [(p.row["step"], p.row["status"]) for p in points] == [(40, "ok"), (60, "ok")]
        assert {p.device.type for p in points[-1].model.parameters()} == {devices[1]}
