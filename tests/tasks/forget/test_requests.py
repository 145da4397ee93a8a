from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    Authors,
    Confused,
    ForgetRequest,
    GaussianPoison,
    Indices,
    Mislabelled,
    Mixture,
    RandomSubset,
    Subclass,
    WholeClass,
    parse_forget,
)


@pytest.mark.parametrize(
    ("value", "request_"),
    [
        ({"kind": "mislabelled"}, Mislabelled(fraction=0.1)),
        ({"kind": "random", "fraction": 0.5}, RandomSubset(fraction=0.5)),
        ({"kind": "gaussian_poison"}, GaussianPoison(fraction=0.1, noise=0.25)),
        ({"kind": "gaussian_poison", "noise": 2.0}, GaussianPoison(noise=2.0)),
        ({"kind": "confused", "classes": [3, 5], "count": 8}, Confused(classes=(3, 5), count=8)),
        ({"kind": "authors"}, Authors(count=10)),
        ({"kind": "authors", "count": 3}, Authors(count=3)),
        ({"kind": "class", "label": 3}, WholeClass(label=3)),
        ({"kind": "class", "label": 3, "adjacent": 9}, WholeClass(label=3, adjacent=9)),
        ({"kind": "subclass", "label": 3}, Subclass(label=3, parts=2, part=0)),
        ({"kind": "subclass", "subclass": "trout"}, Subclass(subclass="trout")),
        ({"kind": "subclass", "subclass": 91}, Subclass(subclass=91)),
        ({"kind": "mixture", "label": 0}, Mixture(label=0, hard_probability=0.5)),
        (
            {"kind": "mixture", "label": 0, "hard_probability": 1},
            Mixture(label=0, hard_probability=1),
        ),
        ({"kind": "indices", "indices": [1, 2]}, Indices(indices=(1, 2))),
        (
            {"kind": "indices", "indices": "f.csv", "column": "id", "counted_in": "published"},
            Indices(indices=Path("f.csv"), column="id", counted_in="published"),
        ),
        ({"kind": "indices", "indices": "f.txt"}, Indices(indices=Path("f.txt"))),
        (WholeClass(label=3), WholeClass(label=3)),
    ],
)
def test_requests_are_read_from_their_yaml_form(value: Any, request_: ForgetRequest) -> None:
    assert parse_forget(value) == request_
    adapter: TypeAdapter[ForgetRequest] = TypeAdapter(ForgetRequest)
    assert adapter.validate_python(value) == request_


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("class", r"task\.forget: 'class' is not a mapping"),
        ({}, r"task\.forget\.kind: None is not known"),
        ({"kind": ["class"]}, r"task\.forget\.kind: \['class'\] is not known"),
        ({"kind": "mislabeled"}, "kind: 'mislabeled' is not known; did you mean 'mislabelled'?"),
        ({"kind": "random", "fraction": 0}, r"fraction: 0 should be greater than 0\."),
        ({"kind": "random", "fraction": 1.0}, r"fraction: 1\.0 should be less than 1\."),
        ({"kind": "random", "fraction": float("nan")}, r"fraction: nan should be"),
        ({"kind": "random", "fraction": "0.1"}, r"fraction: '0\.1' should be a valid number\."),
        ({"kind": "random", "fracton": 0.1}, "field: 'fracton' .* did you mean 'fraction'?"),
        ({"kind": "class"}, r"label: is missing; kind class needs it\."),
        ({"kind": "class", "label": 1.5}, r"label: 1\.5 should be a valid integer"),
        ({"kind": "class", "label": True}, "label: True should be a valid integer"),
        ({"kind": "class", "label": 1, "adjacent": "2"}, "adjacent: '2' should be a valid int"),
        ({"kind": "subclass", "label": 1, "parts": 1}, "parts: 1 should be greater than or equal"),
        ({"kind": "subclass", "label": 1, "part": 2}, "part: 2 should be less than parts, .* 2"),
        ({"kind": "subclass"}, r"subclass: None should name a true subclass, or else label a cl"),
        ({"kind": "subclass", "label": 1, "subclass": "a"}, "subclass: 'a' should stand alone;"),
        ({"kind": "subclass", "subclass": 1.5}, "subclass: 1.5 should be the name or the number"),
        ({"kind": "subclass", "subclass": True}, "subclass: True should be the name or the numb"),
        ({"kind": "mixture"}, r"label: is missing; kind mixture needs it\."),
        ({"kind": "mixture", "label": 0, "hard_probability": 1.1}, "hard_probability: 1.1 should"),
        ({"kind": "gaussian_poison", "noise": 0.0}, r"noise: 0\.0 should be greater than 0\."),
        (
            {"kind": "gaussian_poison", "noise": float("inf")},
            "inf should be a finite number",
        ),
        ({"kind": "confused", "classes": [1, 2]}, r"count: is missing; kind confused needs it\."),
        ({"kind": "confused", "classes": [1], "count": 2}, r"classes: \[1\] should be two classes"),
        (
            {"kind": "confused", "classes": [1, True], "count": 2},
            "should be two classes",
        ),
        ({"kind": "confused", "classes": [1, 1], "count": 2}, "should be two different classes"),
        ({"kind": "confused", "classes": [1, 2], "count": 3}, "count: 3 should be a multiple of 2"),
        ({"kind": "confused", "classes": [1, 2], "count": 0}, "count: 0 should be greater than or"),
        ({"kind": "authors", "count": 0}, r"count: 0 should be greater than or equal to 1\."),
        ({"kind": "authors", "fraction": 0.1}, r"field: 'fraction' is not known"),
        ({"kind": "indices", "indices": [1], "column": "a"}, "column: 'a' should come with indi"),
        ({"kind": "indices", "indices": "f.txt", "column": "a"}, "column: 'a' should come with"),
        ({"kind": "indices", "indices": [1], "counted_in": "test"}, "counted_in: 'test' should"),
    ],
)
def test_malformed_requests_get_one_sentence_that_names_the_field(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_forget(value)
    assert str(caught.value).startswith("task.forget")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "dumped"),
    [
        (Subclass(label=3), {"kind": "subclass", "label": 3, "parts": 2, "part": 0}),
        (Subclass(subclass="trout"), {"kind": "subclass", "subclass": "trout"}),
        (Confused(classes=(3, 5), count=8), {"kind": "confused", "classes": [3, 5], "count": 8}),
        (Mixture(label=3), {"kind": "mixture", "label": 3, "hard_probability": 0.5}),
    ],
)
def test_a_request_is_written_as_it_would_be_read(
    request_: ForgetRequest, dumped: dict[str, Any]
) -> None:
    assert request_.model_dump(mode="json", exclude_none=True) == dumped
    assert parse_forget(dumped) == request_


def test_long_lists_belong_into_files():
    assert len(parse_forget({"kind": "indices", "indices": [*range(50_000)]}).indices) == 50_000
    with pytest.raises(InputError, match=r"has more than 50,000 positions; put them into a \.npy"):
        parse_forget({"kind": "indices", "indices": [*range(50_001)]})
