"""Several models at one step, in the report and its commands; elsewhere nothing of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from pareto_explorer.figures import parallel_axes
from pareto_explorer.figures.front_info import front_info
from pareto_explorer.fronts import hypervolume_json
from pareto_explorer.notebook.parts import axis_columns
from pareto_explorer.reports.cards.audit import audit_card
from pareto_explorer.reports.cards.finding import finding_card
from pareto_explorer.reports.cards.front import front_card
from pareto_explorer.reports.model_card import ModelFile, render_model_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results import Run
from pareto_explorer.results.run import load_run
from pareto_explorer.schema.columns import checkpoints_of
from tests.audited import audits_of
from tests.reports.shared.test_packing import unpack
from tests.reports.test_browser_explorer import browser, drawn
from tests.synthetic import write_synthetic_run

__all__ = ["browser", "drawn"]  # fixtures

FAMILY = "upgrad/kl_heldout"
BETWEEN = 1 / 3
FILE = ModelFile("model.safetensors", "0" * 64, 0, None)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("positions") / "run").path)


@pytest.fixture(scope="module")
def lines(plain: Run) -> Run:
    """The best family shows a second model at every step, nearer to the original."""
    rows = plain.points[plain.points["family"] == FAMILY]
    second = rows.assign(
        position=BETWEEN,
        forget_gap=rows["forget_gap"] + 0.05,
        validation_forget_gap=rows["validation_forget_gap"] + 0.05,
        retain_gap=rows["retain_gap"] / 2,
        validation_retain_gap=rows["validation_retain_gap"] / 2,
    )
    return replace(plain, points=pd.concat([plain.points, second], ignore_index=True))


def there(run: Run) -> dict[str, Any]:
    """The second model of the first of its trials that has one."""
    rows = run.means()
    row = rows[rows["position"] == BETWEEN].iloc[0]
    return {"trial_id": row["trial_id"], "step": int(row["step"]), "position": BETWEEN}


def test_both_models_of_a_step_are_means_and_points_of_the_front(plain: Run, lines: Run) -> None:
    means = lines.means()
    before = plain.means()
    twice = before["family"].eq(FAMILY).sum()
    assert len(means) == len(before) + twice > len(before)
    info = front_info(lines.points, lines.landmarks, lines.box, means=means)
    keys = [key for family in info.families for key in family.keys]
    assert sorted(keys) == sorted(checkpoints_of(means))
    assert len(set(keys)) == len(keys)
    assert set(lines.front()["position"]) == {0.0, BETWEEN}


def test_hover_and_axes_tell_the_position_where_there_is_one(plain: Run, lines: Run) -> None:
    for run, told in ((plain, False), (lines, True)):
        info = front_info(run.points, run.landmarks, run.box)
        hover = " ".join(text for family in info.families for text in family.hover)
        assert ("position 0.3333333333333333" in hover.replace("<br>\u2003", " ")) == told
        assert ("position" in hover) == told
        means = run.means()
        assert ("position" in [axis.column for axis in parallel_axes(means, run.box)]) == told
        assert ("position" in axis_columns(means, run)) == told
        table = front_card(Material(run)).data
        assert table is not None
        assert ("position" in table) == told


def test_the_explorer_names_both_and_their_commands(plain: Run, lines: Run) -> None:
    for run, told in ((plain, False), (lines, True)):
        card = front_card(Material(run))
        assert card.payload is not None
        assert card.data is not None
        columns = {column["key"]: column for column in card.payload["columns"]}
        assert ("position" in columns) == ("position" in card.payload["dimensions"]) == told
        assert ("position" in card.data.columns) == told
        commands = card.data["run again"]
        assert commands.str.contains("--position 0.3333333333333333").any() == told
        if told:
            assert set(unpack(columns["position"])) == {0.0, BETWEEN}  # to the last digit
            assert commands.is_unique


def test_selection_and_model_card_say_which(plain: Run, lines: Run) -> None:
    where = there(lines)
    chosen = lines.select(**where)
    assert chosen.checkpoint == tuple(where.values())
    assert f"step {chosen.step}, position 0.3333333333333333 of" in repr(chosen)
    assert chosen.to_dict()["position"] == BETWEEN
    card = render_model_card(lines, chosen, FILE)
    assert f"\n# {chosen.trial_id}, step {chosen.step}, position 0.3333333333333333\n" in card
    assert "| position | 0.3333333333333333 |" in card
    assert f"--step {chosen.step} --position 0.3333333333333333" in card
    other = lines.select(trial_id=chosen.trial_id, step=chosen.step)
    assert other.position == 0.0
    assert other.chosen["forget_gap"] == pytest.approx(chosen.chosen["forget_gap"] - 0.05)
    for run in (plain, lines):
        said = run.select(trial_id=chosen.trial_id, step=chosen.step)
        assert "position" not in render_model_card(run, said, FILE).partition("What moving")[0]
    assert "position" not in json.dumps(plain.select().to_dict())
    with pytest.raises(ValueError, match=r"`position`: 0.5 is not known.*0, 0.3333333333333333"):
        lines.select(**where | {"position": 0.5})


def test_a_bound_on_an_audit_holds_for_the_model_that_was_audited(lines: Run) -> None:
    point = tuple(there(lines).values())
    audited = replace(lines)
    vars(audited)["audits"] = audits_of([point])
    chosen = audited.select(maximum={"attack_accuracy": 0.99})
    assert chosen.checkpoint == point
    material = Material(audited)
    card = audit_card(material)
    assert not card.broken
    assert card.data is not None
    assert "position" in card.data.columns
    assert "It was not audited" not in render_model_card(audited, chosen, FILE)
    other = audited.select(trial_id=point[0], step=point[1])
    assert "It was not audited" in render_model_card(audited, other, FILE)


def test_optuna_and_pymoo_get_every_model(plain: Run, lines: Run) -> None:
    where = there(lines)
    study = lines.to_optuna()
    mine = [
        trial
        for trial in study.trials
        if trial.user_attrs["trial_id"] == where["trial_id"]
        and trial.user_attrs["step"] == where["step"]
    ]
    assert [trial.params["position"] for trial in mine] == [0.0, BETWEEN]
    gaps = [trial.user_attrs["replicates"]["forget_gap"]["0"] for trial in mine]
    assert gaps[1] == pytest.approx(gaps[0] + 0.05)
    assert all("position" not in trial.params for trial in plain.to_optuna().trials)
    assert BETWEEN in lines.to_pymoo().pop.get("position")


def test_a_path_between_two_models_is_no_competitor(plain: Run) -> None:
    points = plain.points
    path = points["family"] == FAMILY
    changed = replace(
        plain, points=points.assign(method=points["method"].mask(path, "interpolation"))
    )
    before, after = Material(plain), Material(changed)
    assert FAMILY in after.hypervolumes
    assert after.competitors == {k: v for k, v in before.hypervolumes.items() if k != FAMILY}
    assert all(FAMILY not in (pair.first, pair.second) for pair in after.comparisons)
    pairs = hypervolume_json(changed.points, changed.box)["comparisons"]
    assert len(pairs) == len(after.comparisons)
    assert all(FAMILY not in (pair["first"], pair["second"]) for pair in pairs)
    card = finding_card(after)
    assert FAMILY not in card.sentence
    assert f"{FAMILY} shows the way from the original to one unlearned model" in str(card.context)
    assert "no competitor" not in str(finding_card(before).context)
    alone = Material(replace(changed, points=changed.points[path]))
    assert [*alone.competitors] == [FAMILY]


@pytest.mark.browser
def test_a_pinned_model_of_a_line_has_its_own_commands(lines: Run, drawn: Any) -> None:
    page = drawn(Material(lines))
    page.locator("[data-sort=position]").click()
    page.locator("[data-sort=position]").click()
    page.locator(".explorer .points tbody .pin").first.click()
    page.wait_for_selector(".pins table")
    assert ", position 0.3333333333333333" in page.locator(".pins thead").text_content()
    commands = page.locator(".pins code").all_text_contents()
    assert len(commands) == 2
    assert all("--position 0.3333333333333333" in command for command in commands)
