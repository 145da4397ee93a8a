"""The card on audits: its verdicts, its words and what it shows."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from html import unescape
from io import StringIO

import pandas as pd
import pytest

from pareto_explorer.audits.worst import worst_samples
from pareto_explorer.figures import LIGHT, audit_info
from pareto_explorer.reports.cards.audit import audit_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.markdown import render_markdown
from pareto_explorer.reports.shared.material import Card, Material
from pareto_explorer.reports.shared.verdicts import PAPERS, findings, verdict
from pareto_explorer.results.audited import Audits
from tests.audited import NAN, audits_of, computed_audits

FORBIDDEN = ("private", "safe", "certified")
PICTURE = base64.b64encode(b"\x89PNG").decode("ascii")


def with_audits(material: Material, audits: Audits | None) -> Material:
    run = replace(material.run)
    vars(run)["audits"] = audits
    return Material(run)


def first_points(material: Material, n: int = 1) -> list[tuple[str, int]]:
    rows = material.front.head(n)
    return list(zip(rows["trial_id"], rows["step"].astype(int), strict=True))


def changed(audits: Audits, statistic: str, of: str = "forget", **values: float) -> Audits:
    """With a row of all seeds of the points that is otherwise."""
    table = audits.table.copy()
    rows = (table["statistic"] == statistic) & (table["set"] == of) & (table["seeds"] == "all")
    table.loc[rows & (table["trial_id"] != "none"), list(values)] = list(values.values())
    return audits._replace(table=table)


@pytest.fixture(scope="module")
def card(material: Material) -> Card:
    return audit_card(with_audits(material, audits_of(first_points(material, 2))))


@pytest.fixture(scope="module")
def computed(material: Material) -> Audits:
    """What the audit itself has computed, of models that were drawn."""
    return computed_audits(first_points(material, 2))


def test_without_an_audit_it_says_how_to_make_one(material: Material) -> None:
    reason = audit_card(material).reason
    assert reason.startswith("No audit yet")
    assert f"(pareto-explorer audit {material.run.shown} makes one)" in reason
    imported = replace(material.run, manifest={"imported": {}})
    assert "made elsewhere" in audit_card(Material(imported)).reason


def test_what_an_attacker_notices_is_said_with_its_control(card: Card) -> None:
    assert "from a retrained model in 95 % of single looks" in card.sentence
    assert "(8 seeds, 94 to 96 %); its forget gap is 0." in card.sentence
    assert "Doing nothing: 100 %." in card.sentence
    assert "it is 75 %, less than by the forget set: the whole model differs" in card.sentence
    assert "differs from a retrained one, as before unlearning (82 %)." in card.sentence
    assert "from one never seen in 87 % of looks (8 seeds, 85 to 89 %); before" in card.sentence
    assert "before unlearning, 99 %." in card.sentence


def test_every_audited_point_has_its_verdict(card: Card, material: Material) -> None:
    first, second = first_points(material, 2)
    (other,) = card.context["sentences"]
    assert f"tells {first[0]}, step {first[1]} from" in card.sentence
    assert f"tells {second[0]}, step {second[1]} from" in other
    assert other in unescape(render_page("run", [card], material))
    assert "single looks" in render_markdown("run", [card]).split("## ")[1].split("| ")[0]


@pytest.mark.parametrize(
    ("test", "before", "said"),
    [
        ({"value": 0.93, "low": 0.92, "high": 0.945}, 0.52, "as much as by the forget set: the m"),
        ({"value": 0.91, "low": 0.90, "high": 0.92}, 0.52, "as much as by the forget set: the me"),
        ({"value": 0.75, "low": 0.73, "high": 0.77}, 0.52, "less than by the forget set: the met"),
        ({"value": 0.75, "low": 0.73, "high": 0.77}, 0.82, "as before unlearning (82 %)."),
        ({"value": 0.51, "low": 0.49, "high": 0.53}, 0.52, ""),
    ],
)
def test_a_method_that_changes_the_whole_model_is_told(test, before, said) -> None:
    audits = changed(audits_of([("a", 3)]), "attack_accuracy", "test", **test)
    table = audits.table
    nothing = (table["trial_id"] == "none") & (table["set"] == "test")
    audits = audits._replace(table=table.assign(value=table["value"].mask(nothing, before)))
    found = verdict(audits, ("a", 3))
    assert said in found
    assert ("whole model" in found) == bool(said)
    assert ("the method has changed the whole model" in found) == ("the m" in said)
    assert ("and that is what shows" in found) == ("as much" in said)


def test_own_and_fresh_seeds_are_told_apart_where_they_disagree_only() -> None:
    audits = computed_audits([("a", 3)])
    assert "(10 seeds, 6 of them fresh, " in verdict(audits, ("a", 3))
    for low, high, said in (
        (0.02, 0.1, "Models of fresh seeds are told 6 percentage points more often than those of"),
        (-0.1, -0.02, "Models of fresh seeds are told 6 percentage points less often than those"),
        (-0.02, 0.1, ""),
    ):
        value = {"value": (low + high) / 2, "low": low, "high": high}
        found = verdict(changed(audits, "selection_optimism", **value), ("a", 3))
        assert said in found
        assert ("percentage points" in found) == bool(said)
        assert ("flatter it" in found) == ("more often" in found)


def test_what_is_not_noticed_comes_with_what_would_have_been() -> None:
    change = {"value": 0.505, "se": 0.01, "low": 0.485, "high": 0.525}
    audits = audits_of([("a", 3)], change=change)
    said = verdict(audits, ("a", 3))
    assert said.startswith(
        "a, step 3 could not be told from retraining by the forget set: attack accuracy 50 %"
    )
    assert "would have seen an accuracy of 53 % or more" in said  # 0.5 + 2.8 · 0.01
    assert "told from one never seen in 87 % of looks" in said
    assert "brings others back, beyond what it does to a retrained model: 20 %" in said
    assert "passed" not in said  # leakage and relearning have noticed
    quiet = audits.table["statistic"].isin(["attack_accuracy", "churn"])
    assert verdict(audits._replace(table=audits.table[quiet]), ("a", 3)).endswith(
        "It passed these attacks, others were not tried."
    )
    blind = verdict(audits_of([("a", 3)], change=change | {"se": 0.4}), ("a", 3))
    assert "would have seen an accuracy of 100 % or more" in blind


def test_a_model_that_shows_more_than_doing_nothing_is_told_so() -> None:
    audits = audits_of([("a", 3)])
    table = audits.table
    plain = (table["trial_id"] == "none") & (table["statistic"] == "attack_accuracy")
    audits = audits._replace(table=table.assign(value=table["value"].mask(plain, 0.6)))
    assert "Doing nothing: 60 %, so unlearning shows more" in verdict(audits, ("a", 3))


def test_four_seeds_give_no_interval_and_fewer_no_attack() -> None:
    few = audits_of([("a", 3)], seeds=4, change={"se": NAN, "low": NAN, "high": NAN})
    assert "(4 seeds, too few to say how sure that is)" in verdict(few, ("a", 3))
    assert "brings others back" in verdict(few, ("a", 3))
    assert "passed" not in verdict(few, ("a", 3))
    none = few._replace(table=few.table[few.table["audit"] == "outputs"])
    assert "four seeds are the least" in verdict(none, ("a", 3))
    assert "(4 seeds here)" in verdict(none, ("a", 3))


def test_every_finding_stands_beside_doing_nothing_and_retraining() -> None:
    found = {(f.name, f.of): f for f in findings(audits_of([("a", 3)]), ("a", 3))}
    attack = found["attack_accuracy", "forget"]
    assert (attack.value, attack.nothing, attack.floor) == (0.95, 1.0, 0.503)
    assert ("klom", "forget") not in found


def test_runs_that_are_together_have_their_own_doing_nothing() -> None:
    one, other = audits_of([("a", 3)]), audits_of([("a", 3)])
    table = other.table
    both = Audits.together(
        [
            one.of_member("first: "),
            other._replace(table=table.assign(value=table["value"] - 0.1)).of_member("second: "),
        ]
    )
    assert both.points == [("first: a", 3, 0.0), ("second: a", 3, 0.0)]
    for point, accuracy in zip(both.points, ("95 %", "85 %"), strict=True):
        assert f"in {accuracy} of single looks" in verdict(both, point)
    nothing = [next(findings(both, point)).nothing for point in both.points]
    assert nothing == pytest.approx([1.0, 0.9])
    shown = audit_info(both.table, both.samples).attacks
    assert list(dict.fromkeys(shown["who"])) == [
        "first: doing nothing",
        "second: doing nothing",
        "first: a, step 3",
        "second: a, step 3",
        "retrained against retrained",
    ]


def test_what_the_audit_computes_is_all_shown(computed: Audits, material: Material) -> None:
    point = first_points(material)[0]
    found = list(findings(computed, point))
    words = [value.words for value in found]
    for expected in (
        "the same by the third memorised least",
        "the same by the third in between",
        "the same by the third memorised most",
        "leakage: forgotten told from never seen",
        "advantage in the SWAP test",
        "the same with one threshold for all samples: AUC",
        "probe with 5 forgotten samples: what features still know",
        "probe with 20 forgotten samples: what features still know",
        "its accuracy on fresh seeds beyond that on the sweep's own",
    ):
        assert words.count(expected) == 1
    named = {value.words: value for value in found}
    attack = found[0]
    assert (attack.name, attack.floor_n) == ("attack_accuracy", 5)
    assert attack.floor_low < 0.5 < attack.floor_high
    assert named["probe with 5 forgotten samples: what features still know"].nothing == 1.0
    for value in found:
        if value.name in ("leak_accuracy", "leak_auc", "leak_threshold_auc", "swap_advantage"):
            assert value.floor < value.value < value.nothing  # which is before unlearning
    table = computed.table
    shown = {value.name for value in [*found, *findings(computed, point, PAPERS)]}
    kept = {"attack_accuracy_shrunken", "attack_accuracy_retrained", "excess_auc2"}
    kept |= {"relearn_accuracy", "probe_accuracy"}  # the figure, and what others are computed from
    assert set(table["statistic"]) == shown | kept


def test_a_card_of_what_the_audit_computes(computed: Audits, material: Material) -> None:
    card = audit_card(with_audits(material, computed))
    assert not card.reason
    page = render_page("run", [card], material)
    assert "0.5" in card.context["rows"][0]["floor_interval"]
    assert card.context["rows"][0]["floor_interval"] in page
    assert card.draw is not None
    roles = {trace.meta["role"] for trace in card.draw(LIGHT).data}
    assert roles == {"attack", "names", "guessing", "front", "effects", "ribbon", "curve"}


def test_too_few_models_for_one_part_leave_the_others(material: Material) -> None:
    for seeds in (3, 4, 5):
        audits = computed_audits(first_points(material), seeds=seeds, own=3)
        card = audit_card(with_audits(material, audits))
        assert not card.reason
        page = render_page("run", [card], material)
        assert ("four seeds are the least" in page) == (seeds < 4)
        assert ("could" in card.sentence or "tells" in card.sentence) == (seeds >= 4)


def test_every_table_can_be_downloaded(card: Card, material: Material) -> None:
    page = render_page("run", [card], material)
    tables = json.loads(page.split('id="tables">')[1].split("</script>")[0])
    assert set(tables) == {"audit", "audit-attacks", "audit-samples", "audit-papers"}
    for name in tables:
        assert f'data-csv="{name}"' in page
    samples = pd.read_csv(StringIO(tables["audit-samples"]))
    assert "picture" not in samples
    assert len(samples) == 40
    assert set(samples["trial_id"]) == {first_points(material)[0][0]}
    attacks = pd.read_csv(StringIO(tables["audit-attacks"]))
    assert attacks["value"][0] == 0.95


def test_papers_have_their_protocol_and_what_they_do_not_compare_with(card: Card) -> None:
    score, klom = card.context["papers"]
    assert (score["n_models"], score["floor"], score["published"]) == ("8", "0.170", "N = 512")
    assert (klom["floor"], klom["published"]) == ("7.000", "N = 100")
    assert score["protocol"] == klom["protocol"] == "many originals"


def test_the_worst_samples_have_their_picture_and_third(material: Material) -> None:
    points = first_points(material)
    audits = audits_of(points)
    samples = audits.samples.copy()
    rows = worst_samples(samples, points[0])
    samples.loc[rows.index[0], "picture"] = PICTURE
    samples.loc[rows.index[1], "picture"] = 'x" onerror="alert(1)'
    card = audit_card(with_audits(material, audits._replace(samples=samples)))
    worst = card.context["worst"]
    assert [row["picture"] for row in worst] == [PICTURE] + [""] * 9
    assert [row["tercile"] for row in worst] == rows["tercile"].tolist()
    page = render_page("run", [card], material)
    assert page.count(f'src="data:image/png;base64,{PICTURE}"') == 1
    assert "onerror" not in page.split('id="tables"')[0]


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
    shown = [who for t in card.draw(LIGHT).data if t.meta["role"] == "attack" for who in t.y]
    assert all("<img" not in who for who in shown)
    assert "audit" in page
