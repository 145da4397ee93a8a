import math
from statistics import NormalDist

import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.domains import KnobDomain, read_domains


def places(kind, arguments, values):
    return KnobDomain(kind, tuple(arguments)).positions(np.array(values, float)).tolist()


def test_a_number_has_a_place_on_the_domains_own_scale():
    assert places("uniform", [1, 3], [1, 1.5, 3]) == [[0, 0], [0.25, 0.25], [1, 1]]
    logs = places("loguniform", [0.001, 0.1], [0.001, 0.01, 0.1])
    assert [low for low, _ in logs] == pytest.approx([0, 0.5, 1])
    normal = places("normal", [2, 3], [2, 5])
    assert [low for low, _ in normal] == pytest.approx([0.5, NormalDist().cdf(1)])
    assert places("uniform", [0, 1], [-1, 2]) == [[0, 0], [1, 1]]  # of an earlier, wider range


def test_a_whole_number_stands_for_all_that_is_rounded_to_it():
    assert places("randint", [1, 5], [1, 4]) == [[0, 0.25], [0.75, 1]]
    assert places("quniform", [0, 1, 0.25], [0, 0.5]) == [
        pytest.approx([0, 0.2]),
        pytest.approx([0.4, 0.6]),
    ]
    low, high = places("lograndint", [1, 9], [2])[0]
    assert (low, high) == pytest.approx((math.log(2) / math.log(9), math.log(3) / math.log(9)))


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("loguniform", (0.003, 0.3), "[0.003, 0.3]"),
        ("quniform", (0, 1, 0.1), "[0, 1]"),
        ("normal", (0, 2), "normal(0, 2)"),
        ("choice", ("a", 2), "{a, 2}"),
    ],
)
def test_words(kind, arguments, words):
    assert str(KnobDomain(kind, arguments)) == words


def test_what_a_manifest_holds_is_read_once():
    found = read_domains({"f": {"lr": {"uniform": [0, 1]}, "c": {"choice": ["a"]}}, "none": {}})
    assert found == {
        "f": {"lr": KnobDomain("uniform", (0, 1)), "c": KnobDomain("choice", ("a",))},
        "none": {},
    }
    assert found["f"]["lr"].bounded
    assert not found["f"]["c"].bounded


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        {"f": 3},
        {"f": {"lr": 0.1}},
        {"f": {"lr": {"uniform": [0, 1], "normal": [0, 1]}}},
        {"f": {"lr": {"uniform": 1}}},
        {"f": {"lr": {"uniform": [0]}}},
        {"f": {"lr": {"uniform": [0, "1"]}}},
        {"f": {"lr": {"uniform": [0, math.nan]}}},
        {"f": {"lr": {"uniform": [1, 1]}}},
        {"f": {"lr": {"loguniform": [0, 1]}}},
        {"f": {"lr": {"quniform": [0, 1, 0]}}},
        {"f": {"lr": {"normal": [0, 0]}}},
        {"f": {"lr": {"choice": []}}},
        {"f": {"lr": {"qnormal": [0, 1, 1]}}},
    ],
)
def test_a_damaged_manifest_is_named(damaged):
    with pytest.raises(InputError, match=r"^domains.*restore the file"):
        read_domains(damaged)
