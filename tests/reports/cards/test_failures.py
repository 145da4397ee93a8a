from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pareto_explorer.reports.cards.failures import failures_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import load_run
from tests.synthetic import HOSTILE_ERROR, write_synthetic_run


def test_trials_stand_together_by_cause(material: Material) -> None:
    failed, diverged = failures_card(material).context["causes"]
    assert (failed["status"], failed["error"]) == ("failed", HOSTILE_ERROR)
    assert [row["trial"] for row in failed["rows"]] == [
        "cup-negative_cross_entropy-2",
        "fine_tune-0",
    ]
    assert diverged["error"] == "the loss is not finite at step 57"


def test_numbers_in_a_message_make_no_other_cause(material: Material) -> None:
    points = material.run.points
    bad = points["trial_status"] == "failed"
    errors = "CUDA out of memory: tried " + points["step"].astype(str) + " MiB"
    changed = Material(
        replace(material.run, points=points.assign(error=errors.where(bad, points["error"])))
    )
    first, _ = failures_card(changed).context["causes"]
    assert len(first["rows"]) == 2


def test_a_row_says_how_to_run_it_again_and_what_sets_it_apart(material: Material) -> None:
    first, _ = failures_card(material).context["causes"][0]["rows"]
    assert first["configuration"].startswith("intensity = 0.75, lr = ")
    assert "optimizer" not in first["configuration"]  # the same in all trials
    assert "--trial cup-negative_cross_entropy-2 --replicate 2 --step 40" in first["again"]
    assert first["place"] == ""


def test_a_traceback_that_was_kept_is_named(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run")
    errors = run.path / "errors"
    errors.mkdir()
    (errors / "fine_tune-0.txt").write_text("Traceback", encoding="utf-8")
    rows = failures_card(Material(load_run(run.path))).context["causes"][0]["rows"]
    assert [row["place"] for row in rows] == ["", f"{run.path}/errors/fine_tune-0.txt"]


@pytest.mark.parametrize(("status", "said"), [("diverged", "no longer finite"), ("running", "yet")])
def test_a_trial_without_a_message_has_one(
    material_of: Callable[..., Material], status: str, said: str
) -> None:
    material = material_of()
    points = material.run.points
    own = points["trial_id"] == "mgda-kl_heldout-2"
    changed = points.assign(
        trial_status=points["trial_status"].mask(own, status), error=points["error"].mask(own, None)
    )
    causes = failures_card(Material(replace(material.run, points=changed))).context["causes"]
    (found,) = [cause for cause in causes if cause["rows"][0]["trial"] == "mgda-kl_heldout-2"]
    assert said in found["error"]
    assert bool(found["rows"][0]["again"]) == (status == "diverged")


def test_without_failures_it_says_so(material: Material) -> None:
    points = material.run.points
    well = points[~points["trial_status"].isin(["failed", "diverged"])]
    told = failures_card(Material(replace(material.run, points=well, manifest={})))
    assert told.reason == "None: all 16 trials ended as they should."


def test_before_the_first_trial_none_is_said_to_have_ended(material: Material) -> None:
    none = replace(material.run, points=material.run.points.iloc[:0], manifest={})
    assert failures_card(Material(none)).reason == "No trial has ended yet."
