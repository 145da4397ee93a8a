from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.spaces import Domain, compare_configurations, parse_knob


@pytest.mark.parametrize(
    ("value", "inside"),
    [
        ({"uniform": [0.2, 0.8]}, lambda v: 0.2 <= v <= 0.8),
        ({"loguniform": [0.001, 0.1]}, lambda v: 0.001 <= v <= 0.1),
        ({"quniform": [0, 1, 0.25]}, lambda v: v in (0, 0.25, 0.5, 0.75, 1)),
        ({"randint": [1, 4]}, lambda v: v in (1, 2, 3) and isinstance(v, int)),
        ({"lograndint": [1, 100]}, lambda v: 1 <= v < 100 and isinstance(v, int)),
        ({"normal": [5, 0.1]}, lambda v: 4 < v < 6),
        ({"choice": ["sgd", "adamw"]}, lambda v: v in ("sgd", "adamw")),
    ],
)
def test_draws_stay_inside_their_domain(value, inside):
    domain = parse_knob("lr", value)
    assert all(inside(domain.draw(0, index, "lr")) for index in range(50))


@given(seed=st.integers(0, 2**31), index=st.integers(0, 10**4), name=st.text(max_size=8))
def test_the_same_key_gives_the_same_draw(seed, index, name):
    domain = Domain("uniform", (0.0, 1.0))
    assert domain.draw(seed, index, name) == domain.draw(seed, index, name)


def test_another_seed_index_or_name_gives_another_draw():
    domain = Domain("uniform", (0.0, 1.0))
    draws = {domain.draw(0, 0, "lr"), domain.draw(1, 0, "lr"), domain.draw(0, 1, "lr")}
    assert len(draws | {domain.draw(0, 0, "weight")}) == 4


def test_families_share_the_random_numbers_of_shared_knobs():
    narrow = {"lr": Domain("uniform", (0.0, 1.0))}
    wide = {"weight": Domain("uniform", (0.0, 1.0)), "lr": Domain("uniform", (0.0, 10.0))}
    first = compare_configurations("a", narrow, 5, seed=3)
    second = compare_configurations("b", wide, 5, seed=3)
    assert [c["lr"] * 10 for c in first] == pytest.approx([c["lr"] for c in second])


def test_a_longer_sweep_begins_with_the_shorter_one():
    knobs = {"lr": Domain("loguniform", (0.001, 0.1)), "momentum": 0.9}
    short = compare_configurations("a", knobs, 3, seed=0)
    assert compare_configurations("a", knobs, 7, seed=0)[:3] == short
    assert all(c["momentum"] == 0.9 for c in short)


def test_grids_are_crossed_in_order():
    knobs = {
        "intensity": Domain("grid_search", (0.1, 0.2, 0.3)),
        "lr": Domain("grid_search", (1, 2)),
    }
    cells = compare_configurations("cup", knobs, 6, seed=0)
    assert [(c["intensity"], c["lr"]) for c in cells] == [
        (i, lr) for i in (0.1, 0.2, 0.3) for lr in (1, 2)
    ]


def test_every_cell_of_a_grid_gets_the_same_number_of_draws():
    knobs = {"intensity": Domain("grid_search", (0.1, 0.2)), "lr": Domain("uniform", (0, 1))}
    cells = compare_configurations("cup", knobs, 6, seed=0)
    assert sorted(c["intensity"] for c in cells) == [0.1] * 3 + [0.2] * 3
    assert len({c["lr"] for c in cells}) == 6


def test_a_family_without_sampled_knobs_has_one_configuration():
    assert compare_configurations("none", {}, 8, seed=0) == [{}]
    assert compare_configurations("fixed", {"lr": 0.1}, 8, seed=0) == [{"lr": 0.1}]


@pytest.mark.parametrize("draws_too", [False, True])
def test_a_grid_that_does_not_fit_is_refused(draws_too):
    knobs = {"intensity": Domain("grid_search", (0.1, 0.2, 0.3))}
    if draws_too:
        knobs["lr"] = Domain("uniform", (0, 1))
    with pytest.raises(InputError, match=r"cup: its grid has 3 cells .* is 4"):
        compare_configurations("cup", knobs, 4, seed=0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"loguniform": [0, 1]}, r"lr\.loguniform: low must be positive"),
        ({"uniform": [1, 0]}, r"lr\.uniform: low must be below high"),
        ({"uniform": [0]}, r"lr\.uniform: expected \[low, high\], found \[0\]"),
        ({"uniform": ["a", 1]}, r"lr\.uniform: expected finite numbers"),
        ({"uniform": [0, float("nan")]}, r"lr\.uniform: expected finite numbers"),
        ({"uniform": 3}, r"lr\.uniform: expected a list"),
        ({"unifrom": [0, 1]}, r"lr: 'unifrom' is not known; did you mean 'uniform'"),
        ({"uniform": [0, 1], "choice": [1]}, r"lr: expected one domain"),
        ({"normal": [0, 0]}, r"lr\.normal: sd must be positive"),
        ({"randint": [0.5, 2]}, r"lr\.randint: expected whole numbers"),
        ({"quniform": [0, 1, 2]}, r"lr\.quniform: the step"),
        ({"choice": []}, r"lr\.choice: expected a list"),
        ([0.1, 0.2], r"lr: a list is not a knob; write \{choice"),
    ],
)
def test_bad_domains_are_told_in_one_sentence(value, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_knob("lr", value)
    assert "\n" not in str(caught.value)
