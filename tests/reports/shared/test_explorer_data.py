from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.fronts import replicate_means
from pareto_explorer.fronts.statistics.floor import between_retrained
from pareto_explorer.reports.cards.front import front_card
from pareto_explorer.reports.cards.points import points_card
from pareto_explorer.reports.html import plotly_script, render_page
from pareto_explorer.reports.shared.explorer_data import explorer_data
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import MEMBER, load_run
from tests.reports.shared.test_packing import unpack
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    path = tmp_path_factory.mktemp("explorer") / "run"
    write_synthetic_run(path)
    return Material(load_run(path))


def column(data: dict[str, Any], key: str) -> dict[str, Any]:
    return next(column for column in data["columns"] if column["key"] == key)


def crowd(material: Material, copies: int) -> Material:
    """The same run with each trial many times over, a little elsewhere each time."""
    rng = np.random.default_rng(0)
    points = material.run.points[material.run.points["status"] == "ok"]
    tables = []
    for copy in range(copies):
        table = points.assign(trial_id=points["trial_id"] + f"-{copy}")
        for name in table.columns[table.dtypes == "float64"]:
            table[name] = table[name] * rng.uniform(1, 1.5, size=len(table))
        tables.append(table)
    return Material(replace(material.run, points=pd.concat(tables, ignore_index=True)))


def test_every_column_comes_back(material: Material) -> None:
    means = replicate_means(material.run.points, material.run.box)
    data = json.loads(json.dumps(explorer_data(material, means), allow_nan=False))
    assert data["rows"] == len(means)
    names = [data["families"][code]["name"] for code in data["family"]]
    assert names == means["family"].tolist()
    assert unpack(data["trial"]) == means["trial_id"].tolist()
    assert [level == 2 for level in data["level"]] == means["on_front"].tolist()
    assert [level >= 1 for level in data["level"]] == means["on_family_front"].tolist()
    for key in ("forget_gap", "test_accuracy", "cosine", "config.lr", "step", "seconds"):
        found = pd.Series(unpack(column(data, key)), dtype=float)
        np.testing.assert_allclose(found, means[key].astype(float), rtol=1e-4)
    spread = unpack(column(data, "retain_gap")["spread"])
    np.testing.assert_allclose(np.array(spread, float), means["retain_gap.std"], rtol=1e-2)
    assert set(unpack(column(data, "config.note"))) == {None, "<script>alert(1)</script>"}


def test_columns_say_what_they_are(material: Material) -> None:
    data = explorer_data(material, material.run.means())
    assert column(data, "forget_gap")["direction"] == "min"
    assert column(data, "test_accuracy")["direction"] is None
    assert column(data, "config.lr") | {"values": 0, "distinct": 0, "codes": 0} == {
        "key": "config.lr", "group": "Knobs", "label": "lr", "note": "", "direction": None,
        "best": None, "same": False, "log": False, "values": 0, "distinct": 0, "codes": 0,
    }  # fmt: skip
    assert data["axes"] == ["forget_gap", "retain_gap"]
    assert data["dimensions"][:2] == ["config.lr", "config.intensity"]  # optimizer never varies
    assert [mark["kind"] for mark in data["landmarks"]] == ["original", "retrained", "between"]
    assert column(data, "config.optimizer")["same"]  # sgd wherever it is set
    assert column(data, "seconds")["best"] == column(data, "retain_gap")["best"] == "min"
    assert column(data, "aggregator")["group"] == column(data, "trial_status")["group"] == "Parts"
    statuses = material.trials.set_index("trial_id")["trial_status"]
    wanted = material.run.means()["trial_id"].map(statuses)
    assert unpack(column(data, "trial_status")) == wanted.tolist()


def test_the_retrained_models_are_each_against_another(material: Material) -> None:
    marks = {m["kind"]: m for m in explorer_data(material, material.run.means())["landmarks"]}
    values, pairs = between_retrained(material.run.landmarks, material.run.box.metrics)
    found = marks["between"]
    assert found["seeds"] == [f"training seeds {a} and {b}" for a, b in pairs]
    for place, metric in enumerate(material.run.box.metrics):
        np.testing.assert_allclose(found["values"][metric], values[:, place], rtol=1e-4)


def test_the_box_is_in_the_units_of_its_metrics(material: Material) -> None:
    box = material.run.box
    found = explorer_data(material, material.run.means())["box"]
    assert found == {
        o.metric: [o.ideal, pytest.approx(r)]
        for o, r in zip(box.objectives, material.info.reference, strict=True)
    }


def test_a_knob_that_spans_decades_is_logarithmic(material: Material) -> None:
    points = material.run.points.copy()
    points["config.lr"] = np.logspace(-4, -1, len(points))
    wide = Material(replace(material.run, points=points))
    assert column(explorer_data(wide, wide.run.means()), "config.lr")["log"] is True


def test_beyond_the_limit_only_dominated_points_go_and_the_card_says_so(
    material: Material,
) -> None:
    means = material.run.means()
    data = explorer_data(material, means, limit=5)
    dominated = int((~means["on_family_front"]).sum())
    assert len(means) - data["rows"] == dominated - 5
    assert sum(family["counts"][0] for family in data["families"]) == len(means)
    assert sum(level >= 1 for level in data["level"]) == means["on_family_front"].sum()


def test_an_imported_run_has_no_commands(material: Material) -> None:
    manifest = material.run.manifest | {"imported": {"from": "x.csv"}}
    imported = Material(replace(material.run, manifest=manifest))
    assert explorer_data(imported, imported.run.means())["run"] is None
    card = front_card(imported)
    assert card.data is not None
    assert "run again" not in card.data


def test_of_several_runs_each_trial_is_known_by_its_own(material: Material) -> None:
    points = material.run.points
    both = replace(
        material.run,
        points=points.assign(trial_id="first" + MEMBER + points["trial_id"]),
        members={"first": material.run},
    )
    joined = Material(both)
    data = explorer_data(joined, both.means())
    assert data["members"] == {"first": material.run.shown}
    assert all(trial.startswith("first: ") for trial in data["trial"]["texts"])
    table = front_card(joined).data
    assert table is not None
    assert table["run again"].str.contains(material.run.shown, regex=False).all()


def test_five_thousand_points_fit_into_three_megabytes(material: Material) -> None:
    many = crowd(material, 100)
    assert len(many.run.means()) >= 5_000
    page = render_page("many", [front_card(many), points_card(many)], many)
    assert len(page.encode()) - len(plotly_script().encode()) < 3_000_000


def test_landmarks_are_there_once_for_each_seed_even_where_seeds_agree(tmp_path: Path) -> None:
    run = load_run(write_synthetic_run(tmp_path / "run", replicates=8).path)
    material = Material(run)
    marks = {m["kind"]: m for m in explorer_data(material, run.means())["landmarks"]}
    assert marks["retrained"]["values"]["forget_gap"] == [0] * 8
    assert len(marks["original"]["values"]["forget_gap"]) == 8
    assert marks["retrained"]["seeds"] == [f"training seed {seed}" for seed in range(8)]
