"""Replicates that step together in a trial: rows, checkpoints, failures and who is left out."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn

from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.bundle_pace import Ways, compare_ways, words
from pareto_explorer.sweeps.trials.bundles import bundles, points_of, size_of
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial
from pareto_explorer.tasks import UnlearningTask
from tests.sweeps.clouds import clouds

CLASSES = 4
BUDGET = BudgetSpec(steps=9, batch_size=16, evaluate_every=3)
REPLICATES = tuple(Replicate(i, i, 0) for i in range(4))
PAIR = {"aggregator": "upgrad", "forget_loss": "kl_uniform"}
MACHINE = {"seconds", "evaluation_seconds"}


def network(*further: nn.Module) -> nn.Module:
    layers = (nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), *further, nn.Linear(12, CLASSES))
    return nn.Sequential(*layers)


class Counting(nn.Module):
    """Holds a statistic that every forward pass puts a new tensor in the place of."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(12))

    def forward(self, x):
        if self.training:
            self.mean = 0.5 * self.mean + 0.5 * x.detach().mean(0)
        return x - self.mean


def make_task(model=network) -> UnlearningTask:
    shape = {"classes": CLASSES, "features": 6, "train": 120, "heldout": 40, "forget_every": 6}
    return clouds(model, **shape)


def make_landmarks(model=network) -> dict[int, Landmarks]:
    def state(seed: int) -> dict[str, torch.Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return model().state_dict()

    return {r.training_seed: Landmarks(state(r.index), state(r.index + 10)) for r in REPLICATES}


def make_plan(**knobs) -> TrialPlan:
    return TrialPlan("trial", Family("pair", "jacobian_descent", **PAIR), {"lr": 0.05, **knobs})


def start(size: int, landmarks=None, plan=None) -> UnlearningTrial:
    plan = plan or make_plan()
    job = Job(
        {plan.family.name: plan.family},
        make_task(),
        landmarks or make_landmarks(),
        REPLICATES,
        BUDGET,
        "cpu",
        1,
        bundles={"pair": size},
    )
    trial = UnlearningTrial.__new__(UnlearningTrial)
    trial.setup(plan.to_config(), job=job)
    return trial


def to_the_end(trial: UnlearningTrial) -> list[dict]:
    results = [trial.step()]
    while not results[-1]["done"]:
        results.append(trial.step())
    return results


def measured(results) -> list[dict]:
    rows = [row for result in results for row in result["rows"]]
    return [{k: v for k, v in row.items() if k not in MACHINE} for row in rows]


def sizes(results) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for row in measured(results):
        found.setdefault(row["replicate"], []).append(row.get("bundle", 1.0))
    return found


def test_rows_are_those_of_replicates_alone_and_say_how_many_stepped_together():
    alone, together = to_the_end(start(1)), to_the_end(start(3))
    assert sizes(alone) == dict.fromkeys(range(4), [1.0] * 3)
    assert "bundle" not in measured(alone)[0]
    assert sizes(together) == {0: [3.0] * 3, 1: [3.0] * 3, 2: [3.0] * 3, 3: [1.0] * 3}
    expected, found = pd.DataFrame(measured(alone)), pd.DataFrame(measured(together))
    pd.testing.assert_frame_equal(found.drop(columns="bundle"), expected, rtol=1e-4, atol=1e-5)
    last = expected[(expected["replicate"] == 3)].index
    pd.testing.assert_frame_equal(found.loc[last, expected.columns], expected.loc[last])


def test_members_share_the_seconds_and_count_their_own_samples():
    rows = [row for result in to_the_end(start(4)) for row in result["rows"]]
    last = [row for row in rows if row["step"] == BUDGET.steps]
    assert {row["samples"] for row in last} == {2 * 2 * 16 * BUDGET.steps}
    assert all(row["seconds"] > 0 for row in rows)
    seconds = [row["seconds"] for row in last]
    assert max(seconds) < 2 * min(seconds)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_bundle_goes_on_from_a_checkpoint_bit_by_bit(tmp_path, steps):
    expected, lost = to_the_end(start(2)), start(2)
    for _ in range(steps):
        lost.step()
    lost.save_checkpoint(str(tmp_path))
    after = start(2)
    after.load_checkpoint(str(tmp_path))
    assert measured(to_the_end(after)) == measured(expected[steps:])


def test_a_member_that_cannot_be_read_starts_again_with_its_bundle(tmp_path):
    expected, lost = to_the_end(start(2)), start(2)
    lost.step()
    lost.save_checkpoint(str(tmp_path))
    (tmp_path / "replicate-1.pkl").write_bytes(b"torn")
    after = start(2)
    after.load_checkpoint(str(tmp_path))
    repeated = after.step()
    rows = [row for result in expected[:2] for row in measured([result])]
    first = sorted(measured([repeated]), key=lambda row: (row["replicate"], row["step"]))
    wanted = [row for row in rows if row["replicate"] < 2 or row["step"] == 6]
    assert first == sorted(wanted, key=lambda row: (row["replicate"], row["step"]))
    assert measured(to_the_end(after)) == measured(expected[2:])


def test_one_that_diverges_ends_and_the_others_go_on_without_it():
    broken = make_landmarks()
    broken[1].original["3.weight"] *= 1e30
    results = to_the_end(start(3, broken))
    assert sizes(results) == {0: [3.0, 2.0, 2.0], 1: [3.0], 2: [3.0, 2.0, 2.0], 3: [1.0] * 3}
    statuses = {(row["replicate"], row["status"]) for row in measured(results)}
    assert statuses == {(0, "ok"), (1, "diverged"), (2, "ok"), (3, "ok")}
    assert results[-1]["trial_status"] == "diverged"


def test_one_that_had_diverged_starts_again_with_its_bundle_too(tmp_path):
    broken = make_landmarks()
    broken[1].original["3.weight"] *= 1e30
    expected, lost = to_the_end(start(3, broken)), start(3, broken)
    for _ in range(2):
        lost.step()
    lost.save_checkpoint(str(tmp_path))
    (tmp_path / "replicate-0.pkl").write_bytes(b"torn")
    after = start(3, broken)
    after.load_checkpoint(str(tmp_path))
    rows = measured(to_the_end(after))
    known = {(row["replicate"], row["step"]): row for row in measured(expected)}
    assert {1, 2} <= {row["replicate"] for row in rows}
    for row in rows:  # some numbers of the diverged one are NaN
        assert repr(row) == repr(known[row["replicate"], row["step"]])


def test_an_error_is_that_of_the_member_that_raised_it(monkeypatch):
    trial = start(3)
    trial.step()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("why")

    run = trial._running[2]._progress.models
    monkeypatch.setattr(run.write_gradients.objectives, "losses_of", fail)
    failed = trial.step()
    assert [(row["replicate"], row["error"]) for row in failed["rows"]] == [
        (2, "ZeroDivisionError: why")
    ]


def draws_globally(batch) -> torch.Tensor:
    return (batch.logits + 0.02 * torch.randn_like(batch.logits)).square().mean()


def test_what_draws_from_the_global_generators_steps_alone():
    family = Family("pair", "jacobian_descent", "upgrad", f"{__name__}:draws_globally")
    bench = Bench(make_task(), make_landmarks(), "cpu")
    ways = compare_ways(bench, TrialPlan("trial", family, {"lr": 0.05}), 0, 16, 3)
    assert ways.reason == "it draws from PyTorch's global generators"


def test_a_point_of_a_bundle_is_run_again_bit_by_bit():
    broken = make_landmarks()
    broken[1].original["3.weight"] *= 1e30
    rows = [row for row in measured(to_the_end(start(3, broken))) if row["replicate"] == 2]
    bench = Bench(make_task(), broken, "cpu")
    runs = {r.index: run_replicate(bench, make_plan(), r, BUDGET) for r in REPLICATES[:3]}
    again = [point.row for point in points_of(2, runs)]
    assert [{k: v for k, v in row.items() if k not in MACHINE} for row in again] == rows


def test_statistics_of_batch_norm_are_recomputed_for_each_member(monkeypatch):
    monkeypatch.setitem(
        globals(), "BUDGET", BUDGET.model_copy(update={"batch_norm_statistics": "recompute"})
    )
    expected, found = (pd.DataFrame(measured(to_the_end(start(size)))) for size in (1, 4))
    pd.testing.assert_frame_equal(found.drop(columns="bundle"), expected, rtol=1e-4, atol=1e-5)


def test_a_configuration_that_cannot_be_stacked_steps_alone_in_a_family_that_can():
    sizes_of_family = {"pair": 3}
    assert size_of(make_plan(), sizes_of_family) == 3
    assert size_of(make_plan(saliency=0.5), sizes_of_family) == 1
    assert size_of(make_plan(), {}) == 1


def test_neighbours_make_a_bundle():
    assert bundles(range(5), 2) == [[0, 1], [2, 3], [4]]
    assert bundles([1, 4], 2) == [[1], [4]]
    assert bundles(range(3), 1) == [[0], [1], [2]]


def compared(model=network, **knobs) -> Ways:
    bench = Bench(make_task(model), make_landmarks(model), "cpu")
    return compare_ways(bench, make_plan(**knobs), 0, 16, 3)


@pytest.mark.parametrize("knobs", [{}, {"path": "preference", "path_levels": 3}])
def test_both_ways_are_timed_where_they_lead_to_the_same(knobs):
    ways = compared(**knobs)
    assert (ways.members, ways.reason) == (3, "")
    assert ways.alone > 0
    assert ways.together > 0


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        (lambda: nn.Dropout(0.5), "a step in a bundle fails (RuntimeError: vmap: called random"),
        (Counting, "its steps differ from those of one model"),
    ],
)
def test_a_model_that_cannot_be_stacked_is_found_out(further, reason):
    assert compared(lambda: network(further())).reason.startswith(reason)


def test_a_configuration_that_cannot_be_stacked_is_not_tried():
    assert compared(granularity="layer") == Ways(3, reason="granularity is layer")


def test_the_faster_way_is_taken_only_where_it_is_asked_for():
    slower, faster = Ways(3, 1.0, 2.0), Ways(3, 2.0, 1.0)
    assert [way.size("auto") for way in (slower, faster)] == [1, 3]
    assert [way.size(3) for way in (slower, faster)] == [3, 3]
    assert replace(faster, reason="saliency is set").size("auto") == 1


def test_families_are_told_together_by_what_becomes_of_them():
    measured = {
        "mgda": Ways(3, 2.0, 1.0),
        "cup": Ways(3, 3.0, 2.0),
        "upgrad": Ways(3, 1.0, 2.0),
        "famo": Ways(3, reason="saliency is set"),
    }
    assert words(measured, "auto") == [
        "resources.bundle: families mgda and cup: 3 replicates in one step; a bundle took its "
        "steps 1.5 to 2 times as fast here",
        "resources.bundle: family upgrad: one replicate at a time; a bundle took its steps 0.5 "
        "times as fast here",
        "resources.bundle: family famo: one replicate at a time, as saliency is set",
    ]
    assert words({}, "auto") == []
