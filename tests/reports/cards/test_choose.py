"""The card that chooses: its default choice, its words, and what it refuses."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest

from pareto_explorer.reports.cards.choose import choose_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.markdown import render_markdown
from pareto_explorer.reports.shared.material import Card, Material
from pareto_explorer.schema.columns import checkpoint_of
from tests.audited import audits_of
from tests.reports.cards.test_audit import with_audits

Make = Callable[..., Material]


@pytest.fixture(scope="module")
def card(material: Material) -> Card:
    return choose_card(material)


def test_without_a_script_it_is_the_knee_as_select_has_it(card: Card, material: Material) -> None:
    selection = material.run.select()
    assert card.context["family"] == selection.family
    assert card.context["place"] == f"{selection.trial_id}, {selection.place}"
    assert card.context["why"] == f"{selection.reason}; {selection.picked_from}"
    assert len(card.context["moves"]) == len(selection.moves)
    first = card.context["moves"][0]
    assert first["to"].endswith(selection.moves[0].place)
    assert "forget gap (validation) " in "".join(first["parts"].values())


def test_the_table_has_test_metrics_first_beside_the_landmarks(
    card: Card, material: Material
) -> None:
    selection = material.run.select()
    assert card.context["kinds"] == ["Chosen", "Retrained", "Original"]
    first, second, third, *_ = card.context["rows"]
    assert (first["label"], second["label"]) == ("Forget gap", "Retain gap")
    assert third["label"] == "Forget gap (validation)"
    mean, spread = first["cells"][0]
    assert float(mean) == pytest.approx(selection.chosen["forget_gap"], abs=5e-5)
    assert float(spread) == pytest.approx(selection.chosen["forget_gap.std"], abs=5e-5)
    assert first["cells"][1] == ["0.0000", "0.0000"]


def test_the_commands_name_the_model_or_take_it_by_the_rule(card: Card, material: Material) -> None:
    selection = material.run.select()
    named = ["--trial", selection.trial_id, "--step", str(selection.step)]
    boxed = replace(material.run, manifest=material.run.manifest | {"box": None})
    (_, knee), *others = card.context["commands"]
    written = ["--export", "model.safetensors", "--space", "SPACE.yaml"]  # it names own code
    assert shlex.split(knee)[1:] == ["select", boxed.shown, *written]
    for name, command in [*others, choose_card(Material(boxed)).context["commands"][0]]:
        words = shlex.split(command)
        assert words[1:3] == [{"Export": "select"}.get(name, name.lower()), material.run.shown]
        assert words[words.index("--trial") : words.index("--trial") + 2] == named[:2]
        assert words[words.index("--step") : words.index("--step") + 2] == named[2:]


def test_one_replicate_has_no_spread_and_no_errors(material_of: Make) -> None:
    card = choose_card(material_of(1))
    assert all(len(cells) == 1 for row in card.context["rows"] for cells in row["cells"][:1])
    assert "±" not in str(card.context["moves"])
    assert card.context["spreads"] == {}


def test_its_audit_is_told_where_there_is_one(material: Material) -> None:
    selection = material.run.select()
    audited = with_audits(material, audits_of([(selection.trial_id, selection.step)]))
    card = choose_card(audited)
    assert "single looks at the forget set" in card.context["audit"]
    assert card.context["audit"] in render_page("run", [card], audited)
    other = checkpoint_of(material.front.iloc[-1])
    assert other[:2] != selection.checkpoint[:2]
    assert choose_card(with_audits(material, audits_of([other[:2]]))).context["audit"] == ""


def test_an_imported_run_has_no_commands_and_says_why(material: Material) -> None:
    imported = Material(replace(material.run, manifest={"imported": {}}))
    card = choose_card(imported)
    assert card.context["commands"] == []
    assert card.payload is not None
    assert card.payload["commands"]["run"] is None
    assert "This run was imported" in render_page("run", [card], imported)


def test_a_rule_alone_does_not_say_which_model_under_another_box(material: Material) -> None:
    def by_rule(material: Material) -> bool:
        payload = choose_card(material).payload
        assert payload is not None
        return bool(payload["commands"]["by_rule"])

    box = material.run.box
    wider = replace(box, reference=tuple(1.1 * value for value in box.reference))
    assert by_rule(material)
    assert not by_rule(Material(replace(material.run, box=wider)))


def test_nothing_to_choose_says_why(empty: Material, material: Material) -> None:
    assert "there is none to choose; “Failures” says" in choose_card(empty).reason
    points = empty.run.points.assign(trial_status="running")
    running = Material(replace(empty.run, points=points))
    assert "have not ended" in choose_card(running).reason
    nothing = Material(material.run)
    vars(nothing)["nothing_to_forget"] = "There is nothing to forget."
    assert choose_card(nothing).reason == "There is nothing to forget."


def test_trials_that_run_may_change_the_choice(material: Material) -> None:
    points = material.run.points
    last = points["trial_id"].iloc[-1]
    status = points["trial_status"].mask(points["trial_id"] == last, "running")
    running = Material(replace(material.run, points=points.assign(trial_status=status)))
    assert "1 of 19 trials have not ended and may change it." in choose_card(running).sentence


def test_an_objective_without_a_twin_is_told(material_of: Make, oracle_free: Material) -> None:
    material = material_of()
    without = material.run.points.drop(columns="validation_forget_gap")
    card = choose_card(Material(replace(material.run, points=without)))
    assert "There is no validation twin of forget gap" in card.sentence
    assert "twin" not in choose_card(oracle_free).sentence
    assert choose_card(oracle_free).context["kinds"] == ["Chosen", "Original"]


def test_the_summary_has_the_choice(card: Card) -> None:
    text = render_markdown("run", [card])
    assert "Knee: " in text
    assert "the highest trade-off" in text
    assert "Moving to " in text
    assert "| Metric | Chosen | Retrained | Original |" in text
