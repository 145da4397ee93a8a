"""Choosing by what audits have found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.validation_twins import spares_test
from pareto_explorer.results.audited import Audits, audited_points
from pareto_explorer.results.combining import combine_runs
from pareto_explorer.results.run import Run, load_run
from tests.audited import audits_of
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("audited") / "run").path)


def with_audits(run: Run, audits: Audits | None) -> Run:
    """A copy of a run that has these audits."""
    found = replace(run)
    vars(found)["audits"] = audits
    return found


def front_points(run: Run, n: int) -> list[tuple[str, int]]:
    rows = run.front().head(n)
    return list(zip(rows["trial_id"], rows["step"].astype(int), strict=True))


def test_a_run_without_an_audit_has_none(run):
    assert run.audits is None


def test_points_are_in_the_order_of_the_table_without_doing_nothing():
    points = [("b", 2, 0.0), ("a", 1, 0.0), ("a", 1, 0.5)]
    assert audits_of(points).points == points


def test_points_get_the_value_of_all_seeds_on_the_right_set(run):
    (first, second) = points = front_points(run, 2)
    audits = audits_of(points, accuracies=[0.6, 0.9])
    names = ["attack_accuracy", "excess_test"]
    found = audited_points(run.points, audits, names)
    assert "attack_accuracy" not in run.points
    for key, accuracy in ((first, 0.6), (second, 0.9)):
        rows = found[(found["trial_id"] == key[0]) & (found["step"] == key[1])]
        assert rows["attack_accuracy"].tolist() == [accuracy] * len(rows)
        assert rows["excess_test"].tolist() == [0.07] * len(rows)
    keys = list(zip(found["trial_id"], found["step"], strict=True))
    unknown = np.array([key not in points for key in keys])
    assert found["attack_accuracy"].isna().equals(found["excess_test"].isna())
    assert np.array_equal(found["attack_accuracy"].isna().to_numpy(), unknown)


def test_a_bound_on_an_audit_keeps_audited_points_only(run):
    points = front_points(run, 3)
    audits = audits_of(points, accuracies=[0.9, 0.58, 0.55])
    chosen = with_audits(run, audits).select(maximum={"attack_accuracy": 0.6})
    assert (chosen.trial_id, chosen.step) in points[1:]
    assert chosen.n_not_audited == chosen.n_candidates - 3
    assert chosen.n_considered == 2
    assert f"; {chosen.n_not_audited} were not audited" in chosen.picked_from
    assert chosen.to_dict()["not_audited"] == chosen.n_not_audited
    assert chosen.unseparated == ("attack_accuracy",)
    assert chosen.chosen["attack_accuracy"] in (0.58, 0.55)


def test_what_the_sweep_has_measured_itself_counts_before_audits(run):
    places = run.points.groupby(["trial_id", "step"]).ngroup()
    swept = replace(run, points=run.points.assign(attack_accuracy=0.5 + places / 1000))
    audits = audits_of(front_points(run, 1), accuracies=[0.1])
    for each in (swept, with_audits(swept, audits)):
        chosen = each.select(maximum={"attack_accuracy": 0.51})
        assert chosen.n_not_audited == 0
        assert 0.5 <= chosen.chosen["attack_accuracy"] <= 0.51
        assert "audited" not in chosen.picked_from


def test_other_bounds_know_nothing_of_audits(run):
    audits = audits_of(front_points(run, 3))
    plain, same = (r.select(maximum={"retain_gap": 0.1}) for r in (run, with_audits(run, audits)))
    assert (same.trial_id, same.step) == (plain.trial_id, plain.step)
    assert same.n_not_audited == 0
    assert "audited" not in same.picked_from


def test_a_bound_that_no_audited_point_keeps_says_how_many_were_not(run):
    audits = audits_of(front_points(run, 2), accuracies=[0.9, 0.8])
    with pytest.raises(InputError, match=r"\d+ of them were not audited\) keeps .* 0\.8 \("):
        with_audits(run, audits).select(maximum={"attack_accuracy": 0.6})


def test_a_bound_without_an_audit_says_what_to_do(run):
    with pytest.raises(InputError, match=r"attack_accuracy: no audit .* `pareto-explorer audit "):
        run.select(maximum={"attack_accuracy": 0.6})
    audits = audits_of(front_points(run, 1))
    lacking = audits._replace(table=audits.table[audits.table["audit"] != "leakage"])
    with pytest.raises(InputError, match="leak_accuracy: no audit"):
        with_audits(run, lacking).select(maximum={"leak_accuracy": 0.6})


def test_what_an_audit_reads_of_the_test_set_is_known():
    assert spares_test("attack_accuracy")
    assert not spares_test("excess_test")


def test_runs_together_have_the_audits_of_each(run, tmp_path):
    both = combine_runs([run, load_run(write_synthetic_run(tmp_path / "other").path)])
    assert both.audits is None
    first, second = both.members
    (point,) = front_points(both.members[first], 1)
    members = {
        first: with_audits(both.members[first], audits_of([point], accuracies=[0.55])),
        second: both.members[second],
    }
    audited = replace(both, members=members)
    assert audited.audits is not None
    for table in audited.audits:
        assert set(table["trial_id"]) == {f"{first}: none", f"{first}: {point[0]}"}
    chosen = audited.select(maximum={"attack_accuracy": 0.6})
    assert (chosen.trial_id, chosen.step) == (f"{first}: {point[0]}", point[1])
