from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import IterableDataset, TensorDataset
from torchvision.datasets import FakeData
from torchvision.transforms import ToTensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Samples, samples_from
from pareto_explorer.tasks.data.samples import as_samples


class Listed:
    """A data set of the given items."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, position):
        if position >= len(self):
            raise IndexError
        return self.items[position]


def test_a_tensor_data_set_comes_back_as_it_is():
    inputs, labels = torch.randn(5, 2, 3), torch.tensor([0, 2, 1, 0, 1])
    found = samples_from(TensorDataset(inputs, labels))
    assert torch.equal(found.inputs, inputs)
    assert torch.equal(found.labels, labels)


def test_images_become_pixels_and_their_transform_is_applied():
    plain, float_pixels = FakeData(4, (3, 8, 9), 5), FakeData(4, (3, 8, 9), 5, ToTensor())
    found, floats = samples_from(plain), samples_from(float_pixels)
    assert (found.inputs.dtype, found.inputs.shape) == (torch.uint8, (4, 3, 8, 9))
    assert floats.inputs.dtype == torch.float32
    torch.testing.assert_close(found.inputs / 255, floats.inputs)
    assert torch.equal(found.labels, floats.labels)


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 1), ("1", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)]
)
def test_images_of_every_mode_are_grey_or_coloured(mode, channels):
    colours = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5)
    found = samples_from([(colours.convert(mode), 0)])
    assert found.inputs.shape == (1, channels, 4, 4)
    if mode in ("RGB", "RGBA"):
        expected = torch.arange(48, dtype=torch.uint8).view(4, 4, 3).permute(2, 0, 1) * 5
        assert torch.equal(found.inputs[0], expected)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.ones(3), torch.float32),
        (np.ones(3, dtype=">f4"), torch.float32),
        (np.ones(3, dtype=np.int32), torch.int64),
        (np.ones(3, dtype=np.uint8), torch.uint8),
        (torch.ones(3, dtype=torch.bfloat16), torch.float32),
        (torch.ones(3, dtype=torch.bool), torch.int64),
        ([1, 1, 1], torch.int64),
        ((1.0, 1.0, 1.0), torch.float32),
    ],
    ids=str,
)
def test_inputs_take_one_of_three_types(value, dtype):
    found = samples_from([(value, 0), (value, 1)])
    assert found.inputs.dtype == dtype
    assert bool((found.inputs == 1).all())
    assert found.inputs.shape == (2, 3)


@pytest.mark.parametrize(
    "label", [2, np.int64(2), np.array(2), np.array([2]), torch.tensor(2), torch.tensor([2])]
)
def test_labels_may_be_of_any_kind_of_whole_number(label):
    assert samples_from([([0.0], label)]).labels.tolist() == [2]


def test_a_limit_spreads_over_a_sorted_data_set():
    data = Listed([([float(i)], i // 25) for i in range(100)])
    assert samples_from(data, limit=8).labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(samples_from(data, limit=1000)) == 100


def test_what_comes_after_the_label_is_ignored():
    assert samples_from([([0.0], 1, "name.png")]).labels.tolist() == [1]


class Endless(IterableDataset):
    def __iter__(self):
        yield [0.0], 0


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Endless(), r"dataset: Endless is no map-style data set"),
        ({0: ([0.0], 1)}, r"dataset: dict is no map-style data set"),
        ([], r"dataset: it is empty"),
        ([[0.0]], r"dataset: sample 0 is a list and no pair"),
        ([([0.0], "cat")], r"label of sample 0 is 'cat'; it must be the number of a class"),
        ([([0.0], 0.5)], r"label of sample 0 is 0\.5"),
        ([([0.0], True)], r"label of sample 0 is True"),
        ([([0.0], None)], r"label of sample 0 is None"),
        ([[[0.0] * 99] * 2] * 2, r"label of sample 0 is a list; it must be"),
        ([("text", 0)], r"input of sample 0 is a str; give a tensor"),
        ([([0.0], 0), ([0.0, 1.0], 0)], r"sample 1 is float32 of shape \(2,\) and that of sample"),
        ([([0.0], 0), ([0], 0)], r"sample 1 is int64 of shape \(1,\)"),
    ],
)
def test_what_is_no_data_set_of_pairs_is_refused(dataset, message):
    with pytest.raises(InputError, match=message):
        samples_from(dataset)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            (np.array([["red"], ["blue"]]), [0, 1]),
            r"^train: inputs: a ndarray that holds something",
        ),
        ((pd.DataFrame({"a": ["x", 1]}), [0, 1]), r"^train: inputs: a DataFrame that holds"),
        ((np.ones((2, 1)), ["cat", "dog"]), r"^train: labels: a list .* the numbers of classes"),
        ((np.ones((2, 1)), np.array(["cat", "dog"])), r"^train: labels: a ndarray that holds"),
    ],
)
def test_columns_without_numbers_are_refused(data, message):
    with pytest.raises(InputError, match=message):
        as_samples("train", data)


@pytest.mark.parametrize("limit", [0, -1, 2.0, True])
def test_a_bad_limit_is_refused(limit):
    with pytest.raises(InputError, match=r"limit: .* whole number above 0"):
        samples_from([([0.0], 0)], limit)


def test_samples_may_be_given_in_every_form():
    inputs, labels = torch.tensor([[0.5], [1.5]]), torch.tensor([1, 0])
    forms = [
        Samples(inputs, labels),
        (inputs, labels),
        [inputs, labels],
        (inputs.double().numpy(), labels.numpy()),
        (pd.DataFrame({"x": [0.5, 1.5]}), pd.Series([1, 0])),
        TensorDataset(inputs, labels),
        [([0.5], 1), ([1.5], 0)],
    ]
    for form in forms:
        found = as_samples("train", form)
        assert torch.equal(found.inputs, inputs)
        assert torch.equal(found.labels, labels)


def test_the_field_is_in_the_message():
    with pytest.raises(InputError, match=r"^heldout: dataset: it is empty"):
        as_samples("heldout", [])
    with pytest.raises(InputError, match=r"^test: samples: 2 inputs do not match 1 labels"):
        as_samples("test", (torch.zeros(2, 1), torch.zeros(1, dtype=torch.int64)))
