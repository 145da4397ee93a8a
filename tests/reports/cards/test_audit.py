"""The card on audits: its verdicts, its words and what it shows."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import pytest

from pareto_explorer.figures import LIGHT
from pareto_explorer.reports.cards.audit import audit_card, findings, verdict
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.markdown import render_markdown
from pareto_explorer.reports.shared.material import Card, Material
from pareto_explorer.results.audited import Audits
from tests.audited import NAN, audits_of

FORBIDDEN = ("private", "safe", "certified")


def with_audits(material: Material, audits: Audits | None) -> Material:
    run = replace(material.run)
    vars(run)["audits"] = audits
    return Material(run)


def first_points(material: Material, n: int = 1) -> list[tuple[str, int]]:
    rows = material.front.head(n)
    return list(zip(rows["trial_id"], rows["step"].astype(int), strict=True))


@pytest.fixture(scope="module")
def card(material: Material) -> Card:
    return audit_card(with_audits(material, audits_of(first_points(material, 2))))


def test_without_an_audit_it_says_how_to_make_one(material: Material) -> None:
    reason = audit_card(material).reason
    assert reason.startswith("No audit yet")
    assert f"`pareto-explorer audit {material.run.shown}`" in reason
    imported = replace(material.run, manifest={"imported": {}})
    assert "made elsewhere" in audit_card(Material(imported)).reason


def test_what_an_attacker_notices_is_said_with_its_control(card: Card) -> None:
    assert "from a retrained model in 95 % of single looks" in card.sentence
    assert "(8 seeds, 94 to 96 %); its forget gap is 0." in card.sentence
    assert "Doing nothing: 100 %." in card.sentence
    assert "it is 75 %: the method has changed the whole model." in card.sentence
    assert (
        "On the 5 fresh seeds alone, which did not choose the model, it is 95 %." in card.sentence
    )


def test_what_is_not_noticed_comes_with_what_would_have_been() -> None:
    change = {"value": 0.505, "se": 0.01, "low": 0.485, "high": 0.525}
    said = verdict(audits_of([("a", 3)], change=change), ("a", 3))
    assert said.startswith("a, step 3 could not be told from retraining: attack accuracy 50 %")
    assert "would have seen an accuracy of 53 % or more" in said  # 0.5 + 2.8 · 0.01
    assert "passed these attacks" in said


def test_a_model_that_shows_more_than_doing_nothing_is_told_so() -> None:
    audits = audits_of([("a", 3)])
    table = audits.table
    plain = (table["trial_id"] == "none") & (table["statistic"] == "attack_accuracy")
    audits = audits._replace(table=table.assign(value=table["value"].mask(plain, 0.6)))
    assert "Doing nothing: 60 %, so unlearning shows more" in verdict(audits, ("a", 3))


def test_four_seeds_give_no_interval_and_fewer_no_attack() -> None:
    few = audits_of([("a", 3)], seeds=4, change={"se": NAN, "low": NAN, "high": NAN})
    assert "(4 seeds, too few to say how sure that is)" in verdict(few, ("a", 3))
    none = few._replace(table=few.table[few.table["audit"] == "outputs"])
    assert "four seeds are the least" in verdict(none, ("a", 3))


def test_every_finding_stands_beside_doing_nothing_and_retraining() -> None:
    found = {(f.name, f.of): f for f in findings(audits_of([("a", 3)]), ("a", 3))}
    attack = found["attack_accuracy", "forget"]
    assert (attack.value, attack.nothing, attack.floor) == (0.95, 1.0, 0.503)
    assert ("klom", "forget") not in found


def test_it_shows_the_worst_samples_and_papers(card: Card, material: Material) -> None:
    worst = card.context["worst"]
    assert len(worst) == 10
    effects = [abs(float(row["effect"])) for row in worst]
    assert effects == sorted(effects, reverse=True)
    samples = audits_of(first_points(material, 2)).samples
    largest = samples[samples["trial_id"] == first_points(material)[0][0]]["effect_size"].abs()
    assert effects[0] == pytest.approx(largest.max(), abs=0.05)
    assert [row["words"][:4] for row in card.context["papers"]] == ["F, N", "KLoM"]
    assert card.context["few"]
    assert card.context["others"] == 1


def test_its_words_promise_nothing(card: Card, material: Material) -> None:
    passed = with_audits(material, audits_of(first_points(material), accuracies=[0.5]))
    for one in (card, audit_card(passed), audit_card(material)):
        text = f"{render_markdown('run', [one])} {one.how_to_read}".lower()
        assert not [word for word in FORBIDDEN if word in text]


def test_names_are_escaped_everywhere(material: Material) -> None:
    name = "<img src=x onerror=alert(1)>"
    audits = audits_of([(name, 1)])
    card = audit_card(with_audits(material, audits))
    page = render_page("run", [card], material)
    assert name not in page
    assert name in unescape(page)
    assert card.draw is not None
    shown = card.draw(LIGHT).data[0].y + card.draw(LIGHT).data[2].y
    assert all("<img" not in who for who in shown)
    assert "audit" in page
