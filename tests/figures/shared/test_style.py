from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.figures.shared.style import (
    DARK,
    LIGHT,
    PALETTE,
    SEQUENTIAL,
    Theme,
    fade,
    family_styles,
)

# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


TO_XYZ = np.array(  # of sRGB, with the white of D65
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = TO_XYZ.sum(axis=1)
APART = 19
"""The least CIEDE2000 difference of two hues; 2.3 is just noticeable, side by side."""


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB."""
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """CIEDE2000, as Sharma, Wu and Dalal (2005) write it."""
    chroma = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(chroma**7 / (chroma**7 + 25**7)))
    (l1, a1, b1), (l2, a2, b2) = ((v[0], v[1] * stretch, v[2]) for v in (one, other))
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    light, vivid, middle = (l1 + l2) / 2, (c1 + c2) / 2, (h1 + turn / 2) % 360
    if not c1 * c2:
        middle = h1 + h2
    tilt = 1 - 0.17 * cos(middle - 30) + 0.24 * cos(2 * middle)
    tilt += 0.32 * cos(3 * middle + 6) - 0.2 * cos(4 * middle - 63)
    s_light = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_vivid, s_hue = 1 + 0.045 * vivid, 1 + 0.015 * vivid * tilt
    turned = np.sin(np.radians(60 * np.exp(-(((middle - 275) / 25) ** 2))))
    turned *= -2 * np.sqrt(vivid**7 / (vivid**7 + 25**7))
    x, y, z = (l2 - l1) / s_light, (c2 - c1) / s_vivid, hue / s_hue
    return float(np.sqrt(x**2 + y**2 + z**2 + turned * y * z))


def cos(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


@pytest.mark.parametrize(  # from the table of Sharma, Wu and Dalal (2005)
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_difference_of_colours_is_that_of_the_published_table(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    assert difference(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


def contrast(a: str, b: str) -> float:
    dark, light = sorted((LUMINANCE @ linear(a), LUMINANCE @ linear(b)))
    return (light + 0.05) / (dark + 0.05)


def families(aggregators: int, losses: int) -> pd.DataFrame:
    pairs = product(range(aggregators), range(losses))
    rows = [(f"a{a}/l{loss}", "jacobian_descent", f"a{a}", f"l{loss}") for a, loss in pairs]
    return pd.DataFrame(rows, columns=["family", "method", "aggregator", "forget_loss"])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_hues_stay_apart_for_colour_blind_eyes(sight: str, theme: Theme) -> None:
    seen = [lab(SIGHT[sight] @ linear(pair[theme is DARK])) for pair in PALETTE]
    assert min(difference(a, b) for a, b in combinations(seen, 2)) >= APART


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize(("aggregators", "losses"), [(8, 1), (24, 1), (6, 4), (1, 24), (12, 4)])
def test_families_that_share_marker_and_dash_are_told_apart_by_their_hue(
    theme: Theme, runs: int, aggregators: int, losses: int
) -> None:
    table = families(aggregators, losses)
    if runs > 1:
        table = together(table, [f"run {i}" for i in range(runs)])
    alike: dict[tuple[str, str], list[str]] = {}
    for style in family_styles(table).values():
        alike.setdefault((style.symbol, style.dash), []).append(style.colour(theme))
    for colours in alike.values():
        assert len(set(colours)) == len(colours)
        for matrix in SIGHT.values():
            seen = [lab(matrix @ linear(colour)) for colour in colours]
            assert all(difference(a, b) >= APART for a, b in combinations(seen, 2))


def together(table: pd.DataFrame, runs: list[str]) -> pd.DataFrame:
    """The families of a table in several runs, under the names that they have together."""
    parts = [table.assign(run=run, family=f"{run}: " + table["family"]) for run in runs]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_colours_contrast_with_the_paper(theme: Theme) -> None:
    styles = family_styles(families(9, 5)).values()
    assert min(contrast(style.colour(theme), theme.paper) for style in styles) >= 3
    assert contrast(theme.muted, theme.paper) >= 4.5
    assert contrast(theme.text, theme.hover) >= 7


@pytest.mark.parametrize(("aggregators", "losses"), [(6, 2), (12, 1), (9, 5), (45, 1), (5, 9)])
def test_families_look_different_from_each_other(aggregators: int, losses: int) -> None:
    table = families(aggregators, losses)
    styles = family_styles(table)
    assert list(styles) == sorted(table["family"])
    assert len({(s.light, s.symbol, s.dash) for s in styles.values()}) == len(table)


def test_families_of_equal_parts_look_different_too() -> None:
    parts = families(4, 1)
    table = pd.concat([parts, parts.assign(family=parts["family"] + "/path")])
    third = parts.assign(family=parts["family"] + "/short")
    styles = family_styles(pd.concat([table, third]))
    assert len({(s.light, s.symbol, s.dash) for s in styles.values()}) == 12
    assert len({style.light for style in styles.values()}) == 4


def test_few_families_have_a_hue_each() -> None:
    styles = family_styles(families(4, 2)).values()
    assert len({style.light for style in styles}) == len({style.dark for style in styles}) == 8


def test_symbol_says_the_forget_loss_and_hue_the_aggregator_when_families_are_many() -> None:
    table = families(4, 3)
    styles = family_styles(table)
    by_loss = {loss: {styles[f].symbol for f in rows} for loss, rows in group(table, "forget_loss")}
    assert all(len(symbols) == 1 for symbols in by_loss.values())
    assert len(set.union(*by_loss.values())) == 3


def group(table: pd.DataFrame, column: str) -> list[tuple[str, list[str]]]:
    return [(str(key), list(part["family"])) for key, part in table.groupby(column)]


def test_look_does_not_depend_on_row_order_or_missing_parts() -> None:
    table = families(5, 3)
    table.loc[len(table)] = ["fine_tune", "fine_tune", None, None]
    shuffled = table.sample(frac=1, random_state=3)
    assert family_styles(table) == family_styles(shuffled)


def test_fade_keeps_the_colour() -> None:
    assert fade("#0a10ff", 0.25) == "rgba(10,16,255,0.25)"


def test_runs_together_share_hues_and_have_symbols_of_their_own() -> None:
    table = families(3, 2)
    styles = family_styles(together(table, ["a", "b"]))
    alone = family_styles(table)
    for family in table["family"]:
        one, other = styles[f"a: {family}"], styles[f"b: {family}"]
        assert one.light == other.light == alone[family].light
        assert one.symbol != other.symbol
    assert len({style.symbol for style in styles.values()}) == 2


def test_a_family_of_one_run_alone_keeps_the_others_apart() -> None:
    table = together(families(2, 1), ["a", "b"]).iloc[:3]
    styles = family_styles(table)
    assert styles["a: a0/l0"].light == styles["b: a0/l0"].light != styles["a: a1/l0"].light


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_scale_of_numbers_goes_one_way_in_lightness(sight: str, theme: Theme) -> None:
    stops = SEQUENTIAL[theme.name]
    lightness = [lab(SIGHT[sight] @ linear(stop))[0] for stop in stops]
    steps = np.diff(lightness) * (1 if theme is DARK else -1)
    assert steps.min() > 1
    assert min(contrast(stop, theme.paper) for stop in stops) >= 2.5
