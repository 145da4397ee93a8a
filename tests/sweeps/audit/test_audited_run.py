"""What an audit has to know of a run, without Ray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from pareto_explorer.audits.compute import Point
from pareto_explorer.audits.plan import plan_audit
from pareto_explorer.audits.records import DATA, Journal, Shadow
from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.audit.audit_run import points_of
from pareto_explorer.sweeps.audit.audited_run import AuditedRun
from pareto_explorer.sweeps.audit.execute import execute_audit
from pareto_explorer.sweeps.audit.halves import first_half, half_task
from pareto_explorer.sweeps.audit.models import questions
from pareto_explorer.sweeps.driver.settings import Settings
from pareto_explorer.sweeps.trials.given_task import GIVEN, digest_of
from pareto_explorer.tasks import LandmarkCache, train_landmark
from tests.tasks.small import small_task

POINT = Point("fine_tune-000", 4)
SPEC = SweepSpec.from_mapping(
    {
        "task": {"name": "mine"},
        "replicates": {"training_seeds": [0, 4], "unlearning_seeds": [7, 8]},
        "families": [{"method": "fine_tune", "lr": 0.01}],
    }
)


@pytest.fixture
def audited(tmp_path: Path) -> AuditedRun:
    points = pd.DataFrame(
        {
            "trial_id": POINT.trial_id,
            "family": "fine_tune",
            "replicate": range(4),
            "step": 4,
            "samples": 100,
            "seconds": [1.0, 1.0, 2.0, 4.0],
            "evaluation_seconds": 0.5,
            "forget_gap": [0.1, 0.2, 0.3, 0.4],
        }
    )
    cache = LandmarkCache(tmp_path / "cache")
    return AuditedRun(RunDirectory(tmp_path), SPEC, small_task(), points, cache)


def test_further_seeds_are_replicates_like_the_first_ones(audited):
    assert audited.own == [0, 4]
    for seed, index in ((0, 0), (4, 2), (5, 4), (6, 5)):
        found = audited.replicate(seed)
        assert (found.index, found.training_seed, found.unlearning_seed) == (index, seed, 7)


def test_rows_are_compared_with_the_seeds_that_have_them(audited):
    assert audited.recorded(POINT, 4) == {"forget_gap": 0.3}
    assert audited.recorded(POINT, 5) == {}


def test_seconds_are_those_that_the_run_has_measured(audited):
    costs = audited.costs([POINT])
    assert costs.unlearn == {POINT: 2.5}
    assert costs.ask == 0.5
    per_sample = 0.015  # the median
    assert costs.train == pytest.approx(per_sample * 2 * 90)


def test_landmarks_take_what_the_cache_says_they_took(audited):
    for kind, seconds in (("original", 2.0), ("retrained", 4.0)):
        audited.cache.store(audited.fingerprint(Shadow(kind, 4)), {}, seconds)
    assert audited.costs([POINT]).train == 3.0


def test_landmarks_of_the_cache_are_known(audited):
    original = Shadow("original", 0)
    assert not audited.cached(original)
    audited.cache.obtain(audited.task, "original", 0)
    assert audited.cached(original)
    assert not audited.cached(original._replace(role="retrained"))
    assert not audited.cached(original._replace(seed=1))


def test_the_original_of_a_half_is_the_retrained_model_of_another_request(audited):
    task, half = audited.task, Shadow("original", 0, half="first")
    never_seen = task.forget_indices[~torch.as_tensor(first_half(len(task.forget), 0))]
    other = replace(task, forget_indices=never_seen)
    found = audited.cache.obtain(other, "retrained", 0)
    assert audited.cached(half)
    assert not audited.cached(half._replace(half="second"))
    trained = train_landmark(half_task(task, 0, "first"), "original", 0)
    for name, values in trained.items():
        assert torch.equal(found[name], values)


def test_runs_without_several_seeds_are_refused(tmp_path):
    task = small_task()
    brought = replace(task, original=train_landmark(task, "original", 0))
    manifest = {"spec": SPEC.to_mapping(), GIVEN: digest_of(brought)}
    parts = (RunDirectory(tmp_path), manifest, pd.DataFrame(), tmp_path)
    with pytest.raises(InputError, match="brings its own original"):
        AuditedRun.open(*parts, task=brought, trust=False, spec=None)
    with pytest.raises(InputError, match="was made elsewhere"):
        AuditedRun.open(parts[0], {"imported": {}}, *parts[2:], task=None, trust=False, spec=None)


def test_an_audit_of_other_samples_is_not_mixed_in(audited):
    journal = Journal(audited.directory)
    journal.add(DATA, questions(small_task(seed=1)))
    plan = plan_audit(
        [POINT],
        audited.own,
        models=4,
        measured={},
        cached=audited.cached,
        costs=audited.costs([POINT]),
    )
    with pytest.raises(InputError, match="is of another task than the run's now"):
        execute_audit(audited, plan, Settings())
    assert Shadow("original", 0) not in Journal(audited.directory).models


def test_a_front_is_thinned_to_a_dozen():
    class Fronts:
        points = pd.DataFrame(
            {"trial_id": [f"a-{i}" for i in range(30)] + ["none-0"], "step": 4, "method": "a"}
        )
        points.loc[30, "method"] = "none"  # is audited beside every choice

        def front(self) -> pd.DataFrame:
            return self.points[["trial_id", "step"]]

    points, (note,) = points_of(Fronts(), {}, front=True)
    assert len(points) == len(set(points)) == 12
    assert (points[0], points[-1]) == (Point("a-0", 4), Point("a-29", 4))
    assert note.startswith("18 points of the front are left out")
