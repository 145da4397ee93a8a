from __future__ import annotations

import pandas as pd

from pareto_explorer.figures.shared.hover import landmark_hover, point_hover, seeds_line, told_knobs

ROW = {
    "family": "a<b>/x",
    "trial_id": "t&1",
    "step": 40,
    "config.lr": 0.0123456,
    "config.note": "<img src=x onerror=alert(1)>\n<a href='javascript:alert(1)'>y</a>",
    "config.unused": None,
    "forget_gap": 0.25,
    "forget_gap.std": 0.01,
    "js_divergence": float("nan"),
    "mine": 0.00001,
    "mine.std": float("nan"),
}


def test_hover_has_configuration_step_trial_and_every_metric_with_spread() -> None:
    text = point_hover(ROW, ["forget_gap", "js_divergence", "mine"], "3 replicates")
    for part in ("t&amp;1, step 40", "3 replicates", "lr = 0.01235", "Forget gap 0.2500 ± 0.0100"):
        assert part in text
    assert "Mine 1e-05" in text.split("<br>")
    assert "unused" not in text
    assert "divergence" not in text


def test_hover_escapes_what_users_wrote() -> None:
    text = point_hover(ROW, [], "")
    for tag in ("<br>", "<b>", "</b>", "<i>", "</i>"):
        text = text.replace(tag, "")
    assert "<" not in text
    assert ">" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_long_values_are_wrapped_not_cut() -> None:
    text = point_hover({**ROW, "config.note": "z" * 200}, [], "")
    assert text.count("z") == 200
    assert max(map(len, text.split("<br>"))) < 70


def test_seeds_line_pairs_seeds() -> None:
    table = pd.DataFrame(
        {"replicate": [1, 0, 1], "training_seed": [5, 4, 5], "unlearning_seed": [7, 6, 7]}
    )
    assert seeds_line(table) == "2 replicates, training/unlearning seeds 4/6, 5/7"


def test_landmark_hover_names_the_model() -> None:
    text = landmark_hover("Original model", "training seed 2", [("forget_gap", 0.5)])
    assert text == "<b>Original model</b><br>training seed 2<br><br>Forget gap 0.5000"


def test_hover_names_an_infinite_knob() -> None:
    row = ROW | {"config.clip": float("inf"), "config.floor": float("-inf"), "config.big": 1e308}
    text = point_hover(row, ["forget_gap"], "")
    assert all(part in text for part in ("clip = inf", "floor = -inf", "big = 1e+308"))


def test_knobs_that_are_the_same_everywhere_are_not_told_unless_all_are() -> None:
    table = pd.DataFrame(
        {"config.lr": [0.1, 0.2], "config.optimizer": ["sgd"] * 2, "config.quota": [0.3, None]}
    )
    assert told_knobs(table) == ["config.lr"]
    assert told_knobs(table.head(1)) == list(table)
    text = point_hover({**ROW, "config.optimizer": "sgd"}, [], "", told_knobs(table))
    assert "lr = " in text
    assert "optimizer" not in text
    assert "no knobs" not in text
