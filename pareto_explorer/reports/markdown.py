"""The report as Markdown, for a terminal, a chat or a pull request."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pareto_explorer.reports.shared.material import Card, failed
from pareto_explorer.schema.metrics import number

__all__ = ["render_markdown"]

_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*[]<>#|"} | {"&": "&amp;", "\n": " ", "\r": " "})


def render_markdown(name: str, cards: Sequence[Card]) -> str:
    """One section per card: what it says, then its data as a table.

    A card with a figure has no table here, unless its context holds one under ``summary``.

    Text from the run is escaped, so that it can neither break a table nor become markup.
    """
    sections = [f"# {_text(name)}"]
    for card in cards:
        if card.absent:
            continue
        try:
            sections.append(_section(card))
        except Exception as error:
            sections.append(_section(failed(card.key, card.title, error)))
    return "\n\n".join(sections) + "\n"


def _section(card: Card) -> str:
    lines = [f"## {card.title}", "", _text(card.reason or card.sentence)]
    lines += [_text(sentence) for sentence in card.context.get("sentences", ())]
    table = card.context.get("summary", None if card.draw else card.data)
    if table is not None and not table.empty:
        lines += ["", _table(table)]
    return "\n".join(lines)


def _table(data: pd.DataFrame) -> str:
    rows = [data.columns, *data.to_numpy(object)]
    lines = ["| " + " | ".join(_text(number(cell)) for cell in row) + " |" for row in rows]
    rule = "|" + "|".join(
        " ---: " if pd.api.types.is_numeric_dtype(kind) else " --- " for kind in data.dtypes
    )
    return "\n".join([lines[0], rule + "|", *lines[1:]])


def _text(text: object) -> str:
    return str(text).translate(_SPECIAL)
