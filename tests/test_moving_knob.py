"""Whatever shows a point names the value that a moving knob has there, not the configured one."""

import dataclasses

import optuna
import pytest

from pareto_explorer import load_run
from pareto_explorer.figures.shared.hover import point_hover
from pareto_explorer.fronts import replicate_means
from pareto_explorer.fronts.selection.select import select
from pareto_explorer.interchange import to_optuna, to_pymoo
from pareto_explorer.reports.cards.front import front_card
from pareto_explorer.reports.model_card import ModelFile, render_model_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results import Run
from pareto_explorer.schema.columns import config_columns, moved
from tests.fronts.core.test_tables import row, table
from tests.synthetic import write_synthetic_run

FAMILY = "cup/negative_cross_entropy"
VALUES = {20: 0.95, 40: 0.5, 60: 0.05}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A run whose CUP has no intensity of its own: it moves along a path."""
    found = load_run(write_synthetic_run(tmp_path_factory.mktemp("moving") / "run").path)
    points = found.points.copy()
    own = points["family"] == FAMILY
    points.loc[own, "config.intensity"] = float("nan")
    points.loc[own, "config.path"] = "intensity"
    points.loc[own, "path_value"] = points.loc[own, "step"].map(VALUES)
    points.insert(points.columns.get_loc("config.lr"), "config.path", points.pop("config.path"))
    return dataclasses.replace(found, points=points)


@pytest.fixture(scope="module")
def of_family(run):
    means = run.means()
    return means[means["family"] == FAMILY].to_dict("records")


def test_means_have_it_as_a_knob_and_points_do_not(run, of_family):
    assert len(of_family) > len(VALUES)
    for point in of_family:
        assert point["config.intensity"] == VALUES[point["step"]]
        assert point["path_value"] == pytest.approx(VALUES[point["step"]])
    assert run.points.loc[run.points["family"] == FAMILY, "config.intensity"].isna().all()


def test_a_knob_that_no_other_family_has_is_a_column_of_the_means_alone():
    levels = {1: 0.9, 2: 0.1}
    points = table(
        *(
            row("a", 0, step, 0.1, 0.5, **{"config.path": "weight", "path_value": value})
            for step, value in levels.items()
        ),
        row("b", 0, 1, 0.2, 0.4, **{"config.lr": 0.1}),
    )
    means = replicate_means(points)
    assert config_columns(points) == ["config.lr", "config.path"]
    assert config_columns(means) == ["config.lr", "config.path", "config.weight"]
    assert means["config.weight"].tolist()[:2] == list(levels.values())
    assert means["config.weight"].isna().tolist() == [False, False, True]


def test_several_knobs_may_move_each_in_its_own_rows():
    rows = [
        row("a", 0, 1, 0.1, 0.5, **{"config.path": "lr", "path_value": 0.3}),
        row("b", 0, 1, 0.1, 0.5, **{"config.path": "weight", "path_value": 0.7, "config.lr": 0.1}),
        row("c", 0, 1, 0.1, 0.5, **{"config.weight": 0.2, "config.lr": 0.2}),
    ]
    found = moved(table(*rows))
    assert found["config.lr"].tolist() == [0.3, 0.1, 0.2]
    assert found["config.weight"].tolist()[1:] == [0.7, 0.2]


def test_a_table_without_values_along_a_path_is_left_alone():
    """A knob called path may be one of somebody's own method."""
    own = table(row("a", 0, 1, 0.1, 0.5, **{"config.path": "left"}))
    assert moved(own) is own


def test_hover_text(of_family):
    text = point_hover(of_family[1], [], "")
    assert f"intensity = {VALUES[of_family[1]['step']]:g}" in text


def test_the_table_and_the_columns_of_the_explorer(run):
    material = Material(run)
    card = front_card(material)
    columns = {column["key"]: column for column in card.payload["columns"]}
    shown = columns["config.intensity"]
    values = shown.get("values") or [
        None if code < 0 else shown["distinct"][code] for code in shown["codes"]
    ]
    families = [card.payload["families"][k]["name"] for k in card.payload["family"]]
    found = {value for value, name in zip(values, families, strict=True) if name == FAMILY}
    assert found == set(VALUES.values())
    on_front = card.data[card.data["family"] == FAMILY]
    for line in on_front.to_dict("records"):
        assert f"intensity={VALUES[line['step']]:g}" in line["configuration"]


def test_select_and_the_model_card(run, of_family):
    trial = of_family[0]["trial_id"]
    for step, value in VALUES.items():
        chosen = select(run.points, run.box, trial_id=trial, step=step)
        assert chosen.knobs["intensity"] == value
        assert chosen.knobs["path"] == "intensity"
        card = render_model_card(run, chosen, ModelFile("model.safetensors", "0" * 64, 0, None))
        assert f"| intensity | {value:g} |" in card


def test_exports(run, of_family):
    study = to_optuna(run)
    trials = [
        trial
        for trial in study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
        if trial.user_attrs["family"] == FAMILY
    ]
    assert len(trials) == len(of_family)
    for trial in trials:
        assert trial.params["intensity"] == VALUES[trial.user_attrs["step"]]
    result = to_pymoo(run)
    column = result.data["knobs"].index("intensity")
    found = {
        x[column]
        for x, name in zip(result.pop.get("X"), result.pop.get("family"), strict=True)
        if name == FAMILY
    }
    assert found == set(VALUES.values())
