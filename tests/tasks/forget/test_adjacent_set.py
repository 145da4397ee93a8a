from __future__ import annotations

import pytest
import torch
from scipy.spatial.distance import cdist

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    Groups,
    Indices,
    Mislabelled,
    Mixture,
    RandomSubset,
    Samples,
    Subclass,
    WholeClass,
    digits,
    nearest_class,
    select_adjacent_set,
    select_forget_set,
)
from pareto_explorer.tasks.forget import adjacent_set as adjacent_sets
from tests.tasks.small import N_CLASSES, clouds


def line(*labels_at: tuple[int, float]) -> Samples:
    """Samples on the real line."""
    return Samples(
        torch.tensor([[at] for _, at in labels_at]), torch.tensor([label for label, _ in labels_at])
    )


def test_the_nearest_class_wins_most_samples_of_the_class() -> None:
    train = line((0, 0.0), (0, 0.1), (0, 9.0), (1, 9.5), (2, 1.0), (2, 99.0))
    assert nearest_class(train, 0) == 2  # two of three, though class 1 is nearest on average
    assert nearest_class(train, 1) == 0


def test_equals_are_settled_by_the_lower_label() -> None:
    assert nearest_class(line((1, 0.0), (1, 9.0), (2, 1.0), (0, 8.0)), 1) == 0
    assert nearest_class(line((1, 0.0), (1, 9.0), (0, 1.0), (2, 8.0)), 1) == 0


def test_of_a_large_class_evenly_spaced_samples_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adjacent_sets, "_VOTERS", 3)
    asked = line(*((0, 10.0 * (k in (0, 4, 8))) for k in range(9)), (1, 0.0), (2, 10.0))
    assert nearest_class(asked, 0) == 2  # the first, the middle and the last lie there
    monkeypatch.setattr(adjacent_sets, "_VOTERS", 9)
    assert nearest_class(asked, 0) == 1


def test_pixels_are_compared_as_numbers() -> None:
    pixels = torch.tensor([[[[250]]], [[[3]]], [[[240]]]], dtype=torch.uint8)
    assert nearest_class(Samples(pixels, torch.tensor([0, 1, 2])), 0) == 2


@pytest.mark.parametrize("chunk", [1, 7, 256])
def test_the_nearest_class_follows_its_definition(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(adjacent_sets, "_CHUNK", chunk)
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(6, (80,), generator=generator)
    train = Samples(torch.randn(80, 2, 3, generator=generator), labels)
    inputs = train.inputs.flatten(1).numpy()
    for label in range(6):
        inside = (labels == label).numpy()
        nearest = cdist(inputs[inside], inputs[~inside]).argmin(1)
        votes = labels[~torch.from_numpy(inside)][nearest].bincount(minlength=6)
        assert nearest_class(train, label) == int(votes.argmax())


def select(request: WholeClass | Subclass, train: Samples) -> list[int] | None:
    forget = select_forget_set(request, train, N_CLASSES, 0).indices
    found = select_adjacent_set(request, train, forget)
    return None if found is None else found.tolist()


def test_a_class_is_adjacent_to_the_class_that_is_named_or_nearest() -> None:
    train = clouds(30, 0)
    for label in range(3):
        wanted = nearest_class(train, label)
        assert select(WholeClass(label=label), train) == members(train, wanted)
    assert select(WholeClass(label=0, adjacent=2), train) == members(train, 2)
    assert select(WholeClass(label=0, adjacent=1), train) == members(train, 1)


def members(train: Samples, label: int) -> list[int]:
    return (train.labels == label).nonzero().squeeze(1).tolist()


def test_a_part_of_a_class_is_adjacent_to_the_rest_of_it() -> None:
    train = clouds(60, 0)
    request = Subclass(label=1, parts=3, part=1)
    forget = select_forget_set(request, train, N_CLASSES, 0).indices
    adjacent = select_adjacent_set(request, train, forget)
    assert adjacent is not None
    assert sorted([*forget.tolist(), *adjacent.tolist()]) == members(train, 1)
    assert adjacent.tolist() == sorted(adjacent.tolist())


def test_a_class_is_adjacent_to_the_rest_of_its_superclass_where_that_is_known() -> None:
    train = Samples(torch.randn(40, 2), torch.arange(40) % 5)
    groups = Groups(superclass_of=(0, 1, 0, 0, 2))
    forget = select_forget_set(WholeClass(label=0), train, 5, 0).indices
    for request, wanted in (
        (WholeClass(label=0), {2, 3}),
        (WholeClass(label=0, adjacent=4), {4}),
    ):
        adjacent = select_adjacent_set(request, train, forget, groups)
        assert adjacent is not None
        assert set(train.labels[adjacent].tolist()) == wanted
        assert len(adjacent) == 8 * len(wanted)
    alone = select_forget_set(WholeClass(label=1), train, 5, 0).indices
    adjacent = select_adjacent_set(WholeClass(label=1), train, alone, groups)
    assert adjacent is not None  # a superclass of one class says nothing
    assert set(train.labels[adjacent].tolist()) == {nearest_class(train, 1)}


def test_a_true_subclass_is_adjacent_to_the_rest_of_its_class() -> None:
    train = Samples(torch.randn(40, 2), torch.arange(40) % 4)
    groups = Groups(subclass_names=tuple("abcdefgh"), subclass_of=torch.arange(40) % 8)
    request = Subclass(subclass="f")
    forget = select_forget_set(request, train, 4, 0, groups).indices
    adjacent = select_adjacent_set(request, train, forget, groups)
    assert adjacent is not None
    assert adjacent.tolist() == list(range(1, 40, 8))
    whole = Groups(subclass_names=tuple("abcd"), subclass_of=torch.arange(40) % 4)
    forget = select_forget_set(Subclass(subclass=1), train, 4, 0, whole).indices
    assert select_adjacent_set(Subclass(subclass=1), train, forget, whole) is None


@pytest.mark.parametrize(
    "request_", [Mislabelled(), RandomSubset(), Mixture(label=0), Indices(indices=(1, 2))]
)
def test_scattered_forget_sets_have_no_adjacent_set(
    request_: Mislabelled | RandomSubset | Mixture | Indices,
) -> None:
    train = clouds(30, 0)
    labels, indices = select_forget_set(request_, train, N_CLASSES, 0)
    assert select_adjacent_set(request_, Samples(train.inputs, labels), indices) is None


def test_with_two_classes_nothing_would_be_remote() -> None:
    train = line((0, 0.0), (0, 1.0), (1, 2.0))
    assert select(WholeClass(label=0), train) is None


@pytest.mark.parametrize(
    ("adjacent", "message"),
    [
        (1, r"^task\.forget\.adjacent: 1 is the class to forget; name another class\.$"),
        (7, r"^task\.forget\.adjacent: class 7 has no training samples; name another class\.$"),
        (-1, r"^task\.forget\.adjacent: class -1 has no training samples"),
    ],
)
def test_an_adjacent_class_that_cannot_be_is_refused(adjacent: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        select(WholeClass(label=1, adjacent=adjacent), clouds(30, 0))


def test_digits_has_the_adjacent_set_of_its_request() -> None:
    task = digits(WholeClass(label=4, adjacent=9))
    assert task.adjacent is not None
    assert task.remote is not None
    assert set(task.adjacent.labels.tolist()) == {9}
    assert set(task.remote.labels.tolist()) == {0, 1, 2, 3, 5, 6, 7, 8}
    assert task.facts["adjacent_class"] == 9
    assert task.facts["forget"] == {"kind": "class", "label": 4, "adjacent": 9}
    assert digits().adjacent is None
    assert "adjacent_class" not in digits().facts


def test_digits_finds_the_class_that_looks_alike() -> None:
    assert digits(WholeClass(label=1)).facts["adjacent_class"] == 8
    assert digits(WholeClass(label=3)).facts["adjacent_class"] == 9
    part = digits(Subclass(label=8))
    assert part.adjacent is not None
    assert set(part.adjacent.labels.tolist()) == {8}
    assert len(part.adjacent) + len(part.forget) == int((part.train.labels == 8).sum())
