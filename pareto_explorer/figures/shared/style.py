"""Colours, symbols and layout that all figures share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from pareto_explorer.schema.columns import MEMBER

__all__ = [
    "DARK",
    "LIGHT",
    "FamilyStyle",
    "Theme",
    "base_layout",
    "fade",
    "family_styles",
    "symbol_3d",
]

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
)

# Pairs (on white, on near-black) of one hue. Any two differ by 19 or more in CIEDE2000, to normal
# sight, under protanopia and under deuteranopia, and each has a contrast of at least 3 against its
# background.
PALETTE = (
    ("#227285", "#32a1a3"),  # teal
    ("#df7605", "#ffdb00"),  # ochre
    ("#0000c7", "#5e5ff6"),  # indigo
    ("#af5757", "#f76e65"),  # red
    ("#4890f2", "#90eaff"),  # sky
    ("#6b2600", "#a34e03"),  # brown
    ("#622740", "#a74466"),  # wine
    ("#38a292", "#7cf1ca"),  # mint
)
# From little to much, in steps of lightness that every eye sees, without the end that would vanish
# on the paper (the stops of Plasma, by van der Walt and Smith, 2015).
SEQUENTIAL = {
    "light": ("#ed7953", "#d8576b", "#bd3786", "#9c179e", "#7201a8", "#46039f", "#0d0887"),
    "dark": ("#9c179e", "#bd3786", "#d8576b", "#ed7953", "#fb9f3a", "#fdca26", "#f0f921"),
}
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "cross",
    "pentagon",
    "hexagon",
    "triangle-left",
    "triangle-right",
    "bowtie",
    "hourglass",
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS_3D = {"square", "diamond", "cross"}  # all others that Plotly has in 3-D look alike


@dataclass(frozen=True)
class Theme:
    """Neutral colours of one appearance; family colours come from ``FamilyStyle``."""

    name: str
    paper: str
    text: str
    muted: str
    grid: str
    hover: str


LIGHT = Theme("light", "#ffffff", "#1c2128", "#5c6670", "#e7eaed", "#ffffff")
DARK = Theme("dark", "#14171c", "#e4e7eb", "#98a2ad", "#2a3038", "#1d2229")


@dataclass(frozen=True)
class FamilyStyle:
    """How one family looks in every figure: hue, marker symbol and line dash."""

    light: str
    dark: str
    symbol: str
    dash: str

    def colour(self, theme: Theme) -> str:
        """The hex colour under ``theme``."""
        return self.dark if theme.name == "dark" else self.light


def family_styles(points: pd.DataFrame) -> dict[str, FamilyStyle]:
    """Gives every family of a points table its look.

    Up to eight families each have a hue of their own; with more, the hue says method and
    aggregator, as far as there are hues. The symbol says the forget loss, unless another family of
    that hue has it. Of several runs together, the symbol says the run, and a family has the same
    hue and dash in all of them. Names are sorted first, so the look depends on the set of families
    alone.

    Up to 48 families (in each of up to twelve runs), no two of one hue share a dash, nor, in one
    run, a symbol. So any two that share symbol and dash have different hues of the palette, which
    eyes with protanopia or deuteranopia tell apart as well.

    Args:
        points: Table with the columns ``family, method, aggregator, forget_loss``, and ``run``
            where several runs are together.

    Returns:
        Style by family name, in sorted order.
    """
    columns = ["method", "aggregator", "forget_loss"]
    table = points.groupby("family", sort=True)[columns].first().fillna("").astype(str)
    runs = points.groupby("family")["run"].first() if "run" in points else pd.Series(dtype=str)
    own = {str(name): _own_name(str(name), runs.get(name)) for name in table.index}
    alike = _looks(table.assign(own=list(own.values())).drop_duplicates("own").sort_values("own"))
    markers = {run: SYMBOLS[i % len(SYMBOLS)] for i, run in enumerate(sorted(runs.unique()))}
    return {
        name: replace(alike[family], symbol=markers[runs[name]]) if markers else alike[family]
        for name, family in own.items()
    }


def _own_name(family: str, run: str | None) -> str:
    """The name of a family in its own run."""
    return family if run is None else family.removeprefix(f"{run}{MEMBER}")


def _looks(table: pd.DataFrame) -> dict[str, FamilyStyle]:
    """The looks of the families of one run, by their ``own`` name."""
    losses = {name: i for i, name in enumerate(sorted(set(table["forget_loss"])))}
    few = len(table) <= len(PALETTE)
    groups: dict[object, int] = {}
    of_hue: Counter[int] = Counter()
    taken: set[tuple[int, str]] = set()
    styles: dict[str, FamilyStyle] = {}
    for row in table.itertuples():
        group = groups.setdefault(row.own if few else (row.method, row.aggregator), len(groups))
        hue = group % len(PALETTE)
        if of_hue[hue] >= len(DASHES):
            hue = min(range(len(PALETTE)), key=lambda other: of_hue[other])
        first = losses[row.forget_loss]
        turned = [SYMBOLS[(first + i) % len(SYMBOLS)] for i in range(len(SYMBOLS))]
        symbol = next((mark for mark in turned if (hue, mark) not in taken), turned[0])
        taken.add((hue, symbol))
        light, dark = PALETTE[hue]
        styles[str(row.own)] = FamilyStyle(light, dark, symbol, DASHES[of_hue[hue] % len(DASHES)])
        of_hue[hue] += 1
    return styles


def symbol_3d(symbol: str) -> str:
    """The marker that stands for ``symbol`` in a three-dimensional figure."""
    closed = symbol.removesuffix("-open")
    return symbol if closed in _SYMBOLS_3D else "circle"


def fade(colour: str, alpha: float) -> str:
    """``#rrggbb`` as a CSS colour with the opacity ``alpha``."""
    red, green, blue = _rgb(colour)
    return f"rgba({red},{green},{blue},{alpha:.3g})"


def base_layout(theme: Theme) -> dict[str, Any]:
    """Layout that all figures start from: no frame, thin grid, system fonts."""
    axis: Mapping[str, Any] = {
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "tickcolor": theme.muted,
        "tickfont": {"color": theme.muted},
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
    }
    return {
        "font": {"family": FONT, "size": 13, "color": theme.text},
        "paper_bgcolor": theme.paper,
        "plot_bgcolor": theme.paper,
        "hoverlabel": {
            "bgcolor": theme.hover,
            "bordercolor": theme.muted,
            "font": {"family": FONT, "size": 12, "color": theme.text},
            "align": "left",
            "namelength": -1,
        },
        "legend": {"font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)"},
        "margin": {"l": 64, "r": 16, "t": 32, "b": 56},
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": theme.muted,
            "activecolor": theme.text,
        },
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
