"""``pareto-explorer audit`` without models: what it refuses, prints and passes on."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import pareto_explorer.api
from pareto_explorer.audits.compute import Point, samples_table, statistics_table
from pareto_explorer.audits.plan import Costs, plan_audit
from pareto_explorer.audits.records import NONE
from pareto_explorer.audits.result import Audit
from pareto_explorer.cli.app import app
from pareto_explorer.errors import InputError
from tests.audits.shadows import STEP, TRIAL, shadows
from tests.synthetic import write_synthetic_run


def audit(*arguments: object):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "soon"], "--budget: 'soon' is no duration"),
        (["--models", "1"], "--models: 1 found"),
        (["--games", "leaks"], "--games: 'leaks' is not known"),
        (["--front", "--rule", "knee"], "so that --rule has nothing to choose"),
        (["--max", "gap"], "--max: 'gap' is not METRIC=VALUE"),
        (["--family", "nobody"], "--family: 'nobody' is not known"),
    ],
)
def test_messages_name_options(tmp_path, arguments, said):
    run = write_synthetic_run(tmp_path / "run", configurations=1)
    found = audit(run.path, *arguments)
    assert isinstance(found.exception, InputError)
    assert said in str(found.exception)


def test_the_plan_comes_first_and_what_was_found_last(monkeypatch):
    point, models = Point(TRIAL, STEP), shadows(range(6))
    plan = plan_audit(
        [point],
        [0, 1, 2],
        models=8,
        measured=models,
        cached=lambda *_: False,
        costs=Costs(3.0, {point: 0.5}),
        budget=20.0,
    )
    points = [point, Point(NONE, 0)]
    tables = statistics_table(models, range(3), points), samples_table(models, points)
    calls = []

    def found(run, *, planned, **given):
        calls.append((run, given))
        planned(plan)
        return Audit(plan, *tables, plan.notes)

    monkeypatch.setattr(pareto_explorer.api, "audit", found)
    done = audit("runs/mine", "--budget", "20s", "--games", "leakage", "--max", "retain_gap=0.02")
    assert done.exit_code == 0, done.output
    ((run, given),) = calls
    assert (run, given["budget"], given["games"]) == ("runs/mine", 20.0, ("leakage",))
    assert given["maximum"] == {"retain_gap": 0.02}
    order = ["audited: sum-000", "Plan: about", "no room for", "statistic", f"{NONE}, step 0"]
    positions = [done.output.index(text) for text in order]
    assert positions == sorted(positions)
    assert "attack_accuracy" in done.output
    assert "safe" not in done.output
    assert "private" not in done.output
