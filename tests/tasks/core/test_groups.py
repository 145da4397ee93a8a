from __future__ import annotations

from typing import Any

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Groups

TREES = Groups(
    class_names=("plants",),
    subclass_names=("oak", "pine", "rose"),
    subclass_of=torch.tensor([0, 1, 0, 1, 1]),
)


def test_subclasses_are_found_by_name_and_by_number() -> None:
    assert TREES.subclass("pine", "f").tolist() == [1, 3, 4]
    assert TREES.subclass(0, "f").tolist() == [0, 2]


def test_taking_samples_takes_their_subclasses() -> None:
    taken = TREES.take(torch.tensor([4, 0, 2]))
    assert taken.subclass("oak", "f").tolist() == [1, 2]
    assert taken.class_names == ("plants",)
    plain = Groups(superclass_of=(0, 0))
    assert plain.take(torch.tensor([0])) is plain


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("oka", r"^f: 'oka' is not known; did you mean 'oak'\? Choose from oak, pine, rose\.$"),
        (3, r"^f: 3 is no subclass of this task; choose from 0 to 2, or a name\.$"),
        (-1, r"^f: -1 is no subclass"),
        ("rose", r"^f: rose has no training samples to forget\.$"),
    ],
)
def test_subclasses_that_cannot_be_forgotten_are_refused(wanted: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TREES.subclass(wanted, "f")


def test_without_subclasses_the_way_out_is_named() -> None:
    with pytest.raises(InputError, match=r"^f: 'oak' cannot be found, .* give label, parts and pa"):
        Groups().subclass("oak", "f")


def test_siblings_are_the_rest_of_the_superclass() -> None:
    groups = Groups(superclass_of=(0, 1, 0, 1, 2, 0))
    assert groups.siblings(0) == [2, 5]
    assert groups.siblings(3) == [1]
    assert groups.siblings(4) == []
    assert groups.siblings(6) == groups.siblings(-1) == []
    assert Groups().siblings(0) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"class_names": ("a",), "superclass_of": (0, 0)}, "1 class names do not match"),
        ({"subclass_of": torch.tensor([0])}, r"0 is not among the 0 subclasses"),
        ({"subclass_names": ("a",), "subclass_of": torch.tensor([0, -1])}, "-1 is not among the 1"),
        ({"subclass_names": ("a",), "subclass_of": torch.tensor([0.0])}, "not a vector of integ"),
    ],
)
def test_groups_that_do_not_fit_together_are_refused(fields: Any, message: str) -> None:
    with pytest.raises(InputError, match=rf"^groups.*{message}"):
        Groups(**fields)
