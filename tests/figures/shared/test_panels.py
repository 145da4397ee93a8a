from __future__ import annotations

import pytest

from pareto_explorer.figures.shared.panels import Panel, axis_names, panel_layout
from pareto_explorer.figures.shared.style import LIGHT


def layout(count: int, columns: int, **options: object):
    panels = [Panel(f"<b>{i}</b>", "note" if i else "", **options) for i in range(count)]
    return panel_layout(panels, LIGHT, columns=columns, x_title="step", row=300)


def test_axes_are_named_as_plotly_names_them() -> None:
    assert axis_names(0) == {"xaxis": "x", "yaxis": "y"}
    assert axis_names(2) == {"xaxis": "x3", "yaxis": "y3"}


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (1, 3), (5, 3), (6, 3), (4, 1)])
def test_panels_lie_in_the_figure_and_do_not_overlap(count: int, columns: int) -> None:
    found = layout(count, columns)
    narrow = found["meta"]["narrow"]
    for domains in (
        [(found[f"xaxis{n}"]["domain"], found[f"yaxis{n}"]["domain"]) for n in numbers(count)],
        [(narrow[f"xaxis{n}.domain"], narrow[f"yaxis{n}.domain"]) for n in numbers(count)],
    ):
        for i, (x, y) in enumerate(domains):
            assert 0 <= x[0] < x[1] <= 1
            assert 0 <= y[0] < y[1] <= 1
            for other_x, other_y in domains[:i]:
                apart_x = x[0] > other_x[1] or other_x[0] > x[1]
                apart_y = y[0] > other_y[1] or other_y[0] > y[1]
                assert apart_x or apart_y


def test_narrow_is_one_column_from_top_to_bottom_with_the_title_last() -> None:
    narrow = layout(5, 3)["meta"]["narrow"]
    assert all(narrow[f"xaxis{n}.domain"] == [0, 1] for n in numbers(5))
    tops = [narrow[f"yaxis{n}.domain"][1] for n in numbers(5)]
    assert tops == sorted(tops, reverse=True)
    assert tops == [narrow[f"annotations[{i}].y"] for i in range(5)]
    titles = [narrow[f"xaxis{n}.title.text"] for n in numbers(5)]
    assert titles == ["", "", "", "", "step"]


def test_the_height_grows_with_the_rows() -> None:
    found = layout(5, 3)
    assert found["meta"]["narrow_height"] - found["height"] == 3 * 300


def test_only_the_lowest_panel_of_a_column_has_a_title_below() -> None:
    found = layout(5, 3)
    titles = [found[f"xaxis{n}"]["title"]["text"] for n in numbers(5)]
    assert titles == ["", "", "step", "step", "step"]


def test_titles_are_escaped_and_stand_above_their_panels() -> None:
    found = layout(2, 2)
    first, second = found["annotations"]
    assert first["text"] == "&lt;b&gt;0&lt;/b&gt;"
    assert "note" in second["text"]
    assert (second["x"], second["y"]) == (found["xaxis2"]["domain"][0], 1)


@pytest.mark.parametrize(
    ("ends", "labels"), [((0.5, 3.0), {"0.5", "1", "2"}), ((1e-3, 50.0), {"0.001", "1", "10"})]
)
def test_logarithmic_axes_have_round_ticks(ends: tuple[float, float], labels: set[str]) -> None:
    axis = layout(1, 1, log=ends)["yaxis"]
    assert axis["type"] == "log"
    assert labels <= set(axis["ticktext"])
    assert [float(text) for text in axis["ticktext"]] == pytest.approx(axis["tickvals"])
    assert ("2" in axis["ticktext"]) == (ends == (0.5, 3.0))


def numbers(count: int) -> list[str]:
    return ["", *(str(i + 1) for i in range(1, count))]
