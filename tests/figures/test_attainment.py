from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.figures.attainment import (
    attainment_info,
    band_outline,
    draw_attainment,
    plot_attainment,
)
from pareto_explorer.figures.shared.style import DARK
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.statistics.attainment import family_attainment
from pareto_explorer.results.run import Run

BOX = Box((Objective("a", "min", 0.0, 1.0), Objective("b", "min", 0.0, 1.0)))


def points(*values: tuple[int, float, float]) -> pd.DataFrame:
    table = pd.DataFrame(values, columns=["replicate", "a", "b"])
    shared = {"family": "f", "method": "m", "aggregator": "x", "forget_loss": "l", "step": 1}
    seeds = {"training_seed": 0, "unlearning_seed": 0, "samples": 1, "seconds": 1.0}
    return table.assign(trial_id="t-0", status="ok", **shared, **seeds)


NO_LANDMARKS = pd.DataFrame(columns=["landmark", "replicate", "training_seed"])


def area(path: np.ndarray) -> float:
    x, y = path.T
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)


def test_the_band_lies_between_the_best_and_the_worst_surface() -> None:
    info = attainment_info(points((0, 0.2, 0.2), (1, 0.4, 0.4), (2, 0.6, 0.6)), NO_LANDMARKS, BOX)
    assert (info.n, info.median) == (3, 2)
    (family,) = info.families
    figure = draw_attainment(info)
    (band,) = [t for t in figure.data if t.meta["role"] == "band"]
    (median,) = [t for t in figure.data if t.meta["role"] == "median"]
    assert area(np.column_stack([band.x, band.y])) == pytest.approx(0.64 - 0.16)
    assert list(zip(median.x, median.y, strict=True)) == [(0.4, 1.0), (0.4, 0.4), (1.0, 0.4)]
    assert "at least 2 of 3 replicates" in median.hovertext[0]
    assert family.surfaces[1].tolist() == [[0.2, 0.2]]


def test_what_not_all_replicates_reach_goes_up_to_the_reference_point() -> None:
    info = attainment_info(points((0, 0.5, 0.5), (1, 2.0, 2.0)), NO_LANDMARKS, BOX)
    (band,) = [t for t in draw_attainment(info).data if t.meta["role"] == "band"]
    assert area(np.column_stack([band.x, band.y])) == pytest.approx(0.25)


def test_nothing_inside_the_box_draws_nothing() -> None:
    figure = plot_attainment(points((0, 2.0, 2.0), (1, 3.0, 2.0)), NO_LANDMARKS, BOX)
    assert not [t for t in figure.data if t.legendgroup == "family f"]
    assert len(band_outline(np.empty((0, 2)), np.empty((0, 2)), (1.0, 1.0))) == 0


def test_one_replicate_has_a_line_and_no_band() -> None:
    figure = plot_attainment(points((0, 0.5, 0.5)), NO_LANDMARKS, BOX)
    roles = [t.meta["role"] for t in figure.data if t.legendgroup == "family f"]
    assert roles == ["median"]


def test_all_families_are_there_and_shown_when_asked(run: Run) -> None:
    info = attainment_info(run.points, run.landmarks, run.box)
    assert [f.name for f in info.families] == sorted(run.points["family"].unique())
    figure = draw_attainment(info, shown=["upgrad/kl_heldout"])
    for trace in figure.data:
        if str(trace.legendgroup).startswith("family"):
            assert trace.visible == (trace.legendgroup == "family upgrad/kl_heldout")
            assert "<b>loss" not in trace.name


def test_the_table_holds_every_surface(run: Run) -> None:
    table = attainment_info(run.points, run.landmarks, run.box).table()
    found = family_attainment(run.points, run.box)
    assert len(table) == sum(len(s) for f in found.values() for s in f.surfaces.values())
    assert list(table.columns) == ["family", "replicates", "forget_gap", "retain_gap"]


def test_dark_differs_in_colours_only(run: Run) -> None:
    info = attainment_info(run.points, run.landmarks, run.box)
    light, dark = draw_attainment(info), draw_attainment(info, theme=DARK)
    assert light.layout.meta == dark.layout.meta
    for a, b in zip(light.data, dark.data, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        assert (a.name, a.meta, a.visible) == (b.name, b.meta, b.visible)


def test_three_objectives_are_refused(run: Run) -> None:
    box = Box((*run.box.objectives, Objective("test_accuracy", "max", 1.0, 0.5)))
    with pytest.raises(InputError, match="give a box of two"):
        plot_attainment(run.points, run.landmarks, box)
