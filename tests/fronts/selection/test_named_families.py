from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.selection.named_families import named_families

FAMILIES = [
    "upgrad/kl_uniform",
    "upgrad/kl_heldout",
    "upgrad_torchjd/npo",
    "cup",
    "cup/npo",
    "a[b]*",
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["cup"], ["cup"]),
        (["cup*"], ["cup", "cup/npo"]),
        (["upgrad/"], FAMILIES[:2]),
        (["up"], FAMILIES[:3]),
        (["*/npo"], ["upgrad_torchjd/npo", "cup/npo"]),
        (["upgrad/kl_[uh]*", "cup"], [*FAMILIES[:2], "cup"]),
        (["cup/npo", "cup*"], ["cup/npo", "cup"]),
        (["a[b]*"], ["a[b]*"]),
        ([], []),
        ("up", FAMILIES[:3]),
    ],
)
def test_a_name_a_prefix_or_a_pattern(wanted, found):
    assert named_families(wanted, FAMILIES) == found


@pytest.mark.parametrize("wanted", ["", "Cup", "npo", "*[", "cup/npo ", 1])
def test_what_fits_nothing_is_refused_with_the_names(wanted):
    with pytest.raises(
        InputError, match=r"`families`: .* is not known.*Choose from a\[b\]\*, cup, "
    ):
        named_families([wanted], FAMILIES)


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.data())
def test_every_family_is_found_by_its_own_name(families, data):
    one = data.draw(st.sampled_from(families))
    assert named_families([one], families) == [one]
    prefix = one[: data.draw(st.integers(1, len(one)))]
    if prefix not in families and not {*prefix} & {*"*?["}:
        expected = [name for name in families if name.startswith(prefix)]
        assert named_families([prefix], families) == expected
