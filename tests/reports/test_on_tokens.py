"""The report, the model card and the choice of a run on sequences speak of answers."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pareto_explorer.cli.app import app
from pareto_explorer.fronts import Box, Objective, collapse_sentence, destruction_sentences
from pareto_explorer.fronts.statistics.floor import retrain_floor
from pareto_explorer.reports import write_report
from pareto_explorer.reports.cards.audit import audit_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results import load_run
from pareto_explorer.schema.metrics import SAID_EXACTLY
from tests.audited import audits_of
from tests.reports.on_tokens import write_token_run


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return write_token_run(tmp_path_factory.mktemp("runs") / "tokens").path


def test_the_box_of_tofu_goes_from_the_original_to_the_retrained_model(path) -> None:
    run = load_run(path)
    landmarks = run.landmarks.set_index(["landmark", "replicate"])
    distance, utility = run.box.objectives
    assert (distance.metric, utility.metric) == ("truth_distance", "model_utility")
    assert distance.ideal == 0
    assert distance.nadir == landmarks.loc["original", "truth_distance"].min()
    assert utility.ideal == landmarks.loc["retrained", "model_utility"].max()
    assert utility.nadir == landmarks.loc["retrained", "model_utility"].min() - 0.1


def test_a_report_on_tokens_says_so_and_names_what_was_destroyed(path, tmp_path) -> None:
    page = write_report(path, tmp_path / "report").read_text(encoding="utf-8")
    told = (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")
    assert SAID_EXACTLY in told
    assert "alone reward destruction" in told
    assert "could not be drawn" not in told
    found = re.search(r"Here, (\S+), step (\d+) passes with a forget quality of p = (\S+) ", told)
    assert found is not None
    means = load_run(path).means()
    point = means[(means["trial_id"] == found[1]) & (means["step"] == int(found[2]))].iloc[0]
    assert float(found[3]) == pytest.approx(point["forget_quality"], rel=0.05)
    retrained = load_run(path).landmarks.query("landmark == 'retrained'")
    halves = retrained[["retain_accuracy", "retain_probability"]].mean() / 2
    assert (point[halves.index] < halves).any()
    assert "distance of truth ratios to the retrained model" in page
    assert "share of retained answers said exactly" in page
    assert "accuracy on the retain set" not in page


def test_without_a_destroyed_point_only_the_warning_is_told_and_on_classes_nothing() -> None:
    landmarks = pd.DataFrame(
        {
            "landmark": ["original", "retrained"],
            "forget_quality": [0.0, 1.0],
            "truth_distance": [1.0, 0.0],
            "retain_accuracy": [1.0, 1.0],
            "retain_probability": [0.9, 0.8],
        }
    )
    point = {"trial_id": "a-0", "step": 60, "position": 0.0, "truth_distance": 0.055}
    means = pd.DataFrame(
        [
            point | {"forget_quality": 0.92, "retain_accuracy": 0.0, "retain_probability": 0.03},
            point | {"forget_quality": 0.04, "retain_accuracy": 0.0, "retain_probability": 0.03},
            point | {"forget_quality": 0.99, "retain_accuracy": 0.6, "retain_probability": 0.5},
            point | {"forget_quality": 0.06, "retain_accuracy": 0.6, "retain_probability": 0.39},
        ]
    )
    warning, told = destruction_sentences(means, landmarks)
    assert told == (
        "Here, a-0, step 60 passes with a forget quality of p = 0.92 (truth distance 0.055) and "
        "has retain accuracy 0 (retrained 1) and retain probability 0.03 (retrained 0.8); so does "
        "1 other point."
    )
    closer = means.assign(truth_distance=[0.1, 0.2, 0.055, 0.3])
    assert destruction_sentences(closer.iloc[1:3], landmarks) == [warning]
    _, told = destruction_sentences(
        means.assign(forget_quality=0.01, step=[30, 60, 60, 60]).assign(
            truth_distance=[0.2, 0.3, 0.5, 0.6]
        ),
        landmarks,
    )
    assert told == (
        "Here, a-0, step 30 has the smallest truth distance of all points (0.2) and has retain "
        "accuracy 0 (retrained 1) and retain probability 0.03 (retrained 0.8)."
    )
    assert destruction_sentences(means.drop(columns="forget_quality"), landmarks) == []
    assert destruction_sentences(means.iloc[:0], landmarks) == [warning]
    gone = means.assign(forget_quality=0.01, truth_distance=[0.2, float("nan"), 0.5, 0.6])
    assert destruction_sentences(gone, landmarks)[1].startswith("Here, a-0, step 60 has the small")


def test_a_chosen_model_that_answers_nothing_is_told() -> None:
    models = pd.DataFrame(
        {"chosen": [0.2, 0.5, 0.0], "retrained": [1.0, 0.8, 1.0]},
        index=["retain_accuracy", "retain_probability", "test_accuracy"],
    )
    lost = "It no longer answers what it should: retain accuracy is 0.2 (retrained 1)."
    assert collapse_sentence(models) == lost
    assert collapse_sentence(models.assign(chosen=models["retrained"])) == ""
    assert collapse_sentence(models.assign(retrained=float("nan"))) == ""


def test_the_floor_is_that_of_the_gaps_of_tokens(path) -> None:
    landmarks = load_run(path).landmarks
    gaps = [Objective(name, "min", 0.0, 1.0) for name in ("forget_gap", "retain_gap")]
    floor = retrain_floor(landmarks, Box(tuple(gaps)))
    assert floor is not None
    first, second = landmarks.query("landmark == 'retrained'").to_dict("records")
    parts = ("unlearning_accuracy", "forget_probability", "membership_inference")
    wanted = sum(abs(first[part] - second[part]) for part in parts) / 3
    assert floor.mean[0] == pytest.approx(wanted)


def test_a_choice_says_what_accuracies_are(path) -> None:
    shown = CliRunner().invoke(app, ["select", str(path)]).output
    assert "shares of answers said exactly" in " ".join(shown.split())


def test_an_audit_says_what_it_means_for_sequences_and_what_it_cannot(path) -> None:
    material = Material(load_run(path))
    rows = material.front.head(1)
    points = list(zip(rows["trial_id"], rows["step"].astype(int), strict=True))
    run = replace(material.run)
    vars(run)["audits"] = audits_of(points)
    audited = Material(run)
    page = render_page("tokens", [audit_card(audited)], audited)
    assert "Not measured: churn" in page
    assert "log-odds of an answer" in page
    assert ">Tokens</th>" in page
    assert "surer of the answer than" in page
