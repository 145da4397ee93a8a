from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    Mislabelled,
    RandomSubset,
    Samples,
    Subclass,
    WholeClass,
    parse_forget,
    select_forget_set,
)
from tests.tasks.small import clouds

FRACTION = st.floats(0.05, 0.95)
SEED = st.integers(0, 2**32)


@settings(deadline=None)
@given(fraction=FRACTION, n_classes=st.integers(2, 6), seed=SEED)
def test_corrupted_labels_always_differ_and_others_never(
    fraction: float, n_classes: int, seed: int
) -> None:
    train = Samples(torch.zeros(40, 1), torch.arange(40) % n_classes)
    truth = train.labels.clone()
    labels, indices = select_forget_set(Mislabelled(fraction=fraction), train, n_classes, seed)
    changed = (labels != truth).nonzero().squeeze(1)
    assert torch.equal(changed, indices)
    assert len(indices) == round(fraction * 40)
    assert 0 <= int(labels.min()) <= int(labels.max()) < n_classes
    assert torch.equal(train.labels, truth)


def test_corruption_reaches_every_wrong_class_about_equally() -> None:
    train = Samples(torch.zeros(9000, 1), torch.full((9000,), 2))
    labels, indices = select_forget_set(Mislabelled(fraction=0.5), train, 4, 0)
    counts = labels[indices].bincount(minlength=4)
    assert counts[2] == 0
    assert all(1300 < counts[k] < 1700 for k in (0, 1, 3))


@settings(deadline=None)
@given(fraction=FRACTION, seed=SEED)
def test_random_subset_has_its_size_and_keeps_labels(fraction: float, seed: int) -> None:
    train = clouds(60, 0)
    labels, indices = select_forget_set(RandomSubset(fraction=fraction), train, 3, seed)
    assert torch.equal(labels, train.labels)
    assert len(indices) == len(set(indices.tolist())) == round(fraction * 60)


@pytest.mark.parametrize("request_type", [Mislabelled, RandomSubset])
def test_draws_come_from_the_seed_alone(request_type: Any) -> None:
    def draw(seed: int) -> tuple[list[int], list[int]]:
        torch.rand(3), np.random.rand(3)  # noqa: NPY002
        chosen = select_forget_set(request_type(), clouds(60, 0), 3, seed)
        return chosen.labels.tolist(), chosen.indices.tolist()

    assert draw(0) == draw(0)
    assert draw(0) != draw(1)


@pytest.mark.parametrize(("fraction", "count"), [(0.001, 0), (0.999, 20)])
def test_a_fraction_must_leave_samples_on_both_sides(fraction: float, count: int) -> None:
    with pytest.raises(InputError, match=rf"task\.forget\.fraction: {fraction} of 20 .* {count};"):
        select_forget_set(RandomSubset(fraction=fraction), clouds(20, 0), 3, 0)


def test_class_request_takes_the_whole_class() -> None:
    train = clouds(20, 0)
    labels, indices = select_forget_set(WholeClass(label=1), train, 3, 0)
    assert indices.tolist() == list(range(1, 20, 3))
    assert torch.equal(labels, train.labels)


@pytest.mark.parametrize("kind", [WholeClass, Subclass])
@pytest.mark.parametrize("label", [-1, 3])
def test_a_class_that_does_not_exist_is_refused(kind: Any, label: int) -> None:
    with pytest.raises(InputError, match=rf"task\.forget\.label: {label} is no class .* 0 to 2\."):
        select_forget_set(kind(label=label), clouds(20, 0), 3, 0)


def test_a_class_without_training_samples_is_refused() -> None:
    with pytest.raises(InputError, match=r"task\.forget\.label: class 3 has no training samples"):
        select_forget_set(WholeClass(label=3), clouds(20, 0), 4, 0)


def test_subclass_parts_are_the_clusters_by_size() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([-9.0, 0.0, 9.0]).repeat_interleave(torch.tensor([4, 9, 6]))
    inputs = centres.unsqueeze(1) + torch.randn(19, 1, generator=generator)
    train = Samples(torch.cat([inputs, inputs]), torch.tensor([1] * 19 + [0] * 19))
    parts = [
        select_forget_set(Subclass(label=1, parts=3, part=part), train, 2, 0).indices.tolist()
        for part in range(3)
    ]
    assert parts == [list(range(4, 13)), list(range(13, 19)), list(range(4))]


def test_subclass_refuses_more_parts_than_distinct_samples() -> None:
    train = Samples(torch.zeros(6, 2), torch.zeros(6).long())
    with pytest.raises(InputError, match=r"task\.forget\.parts: 2 is more than the 1 distinct"):
        select_forget_set(Subclass(label=0), train, 2, 0)


def write(path: Path, values: list[int]) -> Path:
    match path.suffix:
        case ".npy":
            np.save(path, np.array(values))
        case ".json":
            path.write_text(json.dumps(values))
        case ".csv":
            path.write_text(",".join(map(str, values)) + "\n")
        case _:
            path.write_text("\n".join(map(str, values)))
    return path


def indices_of(source: Any) -> list[int]:
    request = parse_forget({"kind": "indices", "indices": source})
    return select_forget_set(request, clouds(20, 0), 3, 0).indices.tolist()


def test_indices_come_from_a_list() -> None:
    assert indices_of([7, 3, 19]) == [3, 7, 19]


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".json", ".npy"])
def test_indices_come_from_a_file(tmp_path: Path, suffix: str) -> None:
    assert indices_of(str(write(tmp_path / f"forget{suffix}", [7, 3, 19]))) == [3, 7, 19]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "names no sample"),
        ([3, 20], "20 is no training sample; choose positions from 0 to 19"),
        ([-1], "-1 is no training sample"),
        ([3, 5, 3], "3 occurs more than once"),
        (list(range(20)), "all 20 training samples"),
    ],
)
@pytest.mark.parametrize("as_file", [False, True])
def test_indices_that_do_not_fit_are_refused(
    tmp_path: Path, values: list[int], message: str, as_file: bool
) -> None:
    source = str(write(tmp_path / "forget.json", values)) if as_file else values
    with pytest.raises(InputError, match=rf"^task\.forget\.indices: .*{message}"):
        indices_of(source)


@pytest.mark.parametrize("values", [[1.5], ["1"], [True], {"a": 1}, 3, [[1]]])
def test_indices_must_be_integers(values: Any) -> None:
    with pytest.raises(InputError, match=r"^task\.forget\.indices: .*list of integers or the path"):
        indices_of(values)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, "cannot be read .*No such file"),
        ("forget.txt", b"1\ntwo", "does not hold a plain list of integers"),
        ("forget.txt", b"\xff\xfe", "does not hold a plain list of integers"),
        ("forget.json", b"{}", "does not hold a plain list of integers"),
        ("forget.json", b"[1, true]", "does not hold a plain list of integers"),
        ("forget.json", b"[1,", "does not hold a plain list of integers"),
        ("forget.npy", b"no array", "does not hold a plain list of integers"),
        ("forget.npy", b"", "does not hold a plain list of integers"),
        ("forget.tsv", b"1", "file type: '.tsv' is not known"),
    ],
)
def test_index_files_that_cannot_be_used_are_refused(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"^task\.forget\.indices: .*{message}"):
        indices_of(str(tmp_path / name))


def test_an_array_of_fractions_is_no_index_file(tmp_path: Path) -> None:
    np.save(tmp_path / "forget.npy", np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="does not hold a plain list of integers"):
        indices_of(str(tmp_path / "forget.npy"))
