from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.reports import Card
from pareto_explorer.reports.markdown import render_markdown


def test_cards_become_sections_and_tables() -> None:
    data = pd.DataFrame({"family": ["a"], "hypervolume": [0.123456]})
    text = render_markdown("run", [Card("k", "Title", "A sentence.", data=data)])
    assert text.splitlines() == [
        "# run",
        "",
        "## Title",
        "",
        "A sentence.",
        "",
        "| family | hypervolume |",
        "| --- | ---: |",
        "| a | 0.1235 |",
    ]


def test_a_card_that_does_not_apply_gives_its_reason() -> None:
    text = render_markdown("run", [Card("k", "Title", reason="Nothing failed.")])
    assert text.endswith("## Title\n\nNothing failed.\n")


def test_text_cannot_break_out_of_its_cell() -> None:
    data = pd.DataFrame({"error": ["a|b\nc <img src=x> [x](y) `z`"]})
    row = render_markdown("r", [Card("k", "T", data=data)]).splitlines()[-1]
    assert row == r"| a\|b c \<img src=x\> \[x\](y) \`z\` |"


def test_a_card_with_a_figure_shows_its_summary_instead_of_its_data() -> None:
    data, summary = pd.DataFrame({"long": [1]}), pd.DataFrame({"short": [2]})
    drawn = Card("k", "T", data=data, draw=lambda _: go.Figure())
    assert "long" not in render_markdown("r", [drawn])
    told = render_markdown("r", [Card("k", "T", data=data, context={"summary": summary})])
    assert "short" in told
    assert "long" not in told
