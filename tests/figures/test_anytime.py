from __future__ import annotations

from itertools import combinations
from statistics import fmean

import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.figures.anytime import AXIS_TITLES, anytime_info, draw_anytime, plot_anytime
from pareto_explorer.figures.shared.style import DARK
from pareto_explorer.fronts import Box, Objective, family_hypervolumes
from pareto_explorer.fronts.statistics.anytime import anytime_curves, common_grid
from pareto_explorer.fronts.statistics.expected import expected_hypervolume
from pareto_explorer.results.run import Run
from tests.fronts.twins_draws import quantile

BOX = Box((Objective("a", "min", 0.0, 1.0), Objective("b", "min", 0.0, 1.0)))


def points(trials: int) -> pd.DataFrame:
    """One family whose n-th trial lies at 1 - n / trials in both objectives."""
    rows = [
        {"trial_id": f"t-{n:04}", "a": 1 - n / trials, "b": 1 - n / trials, "samples": 10}
        for n in range(1, trials + 1)
    ]
    shared = {"family": "f", "method": "m", "aggregator": "x", "forget_loss": "l", "step": 1}
    return pd.DataFrame(rows).assign(
        replicate=0, training_seed=0, unlearning_seed=0, seconds=0.0, status="ok", **shared
    )


def test_each_family_ends_at_its_hypervolume_on_every_axis(run: Run) -> None:
    info = anytime_info(run.points, run.box, tuple(AXIS_TITLES))
    assert info.axes == ("configurations", "trials", "seconds", "samples")
    volumes = family_hypervolumes(run.points, run.box)
    assert [family.name for family in info.families] == list(volumes)
    for family in info.families:
        for axis in info.axes:
            last = family.steps[axis].iloc[-1]
            assert last["mean"] == pytest.approx(volumes[family.name].mean)
            assert last["low"] <= last["mean"] <= last["high"]


def test_thinning_keeps_the_ends_and_loses_no_step_that_shows() -> None:
    table = points(1000)
    (family,) = anytime_info(table, BOX, ("trials",)).families
    full = common_grid(anytime_curves(table, BOX, "trials"))
    thin = family.steps["trials"]
    assert len(thin) <= 62 < len(full)
    assert thin.iloc[[0, -1]]["x"].tolist() == full.iloc[[0, -1]]["x"].tolist()
    kept = pd.merge_asof(full, thin, on="x")
    assert (kept["mean_x"] - kept["mean_y"]).max() <= full["mean"].max() / 60 + 1e-9


def test_an_axis_that_was_not_measured_is_left_out() -> None:
    assert anytime_info(points(3), BOX).axes == ("configurations", "samples")


def test_an_unknown_axis_is_refused() -> None:
    with pytest.raises(InputError, match="axis: 'hours' is not known"):
        plot_anytime(points(3), BOX, axis="hours")


def test_configurations_are_what_to_expect_of_so_many(run: Run) -> None:
    (family,) = anytime_info(points(4), BOX).families
    # the best of k of four squares of 1/16, 4/16, 9/16 and 1
    squares = [1 / 16, 4 / 16, 9 / 16, 1]
    for k, row in zip(range(1, 5), family.steps["configurations"].itertuples(), strict=True):
        best = [max(chosen) for chosen in combinations(squares, k)]
        assert (row.x, row.mean) == (k, pytest.approx(fmean(best)))
        assert row.low == pytest.approx(quantile(best, 0.1))
        assert row.high == pytest.approx(quantile(best, 0.9))
    found = expected_hypervolume(run.points, run.box)
    by_family = anytime_info(run.points, run.box).families
    for curve in by_family:
        of_family = found[found["family"] == curve.name]
        first = of_family[of_family["configurations"] == 1]
        steps = curve.steps["configurations"].iloc[0]
        assert steps["mean"] == pytest.approx(first["mean"].mean())
        assert steps["low"] == pytest.approx(first["low"].mean())


def test_the_band_is_drawn_where_it_is_of_subsets(run: Run) -> None:
    for axis in ("configurations", "trials"):
        figure = plot_anytime(run.points, run.box, axis=axis)
        bands = [trace for trace in figure.data if trace.meta["role"] == "band"]
        curves = [trace for trace in figure.data if trace.meta["role"] == "curve"]
        for band, curve in zip(bands, curves, strict=True):
            assert len(band.x) == (2 * len(curve.x) if axis == "configurations" else 0)
            assert curve.line.shape == ("linear" if axis == "configurations" else "hv")
            assert band.legendgroup == curve.legendgroup


def test_a_button_changes_all_that_an_axis_changes(run: Run) -> None:
    info = anytime_info(run.points, run.box)
    first = draw_anytime(info)
    for axis in info.axes:
        other = draw_anytime(info, axis=axis)
        view = first.layout.meta["views"][axis]
        assert other.layout.xaxis.title.text == view["xaxis.title.text"]
        assert other.layout.xaxis.dtick == view["xaxis.dtick"]
        for before, after in zip(first.data, other.data, strict=True):
            changed = before.meta["views"][axis]
            assert list(after.x) == changed["x"]
            assert list(after.y) == changed["y"]
            if after.meta["role"] != "band":
                assert [list(row) for row in after.customdata] == changed["customdata"]
            if after.meta["role"] == "curve":
                assert after.line.shape == changed["line.shape"]


def test_the_symbol_stands_where_the_curve_ends(run: Run) -> None:
    figure = plot_anytime(run.points, run.box, shown=["fine_tune"])
    lines = [trace for trace in figure.data if trace.meta["role"] != "band"]
    assert list(figure.data[-len(lines) :]) == lines
    curves, ends = lines[::2], lines[1::2]
    for curve, end in zip(curves, ends, strict=True):
        assert (curve.meta["role"], end.mode) == ("curve", "markers")
        assert (end.x[0], end.y[0]) == (curve.x[-1], curve.y[-1])
        assert curve.visible == end.visible == (curve.legendgroup == "family fine_tune")


def test_few_trials_have_whole_ticks() -> None:
    for trials, expected in ((4, 1), (40, None)):
        for axis in ("configurations", "trials"):
            assert plot_anytime(points(trials), BOX, axis=axis).layout.xaxis.dtick == expected


def test_dark_differs_in_colours_only(run: Run) -> None:
    info = anytime_info(run.points, run.box)
    light, dark = draw_anytime(info), draw_anytime(info, theme=DARK)
    assert [t.meta for t in light.data] == [t.meta for t in dark.data]
    assert light.layout.meta == dark.layout.meta


def test_the_table_names_axis_and_family(run: Run) -> None:
    table = anytime_info(run.points, run.box).table()
    assert list(table.columns) == ["axis", "family", "x", "mean", "low", "high"]
    assert set(table["axis"]) == {"configurations", "seconds", "samples"}
    assert set(table["family"]) == set(run.points["family"])
