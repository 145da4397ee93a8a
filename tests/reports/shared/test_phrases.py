from __future__ import annotations

import math

import pytest

from pareto_explorer.reports.shared.phrases import leaders_note, measured, p_value, percent, signed


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.02, "+0.020"), (-0.02, "\N{MINUS SIGN}0.020"), (0.0, "0.000"), (-0.0004, "0.000")],
)
def test_a_difference_has_a_sign_unless_it_reads_as_nothing(value: float, text: str) -> None:
    assert signed(value) == text


def test_what_is_no_number_has_words() -> None:
    assert measured(0.1234) == "0.123"
    assert measured(math.inf) == "infinite"
    assert measured(math.nan) == "not measured"


def test_small_p_values_are_not_zero() -> None:
    assert [p_value(p) for p in (None, 0.0001, 0.03125)] == ["", "<0.001", "0.031"]


def test_a_share_is_at_least_what_its_percents_say() -> None:
    found = [percent(value) for value in (0.29, 0.9499, 0.95, 0.9996, 1.0, 0.0)]
    assert found == ["29 %", "94 %", "95 %", "99 %", "100 %", "0 %"]


def test_only_a_crowd_has_a_note() -> None:
    assert leaders_note(["a"], ["a"]) == ""
    assert "only the 2 families" in leaders_note(["a", "b"], ["a", "b", "c"])
