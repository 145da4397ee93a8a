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
    Groups,
    Mislabelled,
    Mixture,
    PublishedSplit,
    RandomSubset,
    Samples,
    Subclass,
    WholeClass,
    parse_forget,
    published_split,
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
        ("forget.json", b"[1,", "is no JSON"),
        ("forget.npy", b"no array", "does not hold a plain list of integers"),
        ("forget.npy", b"", "does not hold a plain list of integers"),
        ("forget.txt", "٣".encode(), "does not hold a plain list of integers"),
        ("forget.txt", b"1_0", "does not hold a plain list of integers"),
        ("forget.txt", b"9" * 5000, "does not hold a plain list of integers"),
        ("forget.json", b"[" * 10**5, "lists or mappings lie inside each other"),
        ("forget.json", b"9" * 5000, "more than 40 digits"),
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


@pytest.mark.parametrize(
    "shape", ["(10000000000000,)", "(-5,)", "(5, 1)", "()", "('a',)", "(" * 5000, "5"]
)
def test_headers_of_arrays_are_checked_before_anything_is_read(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
    (tmp_path / "forget.npy").write_bytes(start + header + bytes(40))
    with pytest.raises(InputError, match="does not hold a plain list of integers"):
        indices_of(str(tmp_path / "forget.npy"))


def test_an_archive_is_no_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "forget.npz", np.arange(3))
    (tmp_path / "forget.npz").rename(tmp_path / "forget.npy")
    with pytest.raises(InputError, match="does not hold a plain list of integers"):
        indices_of(str(tmp_path / "forget.npy"))


def test_an_array_of_fractions_is_no_index_file(tmp_path: Path) -> None:
    np.save(tmp_path / "forget.npy", np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="does not hold a plain list of integers"):
        indices_of(str(tmp_path / "forget.npy"))


def test_a_true_subclass_is_forgotten_whole() -> None:
    train = clouds(20, 0)
    groups = Groups(subclass_names=("a", "b"), subclass_of=(torch.arange(20) >= 12).long())
    for wanted in ("b", 1):
        chosen = select_forget_set(Subclass(subclass=wanted), train, 3, 0, groups)
        assert chosen.indices.tolist() == list(range(12, 20))
        assert torch.equal(chosen.labels, train.labels)
    with pytest.raises(InputError, match=r"^task\.forget\.subclass: 'c' is not known"):
        select_forget_set(Subclass(subclass="c"), train, 3, 0, groups)
    with pytest.raises(InputError, match=r"^task\.forget\.subclass: 'b' cannot be found"):
        select_forget_set(Subclass(subclass="b"), train, 3, 0)


@settings(deadline=None)
@given(hard=st.floats(0, 1), seed=SEED)
def test_a_mixture_has_the_size_of_its_class_and_keeps_its_easy_part(
    hard: float, seed: int
) -> None:
    train = Samples(torch.zeros(60, 1), torch.arange(60) % 3)
    chosen = select_forget_set(Mixture(label=1, hard_probability=hard), train, 3, seed)
    indices = chosen.indices
    assert torch.equal(chosen.labels, train.labels)
    assert indices.tolist() == sorted(set(indices.tolist()))
    assert len(indices) == 20
    assert int((train.labels[indices] == 1).sum()) >= 20 - round(hard * 20)


def test_a_mixture_runs_from_the_whole_class_to_a_random_subset() -> None:
    train = Samples(torch.zeros(6000, 1), torch.arange(6000) % 3)
    easy, half, hard = (
        select_forget_set(Mixture(label=1, hard_probability=rho), train, 3, 0).indices
        for rho in (0.0, 0.5, 1.0)
    )
    assert torch.equal(easy, (train.labels == 1).nonzero().squeeze(1))
    shares = train.labels[half].bincount() / 2000  # half of it drawn from what is left
    assert shares.tolist() == pytest.approx([0.2, 0.6, 0.2], abs=0.03)
    shares = train.labels[hard].bincount() / 2000
    assert shares.tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_a_mixture_draws_from_its_seed() -> None:
    def draw(seed: int) -> list[int]:
        return select_forget_set(Mixture(label=1), clouds(60, 0), 3, seed).indices.tolist()

    assert draw(0) == draw(0)
    assert draw(0) != draw(1)


def split_of(n: int = 200) -> tuple[Samples, PublishedSplit]:
    """The training part of n published samples in four classes."""
    split = published_split(torch.arange(n) % 4, 2)
    return Samples(split.training.float().unsqueeze(1), split.training % 4), split


def test_with_a_published_split_the_random_subset_is_the_published_one() -> None:
    train, split = split_of()
    chosen = select_forget_set(RandomSubset(fraction=0.5), train, 4, 2, None, split).indices
    expected = np.random.RandomState(1).choice(180, 90, replace=False)
    assert chosen.tolist() == sorted(expected.tolist())


def listed(source: Any, **fields: Any) -> list[int]:
    train, split = split_of()
    request = parse_forget({"kind": "indices", "indices": source, **fields})
    return select_forget_set(request, train, 4, 2, None, split).indices.tolist()


def test_positions_count_in_the_training_part_or_in_the_published_set(tmp_path: Path) -> None:
    training = split_of()[1].training.tolist()
    assert listed([3, 170]) == [3, 170]
    assert listed([training[170], training[3]], counted_in="published") == [3, 170]
    path = write(tmp_path / "forget.npy", [training[170], training[3]])
    assert listed(str(path), counted_in="published") == [3, 170]
    with pytest.raises(InputError, match=r"180 is no training sample; .* from 0 to 179\.$"):
        listed([180])
    with pytest.raises(InputError, match=r"200 is no training sample; .* from 0 to 199\.$"):
        listed([200], counted_in="published")
    with pytest.raises(InputError, match="all 180 training samples are named"):
        listed(training, counted_in="published")


def test_published_positions_that_fell_to_validation_are_refused_by_name() -> None:
    _, split = split_of()
    lost = sorted(split.validation.tolist())
    with pytest.raises(
        InputError,
        match=rf"^task\.forget\.indices: {lost[0]}, {lost[1]}, {lost[2]} and 2 more of 6 fell to"
        r" validation in the split of seed 2, .* leave them out or change task\.seed\.$",
    ):
        listed([int(split.training[0]), *lost[:5]], counted_in="published")
    with pytest.raises(InputError, match=rf"indices: {lost[4]} of 1 fell to validation"):
        listed([lost[4]], counted_in="published")


def test_published_positions_need_a_published_split() -> None:
    request = parse_forget({"kind": "indices", "indices": [1], "counted_in": "published"})
    with pytest.raises(InputError, match=r"^task\.forget\.counted_in: 'published' needs a task"):
        select_forget_set(request, clouds(20, 0), 3, 0)


def test_a_table_gives_its_column(tmp_path: Path) -> None:
    path = tmp_path / "forget.csv"
    path.write_text("\ufeffid, name, score\n7, cat,0.5\n3,dog,0.25\n\n19,ant,\n", encoding="utf-8")
    request = parse_forget({"kind": "indices", "indices": str(path), "column": "id"})
    assert select_forget_set(request, clouds(20, 0), 3, 0).indices.tolist() == [3, 7, 19]
    for column, message in (
        ("ids", r"^task\.forget\.column: 'ids' is not known; did you mean 'id'\? Choose from id,"),
        ("score", r"forget\.csv does not hold a plain list of integers in its column 'score'\.$"),
    ):
        request = parse_forget({"kind": "indices", "indices": str(path), "column": column})
        with pytest.raises(InputError, match=message):
            select_forget_set(request, clouds(20, 0), 3, 0)
    with pytest.raises(InputError, match=r"plain list of integers; if it has a header, name the c"):
        indices_of(str(path))


@pytest.mark.parametrize("counted_in", ["training", "published"])
def test_marked_labels_say_what_to_forget(tmp_path: Path, counted_in: str) -> None:
    train, split = split_of()
    labels = train.labels.numpy() if counted_in == "training" else np.arange(200) % 4
    where = [3, 170] if counted_in == "training" else split.training[[3, 170]].tolist()
    marked = labels.copy()
    marked[where] = -marked[where] - 1
    np.save(tmp_path / "marked.npy", marked)
    assert listed(str(tmp_path / "marked.npy"), counted_in=counted_in) == [3, 170]
    marked[5] = (labels[5] + 1) % 4  # the first of another split
    np.save(tmp_path / "marked.npy", marked)
    found = 5 if counted_in == "training" else split.training.tolist().index(5)
    with pytest.raises(InputError, match=rf"other labels .* first for training sample {found}; it"):
        listed(str(tmp_path / "marked.npy"), counted_in=counted_in)


def test_marked_labels_of_another_length_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "marked.npy", np.array([0, -2, 2]))
    with pytest.raises(InputError, match=r"has 3 of them for 180 samples; counted_in says which"):
        listed(str(tmp_path / "marked.npy"))


def test_marked_labels_in_validation_are_refused(tmp_path: Path) -> None:
    marked = np.arange(200) % 4
    lost = int(split_of()[1].validation.min())
    marked[lost] = -marked[lost] - 1
    np.save(tmp_path / "marked.npy", marked)
    with pytest.raises(InputError, match=rf"{lost} of 1 fell to validation"):
        listed(str(tmp_path / "marked.npy"), counted_in="published")
