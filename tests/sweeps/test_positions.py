"""Several models at one step: none is lost on the way to the run directory and back."""

from __future__ import annotations

import itertools
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, front, replicate_means, select
from pareto_explorer.results.exporting import export_kept
from pareto_explorer.runs import PointsWriter, RunDirectory, read_points
from pareto_explorer.runs.kept_models import read_kept_models
from pareto_explorer.schema.columns import checkpoints_of
from pareto_explorer.sweeps.driver.keeper import Keeper, ModelStore
from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, ReplicateRun, run_replicate
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial
from tests.tasks.small import SmallNet, small_task

BOX = Box((Objective("forget_gap", "min", 0.0, 1.0), Objective("retain_gap", "min", 0.0, 1.0)))
REPLICATES = (Replicate(0, 0, 0), Replicate(1, 1, 0))
EVERY = 5


def budget_of(evaluations: int) -> BudgetSpec:
    return BudgetSpec(steps=EVERY * evaluations, batch_size=8, evaluate_every=EVERY)


BUDGET = budget_of(2)
SECONDS = {"seconds", "evaluation_seconds"}
positions = st.lists(st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0, 7.0]), unique=True, min_size=1)


@dataclass
class Scales:
    """A method that can be pickled: models whose last bias says where and when they are shown."""

    places: tuple[float, ...] = (0.0, 0.5)

    def run(self, model, _data, budget, _generator):
        self.model, self.budget = model, budget
        self.steps = iter(budget.evaluation_steps())
        self.left = iter(())
        return self

    def __iter__(self):
        return self

    def __next__(self):
        ledger = self.budget.ledger
        position = next(self.left, None)
        if position is None:
            ledger.step = next(self.steps)
            self.left = ledger.along(self.places)
            position = next(self.left)
        with torch.no_grad():
            self.model.head.bias.fill_(ledger.step + position / 10)
        return self.model


class Generates(Scales):
    """The same as a Python generator, which starts again after a loss."""

    def run(self, model, _data, budget, _generator):
        ledger = budget.ledger
        for ledger.step in budget.evaluation_steps():
            for position in ledger.along(self.places):
                with torch.no_grad():
                    model.head.bias.fill_(ledger.step + position / 10)
                yield model


@pytest.fixture(scope="module")
def parts():
    def state(seed: int):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return SmallNet().state_dict()

    return small_task(), {seed: Landmarks(state(seed), state(seed + 10)) for seed in (0, 1)}


def plan_of(config: dict) -> TrialPlan:
    knobs = dict(config)
    names = {part: knobs.pop(part, None) for part in ("method", "aggregator", "forget_loss")}
    return TrialPlan("trial-0", Family("scales", **names), knobs)


def start(parts, config: dict, run: RunDirectory, evaluations: int = 3) -> UnlearningTrial:
    plan, budget = plan_of(config), budget_of(evaluations)
    stored = ModelStore(run.path, waits=())
    job = Job({"scales": plan.family}, *parts, REPLICATES, budget, "cpu", 1, models=stored)
    trial = UnlearningTrial.__new__(UnlearningTrial)
    trial.setup(plan.to_config(), job=job)
    return trial


def test_a_family_with_a_budget_of_its_own_ends_with_it(parts, tmp_path):
    trial = start(parts, {"method": f"{__name__}:Scales"}, RunDirectory(tmp_path))
    config = trial.plan.to_config()
    trial.job.families["scales"] = replace(trial.plan.family, budget={"steps": EVERY})
    trial.reset_config(config)
    result = trial.step()
    assert result["done"]
    assert {row["step"] for row in result["rows"]} == {EVERY}
    assert result["spent_samples"] == result["rows"][-1]["samples"]


@settings(max_examples=8, deadline=None)
@given(
    places=positions,
    evaluations=st.integers(1, 3),
    method=st.sampled_from(["Scales", "Generates"]),
    saved=st.integers(0, 3),
    lost=st.integers(0, 2),
)
def test_all_models_are_rows_and_files_and_can_be_chosen_one_by_one(
    parts, places, evaluations, method, saved, lost
):
    """Also where the worker is lost after a checkpoint, and the driver starts again."""
    config = {"method": f"{__name__}:{method}", "places": tuple(places)}
    expected = set(itertools.product(range(EVERY, EVERY * evaluations + 1, EVERY), places))
    with tempfile.TemporaryDirectory() as name:
        run, folder = RunDirectory(Path(name) / "run"), Path(name) / "checkpoint"
        run.path.mkdir()
        folder.mkdir()
        trial = start(parts, config, run, evaluations)
        store = ModelStore(run.path, waits=())
        with (
            PointsWriter(run) as writer,
            Keeper(run, store, BOX, "all", 2, read_points(run)) as keeper,
        ):

            def report(result) -> bool:
                settled = writer.settle(result["rows"])
                assert not settled.contradictions
                if result["done"]:
                    writer.finish("trial-0", result["trial_status"], None, settled.rows)
                else:
                    writer.append(settled.rows)
                keeper.report(settled.rows, result["kept"])
                return result["done"]

            done = any(report(trial.step()) for _ in range(saved))
            if not done and saved:
                trial.save_checkpoint(str(folder))
                done = any(report(trial.step()) for _ in range(lost))
                trial = start(parts, config, run, evaluations)
                trial.load_checkpoint(str(folder))
            while not done:
                done = report(trial.step())
        points = read_points(run)
        found = {(r, s, p) for r, s, p in points[["replicate", "step", "position"]].to_numpy()}
        assert len(points) == 2 * len(expected)
        assert found == {(r, *place) for r in (0, 1) for place in expected}
        kept = read_kept_models(run)
        assert len(kept) == len(points)
        assert len(list(run.path.glob("models/*/*.safetensors"))) == len(points)
        means = replicate_means(points, BOX)
        assert set(checkpoints_of(means)) == {("trial-0", *place) for place in expected}
        target = Path(name) / "model.safetensors"
        for step, position in expected:
            choice = select(points, BOX, trial_id="trial-0", step=step, position=position)
            assert choice.checkpoint == ("trial-0", step, position)
            exported = export_kept(run.path, "trial-0", 1, step, target, position=position)
            bias = load_file(exported.path)["head.bias"]
            assert bias.tolist() == pytest.approx([step + position / 10] * 3)


def test_a_report_has_all_models_of_a_step_and_means_by_position(parts, tmp_path):
    config = {"method": f"{__name__}:Scales", "places": (0.0, 0.5, 1.0)}
    trial = start(parts, config, RunDirectory(tmp_path))
    results = [trial.step() for _ in range(3)]
    assert [result["done"] for result in results] == [False, False, True]
    for result, step in zip(results, (5, 10, 15), strict=True):
        assert [(r["replicate"], r["step"], r["position"]) for r in result["rows"]] == [
            (replicate, step, place) for replicate in (0, 1) for place in (0.0, 0.5, 1.0)
        ]
        assert result["step"] == step
        for place, means in zip((0.0, 0.5, 1.0), result["line"], strict=True):
            rows = [row for row in result["rows"] if row["position"] == place]
            gaps = [row["forget_gap"] for row in rows]
            assert means["forget_gap"] == pytest.approx(sum(gaps) / 2)
        last = [row["seconds"] for row in result["rows"] if row["position"] == 1.0]
        assert result["spent_seconds"] == sum(last)  # a line is paid for once
        assert "position" not in result


def test_a_checkpoint_before_the_second_step_repeats_no_place(parts, tmp_path):
    config = {"method": f"{__name__}:Generates", "places": (0.0, 0.5)}
    trial = start(parts, config, RunDirectory(tmp_path))
    trial.step()
    trial.save_checkpoint(str(tmp_path))
    after = start(parts, config, RunDirectory(tmp_path))
    after.load_checkpoint(str(tmp_path))
    result = after.step()
    assert [row["step"] for row in result["rows"]] == [5, 5, 10, 10] * 2
    assert len(result["line"]) == 2
    state = json.loads((tmp_path / "trial.json").read_text())
    assert [len(rows) for _, rows in state["last"]] == [2, 2]


@pytest.mark.parametrize("shown", [1, 2, 3])
def test_a_replicate_goes_on_inside_a_line_bit_by_bit(parts, shown):
    line = {"method": "pareto_line", "forget_loss": "random_labels", "points": 3}
    path = {"method": "interpolation", "forget_loss": "kl_heldout_published", "points": 3}
    for config in (line, line | {"members": "norm"}, line | {"members": "lora"}, path):
        plan = plan_of(config)
        whole = [
            outcome(p) for p in run_replicate(Bench(*parts, "cpu"), plan, REPLICATES[0], BUDGET)
        ]
        assert [row["position"] for row, _ in whole] == [0.0, 0.5, 1.0] * 2
        first = run_replicate(Bench(*parts, "cpu"), plan, REPLICATES[0], BUDGET)
        for _ in range(shown):
            next(first)
        bench = Bench(*parts, "cpu")
        again = ReplicateRun.resumed(bench, plan, REPLICATES[0], BUDGET, first.snapshot())
        assert [outcome(point) for point in again] == whole[shown:]


def outcome(point) -> tuple[dict, list[float]]:
    state = point.model.state_dict().values()
    row = {name: value for name, value in point.row.items() if name not in SECONDS}
    return row, torch.cat([x.double().reshape(-1) for x in state]).tolist()


class Places(Scales):
    """Yields at given steps and positions without a line."""

    def run(self, model, _data, budget, _generator):
        ledger = budget.ledger
        for ledger.step, ledger.position, ledger.more in self.places:
            yield model


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([(3, 0.5, True), (3, 0.5, False)], "two models at step 3, position 0.5"),
        ([(3, 0.0, True), (3, 0.0, False)], "two models at step 3; give each"),
        ([(3, 0.0, False), (3, 0.5, False)], "at step 3 after one at step 3; .*along"),
        ([(3, 0.5, True), (2, 1.0, False)], "at step 2 after one at step 3"),
        ([(3, 0.5, True), (4, 0.5, False)], "it leaves its line of models at step 3 before the"),
        ([(3, 0.0, False), (4, 10**400, False)], "position: a number of .* bits must be"),
        ([(3, 0.0, False), (4, -1.0, False)], "position: -1.0 must be a finite number from 0 on"),
        ([(3, 0.0, False), (4, float("nan"), False)], "position: nan must be"),
    ],
)
def test_a_second_model_at_one_place_is_refused(parts, places, message):
    plan = plan_of({"method": f"{__name__}:Places", "places": tuple(places)})
    run = run_replicate(Bench(*parts, "cpu"), plan, REPLICATES[0], BUDGET)
    next(run)
    with pytest.raises(InputError, match=message):
        next(run)


def test_one_model_a_step_may_have_any_position(parts):
    places = ((1, 0.9, False), (2, 0.1, False), (3, 0.1, False))
    plan = plan_of({"method": f"{__name__}:Places", "places": places})
    run = run_replicate(Bench(*parts, "cpu"), plan, REPLICATES[0], BUDGET)
    assert [(p.row["step"], p.row["position"]) for p in run] == [(1, 0.9), (2, 0.1), (3, 0.1)]


def test_old_runs_are_at_position_0(tmp_path):
    """Neither journal nor table of earlier versions has the column."""
    run = RunDirectory(tmp_path)
    row = {"trial_id": "a", "family": "f", "method": "m", "aggregator": "", "forget_loss": ""}
    row |= {"replicate": 0, "training_seed": 0, "unlearning_seed": 0, "samples": 0, "seconds": 0.0}
    row |= {"status": "ok", "error": "", "forget_gap": 0.1, "retain_gap": 0.2}
    with PointsWriter(run) as writer:
        writer.append([row | {"step": step} for step in (1, 2)])
        other = {"step": 2, "position": 0.5, "forget_gap": 0.3}
        writer.append([row | {"step": 2, "position": 0.0}])  # as a newer version repeats it
        writer.append([row | {"step": 2, "position": 0.5}])
        with pytest.raises(InputError, match=r"step 2, position 0.5 was reported twice, with for"):
            writer.append([row | other])
    for _ in range(2):
        points = read_points(run)
        assert points["position"].tolist() == [0.0, 0.0, 0.5]
        assert points["step"].tolist() == [1, 2, 2]
        assert len(front(points, BOX)) == 3
        points.drop(columns="position").head(2).to_parquet(run.points)  # an older table
    run.journal.unlink()
    assert read_points(run)["position"].tolist() == [0.0, 0.0]
