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


def oklab(rgb: np.ndarray) -> np.ndarray:
    to_cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return to_lab @ np.cbrt(to_cones @ np.clip(rgb, 0, 1))


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
    seen = [oklab(SIGHT[sight] @ linear(pair[theme is DARK])) for pair in PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.075


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


def test_of_several_runs_a_family_has_one_hue_and_each_run_one_mark() -> None:
    own = families(3, 4)
    both = [own.assign(run=run, family=f"{run}: " + own["family"]) for run in ("new", "old")]
    styles = family_styles(pd.concat(both, ignore_index=True))
    for name in own["family"]:
        new, old = styles[f"new: {name}"], styles[f"old: {name}"]
        assert (new.light, new.dark) == (old.light, old.dark)
        assert new.symbol != old.symbol
        assert new.dash != old.dash
    assert len({style.light for style in styles.values()}) == len(own)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_scale_of_numbers_goes_one_way_in_lightness(sight: str, theme: Theme) -> None:
    stops = SEQUENTIAL[theme.name]
    lightness = [oklab(SIGHT[sight] @ linear(stop))[0] for stop in stops]
    steps = np.diff(lightness) * (1 if theme is DARK else -1)
    assert steps.min() > 0.01
    assert min(contrast(stop, theme.paper) for stop in stops) >= 2.5
