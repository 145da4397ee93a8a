"""What to try next: each suggestion is there where its numbers say so, and only there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from pareto_explorer.fronts import KnobDomain
from pareto_explorer.fronts.statistics.comparison import Comparison
from pareto_explorer.fronts.statistics.resampling import interval
from pareto_explorer.reports.cards.next import next_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.shared import next_steps as rules
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.reports.shared.next_steps import (
    NextStep,
    next_steps,
    replicates_to_see,
    widened,
)
from pareto_explorer.results.run import load_run
from tests.synthetic import write_oracle_free_run, write_synthetic_run

LR = KnobDomain("loguniform", (0.001, 0.1))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Material]:
    """Material of a synthetic run, with parts of the run replaced."""
    folder = tmp_path_factory.mktemp("next")
    few = load_run(write_synthetic_run(folder / "few").path)
    many = load_run(write_synthetic_run(folder / "many", replicates=8, configurations=4).path)

    def changed(replicates: int = 3, **parts: Any) -> Material:
        return Material(replace(many if replicates == 8 else few, **parts))

    return changed


def orders(material: Material) -> list[str]:
    return [step.what for step in next_steps(material)]


def step(material: Material, start: str) -> NextStep:
    (found,) = [one for one in next_steps(material) if one.what.startswith(start)]
    return found


def test_what_stands_in_the_way_of_a_finding_comes_first(make: Callable[..., Material]) -> None:
    assert orders(make()) == [
        "See why 2 trials failed",
        "Keep the learning rate of mgda/kl_heldout lower",
        "Repeat with 6 replicates",
        "Draw more configurations",
        "Audit the model that you would take",
        "Cover the ranges",
    ]


def test_a_trial_that_waits_is_continued_before_anything_is_compared(
    make: Callable[..., Material],
) -> None:
    points = make().run.points
    waiting = points.assign(
        trial_status=points["trial_status"].mask(points["trial_id"] == "fine_tune-1", "running")
    )
    first, *rest = next_steps(make(points=waiting))
    assert first.what == "Let the sweep end"
    assert "1 of 19 planned trials has not ended" in first.why
    assert first.line.startswith("pareto-explorer sweep synthetic")
    assert not [other for other in rest if other.what.startswith(("Repeat", "Draw"))]


def test_a_learning_rate_is_blamed_only_where_it_parts_the_trials(
    make: Callable[..., Material],
) -> None:
    points = make().run.points
    trials = points.drop_duplicates("trial_id").set_index("trial_id")["config.lr"]
    found = step(make(), "Keep the learning rate")
    assert found.why.startswith(f"1 trial diverged, from lr {trials['mgda-kl_heldout-2']:.3g} on")
    assert found.line == f"lr: {{loguniform: [0.001, {trials['mgda-kl_heldout-0']:.2g}]}}"
    between = points["config.lr"].mask(points["trial_id"] == "mgda-kl_heldout-2", 0.005)
    assert step(make(points=points.assign(**{"config.lr": between})), "See why 1 trial diverged")


@pytest.mark.parametrize("n", [6, 20])
def test_the_replicates_asked_for_show_the_difference_four_times_of_five(n: int) -> None:
    values = np.random.default_rng(n).normal(0.02, 0.03, n)
    pair = comparison(values)
    wanted = replicates_to_see(pair)
    assert wanted is not None
    shift = abs(values.mean()) / (values.std(ddof=1) / sqrt(wanted))
    assert wanted == 6 or 0.79 < norm.cdf(shift - norm.ppf(0.975)) < 0.85
    assert replicates_to_see(comparison(np.zeros(6))) is None


def comparison(values: np.ndarray) -> Comparison:
    differences = dict(enumerate(values.tolist()))
    mean = float(values.mean())
    return Comparison("a", "b", differences, mean, interval(values), 0.5, 0.5, 0.5, None, False)


def test_families_far_below_the_noise_are_equally_good(make: Callable[..., Material]) -> None:
    points = make(8).run.points
    twin = points[points["family"] == "upgrad/kl_heldout"]
    noise = np.random.default_rng(0).normal(0, 1e-4, len(twin))
    twin = twin.assign(
        family="twin",
        trial_id="twin-" + twin["trial_id"],
        forget_gap=(twin["forget_gap"] + noise - noise.mean()).abs(),
    )
    material = make(8, points=pd.concat([points, twin], ignore_index=True), domains={})
    (found,) = [
        one for one in next_steps(material) if one.what.startswith(("Take", "Repeat with about"))
    ]
    assert "twin" in found.what + found.why
    assert "upgrad/kl_heldout" in found.what + found.why


def test_a_range_is_widened_at_the_end_that_is_best(make: Callable[..., Material]) -> None:
    found = next_steps(edged(make()))
    (wider,) = [one for one in found if one.what.endswith("widen the range")]
    assert wider.what.startswith("lr: the best of fine_tune lie at the upper end of [0.001, 0.1]")
    assert wider.why.startswith("Without the outer tenth of it, fine_tune loses 20 %")
    assert wider.line == "lr: {loguniform: [0.001, 0.3]}"
    assert widened("lr", LR, "lower") == "lr: {loguniform: [0.00033, 0.1]}"
    assert widened("k", KnobDomain("lograndint", (2, 9)), "lower") == "k: {lograndint: [1, 9]}"
    assert widened("weight", KnobDomain("uniform", (0.0, 1.0)), "upper") == ""


def edged(material: Material) -> Material:
    row = ("fine_tune", "lr", str(LR), "upper", "fine_tune-2", 0.2)
    columns = ["family", "knob", "domain", "end", "best", "lost"]
    material.__dict__["edges"] = pd.DataFrame([row], columns=columns)
    return material


def test_steps_are_asked_for_where_the_front_is_made_of_last_ones(
    make: Callable[..., Material],
) -> None:
    material = make()
    last = material.means.sort_values("step").groupby("trial_id").tail(1)
    material.__dict__["front"] = last[last["step"] == 60].head(4)
    found = step(material, "Give every trial more steps")
    assert found.why.startswith("4 of 4 points on the front of all families are the last step")
    assert found.line == '--set "budget.steps=120"'
    first = material.means[material.means["step"] == 20].head(4)
    material.__dict__["front"] = first
    assert "Give every trial more steps" not in orders(material)


def test_an_audit_is_asked_for_until_there_is_one_and_not_of_imported_runs(
    make: Callable[..., Material],
) -> None:
    assert step(make(), "Audit").line.startswith("pareto-explorer audit ")
    imported = make(manifest=make().run.manifest | {"imported": {"kind": "table"}})
    assert "Audit the model that you would take" not in orders(imported)


def test_a_run_without_retraining_is_told_how_to_get_it(tmp_path: Path) -> None:
    free = Material(load_run(write_oracle_free_run(tmp_path / "free").path))
    assert step(free, "Retrain for comparison").line == '--set "objectives=retrain_gap"'


def test_one_search_compares_no_families(make: Callable[..., Material]) -> None:
    manifest = make().run.manifest
    spec = manifest["spec"] | {"search": {"mode": "explore"}}
    found = step(make(manifest=manifest | {"spec": spec}), "Compare the best families")
    assert found.line == '--set "search.mode=compare"'
    from_python = {"spec": spec, "command": ""}
    found = step(make(manifest=manifest | from_python), "Compare the best families")
    assert found.line == "search: {mode: compare}"


def test_with_nothing_to_forget_another_request_is_the_only_way(
    make: Callable[..., Material],
) -> None:
    landmarks = make().run.landmarks.assign(forget_gap=0.0)
    first, *others = next_steps(make(landmarks=landmarks))
    assert first.what == "Take another forget request, or other objectives"
    assert {other.card for other in others} == {"failures"}


def test_a_run_of_which_nothing_stands_out_says_so(
    make: Callable[..., Material], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_RULES", ())
    card = next_card(make())
    assert card.sentence.startswith("Nothing stands out")
    assert '<ol class="steps"' not in render_page("run", [card], make())


def test_without_a_model_only_what_stands_in_the_way_is_said(make: Callable[..., Material]) -> None:
    points = make().run.points
    failed = points.assign(status="failed", trial_status="failed")
    assert orders(make(points=failed)) == ["See why 19 trials failed"]
    nothing = make(points=points.iloc[:0], manifest={})
    assert orders(nothing) == []
    assert next_card(nothing).reason == "No trial has given a finite point yet."
