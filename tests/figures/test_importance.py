from __future__ import annotations

import pandas as pd

from pareto_explorer.figures.importance import draw_importance, importance_info
from pareto_explorer.figures.shared.style import DARK
from pareto_explorer.fronts.statistics.importance import ImportanceResult


def result(knobs: int = 3) -> ImportanceResult:
    table = pd.DataFrame(
        [
            {"target": target, "knob": f"<k{k}>", "importance": k / 10 * sign, "std": 0.01}
            for target, sign in (("forget_gap", 1), ("retain_gap", -1))
            for k in range(knobs)
        ]
    )
    return ImportanceResult(table, {"forget_gap": 0.756, "retain_gap": 0.2, "lost": 0.01}, "", "")


def test_knobs_are_ranked_over_all_targets_and_capped() -> None:
    info = importance_info(result(14))
    assert info.knobs == tuple(f"<k{k}>" for k in range(13, 3, -1))
    assert info.n_knobs == 14
    assert info.targets == {"forget_gap": 0.756, "retain_gap": 0.2}
    assert len(info.table) == 20


def test_every_target_has_its_panel_with_all_bars() -> None:
    figure = draw_importance(importance_info(result()))
    assert [trace.meta["target"] for trace in figure.data] == ["forget_gap", "retain_gap"]
    assert list(figure.data[0].y) == ["&lt;k2&gt;", "&lt;k1&gt;", "&lt;k0&gt;"]
    assert list(figure.data[0].x) == [0.2, 0.1, 0.0]
    assert list(figure.data[1].x) == [-0.2, -0.1, 0.0]
    assert list(figure.data[0].error_x.array) == [0.01] * 3
    assert figure.layout.yaxis.categoryarray[-1] == "&lt;k2&gt;"
    assert "76 % of its variance" in figure.layout.annotations[0].text


def test_a_knob_that_a_target_lacks_has_no_bar() -> None:
    found = result()
    table = found.table.drop(index=5)
    figure = draw_importance(importance_info(ImportanceResult(table, found.r2, "", "")))
    assert pd.isna(figure.data[1].x[0])


def test_names_return_when_panels_are_in_one_column() -> None:
    layout = draw_importance(importance_info(result())).layout
    assert layout.yaxis2.showticklabels is False
    assert layout.meta["narrow"]["yaxis2.showticklabels"] is True


def test_dark_differs_in_colours_only() -> None:
    info = importance_info(result())
    light, dark = draw_importance(info), draw_importance(info, theme=DARK)
    assert light.data[0].marker.color != dark.data[0].marker.color
    assert light.data[0].hovertemplate == dark.data[0].hovertemplate
