from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.figures.diagnostics import (
    diagnostics_info,
    draw_diagnostics,
    plot_diagnostics,
)
from pareto_explorer.figures.shared.style import DARK
from pareto_explorer.results.run import Run


def points(rows: list[tuple[str, int, int, str, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["trial_id", "replicate", "step", "status", "cosine"])
    shared = {"family": "f", "method": "m", "aggregator": "a", "forget_loss": "l"}
    return table.assign(**shared)


def test_trials_are_averaged_first_then_replicates() -> None:
    info = diagnostics_info(
        points(
            [
                ("a", 0, 10, "ok", 0.0),
                ("b", 0, 10, "ok", 0.4),
                ("a", 1, 10, "ok", 0.6),
                ("b", 1, 10, "failed", -9.0),
                ("a", 0, 20, "ok", np.inf),
                ("a", 1, 20, "ok", -0.5),
            ]
        )
    )
    assert info.quantities == ("cosine",)
    table = info.families[0].table.set_index("step")
    assert table.loc[10].to_dict() == pytest.approx(
        {"cosine": 0.4, "cosine.low": 0.2, "cosine.high": 0.6}
    )
    assert table.loc[20].to_dict() == pytest.approx(
        {"cosine": -0.5, "cosine.low": -0.5, "cosine.high": -0.5}
    )


def test_families_without_two_gradients_have_no_line(run: Run) -> None:
    info = diagnostics_info(run.points)
    names = {family.name for family in info.families}
    assert "upgrad/kl_heldout" in names
    assert not names & {"fine_tune", "none"}
    assert set(info.frame()["family"]) == names


def test_a_table_without_diagnostics_gives_nothing(run: Run) -> None:
    bare = run.points[["family", "method", "aggregator", "forget_loss", "replicate", "step"]]
    info = diagnostics_info(bare.assign(status="ok"))
    assert info == ((), ())
    assert info.frame().empty
    assert len(plot_diagnostics(bare.assign(status="ok")).data) == 0


def test_each_quantity_has_its_panel_with_every_family(run: Run) -> None:
    info = diagnostics_info(run.points)
    figure = draw_diagnostics(info, shown=["upgrad/kl_heldout"])
    assert len(figure.data) == len(info.families) * 6
    for trace in figure.data:
        index = info.quantities.index(trace.meta["role"])
        assert trace.yaxis == ("y" if index == 0 else f"y{index + 1}")
        assert trace.visible == (trace.legendgroup == "family upgrad/kl_heldout")
        assert len(trace.x) == len(trace.hovertext)
    assert "&lt;b&gt;" in " ".join(trace.name for trace in figure.data)
    assert all("<b>loss" not in text for trace in figure.data for text in trace.hovertext)


def test_only_what_is_positive_everywhere_is_logarithmic() -> None:
    rows = [("a", 0, 10, "ok", 0.1), ("a", 0, 20, "ok", 0.2)]
    table = points(rows).assign(norm_retain=[0.1, 2.0], norm_forget=[0.0, 1.0])
    layout = plot_diagnostics(table).layout
    kinds = [layout[f"yaxis{n}"].type for n in ("", "2", "3")]
    assert kinds == [None, "log", None]  # cosine, norm_retain, norm_forget


def test_dark_differs_in_colours_only(run: Run) -> None:
    info = diagnostics_info(run.points)
    light, dark = draw_diagnostics(info), draw_diagnostics(info, theme=DARK)
    assert [t.hovertext for t in light.data] == [t.hovertext for t in dark.data]
    assert [t.line.color for t in light.data] != [t.line.color for t in dark.data]
    assert light.layout.shapes == dark.layout.shapes
