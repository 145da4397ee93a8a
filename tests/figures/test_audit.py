from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.figures import DARK, LIGHT, audit_info, draw_audit, plot_audit
from tests.audited import audits_of, computed_audits

POINTS = [("a-1", 40, 0.0), ("b-2", 80, 0.0)]


@pytest.fixture(scope="module")
def audits():
    return audits_of(POINTS)


def test_rows_are_nothing_the_points_and_retraining(audits):
    info = audit_info(audits.table, audits.samples)
    assert info.point == POINTS[0]
    assert list(dict.fromkeys(info.attacks["who"])) == [
        "doing nothing",
        "a-1, step 40",
        "b-2, step 80",
        "retrained against retrained",
    ]
    chosen = info.attacks[info.attacks["who"] == "a-1, step 40"]
    assert chosen["value"].tolist() == [0.95, 0.75, 0.87]
    floor = info.attacks[info.attacks["who"] == "retrained against retrained"]
    assert floor["value"].tolist() == [0.503, 0.499, 0.5]


def test_retrained_models_have_an_interval_where_there_are_enough(audits):
    for seeds, some in ((10, True), (7, False)):
        computed = computed_audits(POINTS, seeds=seeds)
        info = audit_info(computed.table, computed.samples)
        rows = info.attacks[info.attacks["who"] == "retrained against retrained"]
        rows = rows.set_index("attack")
        leak = rows.loc["forgotten told from never seen"]
        assert (leak["value"], leak["n_models"], np.isnan(leak["low"])) == (0.5, seeds, True)
        assert len(rows) == (3 if some else 1)
        if some:
            forget = rows.loc["told from retraining by the forget set"]
            assert forget["low"] < 0.5 < forget["high"]
        note = draw_audit(info).layout.annotations[0].text
        assert ("retrained: from 8 seeds" in note) == (not some)


def test_the_front_is_coloured_where_points_were_audited(audits):
    front = pd.DataFrame(
        {
            "trial_id": ["a-1", "b-2", "c-3"],
            "step": [40, 80, 40],
            "forget_gap": [0.1, 0.2, 0.3],
            "retain_gap": [0.3, 0.2, 0.1],
        }
    )
    found = audits_of(POINTS, accuracies=[0.95, 0.62])
    for theme in (LIGHT, DARK):
        figure = plot_audit(found.table, found.samples, front=front, theme=theme)
        hollow, low, high = (t for t in figure.data if t.meta["role"] == "front")
        assert list(hollow.hovertext) == ["c-3, step 40"]
        assert (hollow.marker.symbol, list(hollow.x)) == ("circle-open", [0.3])
        assert (list(low.text), list(high.text)) == (["62"], ["95"])
        assert (list(low.y), list(high.y)) == ([0.2], [0.3])
        assert low.marker.color != high.marker.color
    one = plot_audit(found.table, found.samples, front=front.drop(columns="retain_gap"))
    nobody = plot_audit(found.table, found.samples, front=front.tail(1))
    for figure in (one, nobody):
        assert not [t for t in figure.data if t.meta["role"] == "front"]


def test_the_histogram_counts_every_sample_in_common_bins(audits):
    effects = audit_info(audits.table, audits.samples, POINTS[1]).effects
    assert effects.groupby("who")["samples"].sum().to_dict() == {
        "doing nothing": 40,
        "b-2, step 80": 40,
    }
    bins = [rows[["low", "high"]].to_numpy() for _, rows in effects.groupby("who")]
    assert np.array_equal(*bins)


def test_curves_are_those_of_the_point(audits):
    curves = audit_info(audits.table, audits.samples).curves
    unlearned = curves[curves["role"] == "unlearned"]
    assert unlearned["at"].tolist() == [0, 60]
    assert unlearned["value"].tolist() == [0.05, 0.21]
    assert set(curves["role"]) == {"original", "unlearned", "retrained"}


def test_three_panels_are_drawn_in_both_themes(audits):
    light, dark = (plot_audit(audits.table, audits.samples, theme=t) for t in (LIGHT, DARK))
    roles = [trace.meta["role"] for trace in light.data]
    assert roles.count("attack") == 9  # three attacks on original, unlearned and retrained models
    assert roles.count("effects") == 2
    assert roles.count("curve") == roles.count("ribbon") == 3
    assert {trace.xaxis for trace in light.data} == {"x", "x2", "x3"}
    assert len(light.layout.annotations) == 3
    assert [t.meta["role"] for t in dark.data] == roles
    for one, other in zip(attacks(light), attacks(dark), strict=True):
        assert isinstance(one.marker.color, str)  # what the page can change with its theme
        assert one.marker.color != other.marker.color


def attacks(figure):
    return [trace for trace in figure.data if trace.meta["role"] == "attack"]


def test_bounds_are_drawn_where_there_are_some(audits):
    table = audits.table
    lacking = (table["trial_id"] == "b-2") & (table["statistic"] == "attack_accuracy")
    table = table.assign(low=table["low"].mask(lacking))
    figure = plot_audit(table, audits.samples)
    found = {(t.meta["attack"], t.meta["of"]): t for t in attacks(figure)}
    attack = found["told from retraining by the forget set", "unlearned"]
    assert list(attack.y) == ["a-1, step 40", "b-2, step 80"]
    np.testing.assert_allclose(attack.error_x.array, [0.01, 0])
    np.testing.assert_allclose(attack.error_x.arrayminus, [0.01, 0])


def test_guessing_is_marked(audits):
    line = plot_audit(audits.table, audits.samples).data[0]
    assert line.meta["role"] == "guessing"
    assert list(line.x) == [0.5, 0.5]
    assert list(line.y) == ["doing nothing", "retrained against retrained"]


def test_what_there_is_no_data_for_has_no_panel(audits):
    weak = audits.table[audits.table["audit"].isin(["outputs", "relearning"])]
    info = audit_info(weak, audits.samples.head(0))
    figure = draw_audit(info)
    assert {trace.meta["role"] for trace in figure.data} == {"ribbon", "curve"}
    assert len(figure.layout.annotations) == 1
    assert not draw_audit(audit_info(audits.table.head(0), audits.samples.head(0))).data


def test_names_are_shown_letter_by_letter():
    audits = audits_of([("<b>x</b>", 1)])
    figure = plot_audit(audits.table, audits.samples)
    assert [t.y[0] for t in attacks(figure) if t.meta["of"] == "unlearned"] == [
        "&lt;b&gt;x&lt;/b&gt;, step 1"
    ] * 3
    assert not [trace.name for trace in figure.data if trace.name and "<b>" in trace.name]
