from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import CropFlip


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, channels: int = 3, height: int = 5, width: int = 7) -> Tensor:
    """No pixel is black, so that the border can be told from the image."""
    return torch.randint(1, 256, (n, channels, height, width), generator=draws(n)).byte()


def one_by_one(inputs: Tensor, augment: CropFlip, generator: torch.Generator) -> Tensor:
    """The slow twin: pads, cuts out and mirrors every image by itself."""
    n, _, height, width = inputs.shape
    places = 2 * augment.padding + 1
    top, left = (torch.randint(places, (n, 1), generator=generator).tolist() for _ in range(2))
    mirrored = torch.randint(2 if augment.flip else 1, (n, 1), generator=generator).tolist()
    results = []
    for image, (y,), (x,), (flip,) in zip(inputs, top, left, mirrored, strict=True):
        padded = functional.pad(image, 4 * (augment.padding,))
        crop = padded[:, y : y + height, x : x + width]
        results.append(crop.flip(2) if flip else crop)
    return torch.stack(results)


@given(
    n=st.integers(1, 9),
    channels=st.integers(1, 4),
    height=st.integers(1, 8),
    width=st.integers(1, 8),
    padding=st.integers(0, 9),
    flip=st.booleans(),
    seed=st.integers(0, 99),
)
def test_equals_cropping_one_by_one(n, channels, height, width, padding, flip, seed):
    inputs, augment = images(n, channels, height, width), CropFlip(padding, flip)
    expected = one_by_one(inputs, augment, draws(seed))
    assert torch.equal(augment(inputs, draws(seed)), expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16, torch.float64])
def test_keeps_shape_and_type_and_puts_channels_last(dtype):
    inputs = images(6).to(dtype)
    before = inputs.clone()
    result = CropFlip()(inputs, draws())
    assert (result.shape, result.dtype) == (inputs.shape, dtype)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(result, CropFlip()(images(6), draws()).to(dtype))
    assert torch.equal(inputs, before)


def test_the_layout_of_the_inputs_does_not_matter():
    inputs = images(6)
    other = inputs.contiguous(memory_format=torch.channels_last)
    assert torch.equal(CropFlip()(inputs, draws()), CropFlip()(other, draws()))


def test_without_border_and_mirror_nothing_changes():
    inputs = images(6)
    assert torch.equal(CropFlip(padding=0, flip=False)(inputs, draws()), inputs)


def test_all_places_and_both_directions_come_up_equally_often():
    n, padding = 9000, 1
    inputs = torch.zeros(n, 1, 3, 3)
    inputs[:, :, 1, 1], inputs[:, :, 1, 2] = 1.0, 2.0
    seen = CropFlip(padding)(inputs, draws()).flatten(1)
    centre = (seen == 1).float().argmax(1)
    counts = torch.bincount(centre, minlength=9) / n
    assert (counts - 1 / 9).abs().max() < 0.015
    pair = (seen == 2).float().argmax(1)[centre == 4]
    assert set(pair.tolist()) == {3, 5}
    assert abs(float((pair == 3).float().mean()) - 0.5) < 0.06


def test_every_batch_draws_anew_and_a_seed_repeats_it():
    inputs, generator = images(8), draws(1)
    first, second = (CropFlip()(inputs, generator) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first, CropFlip()(inputs, draws(1)))


def test_it_is_a_value():
    augment = CropFlip(3, flip=False)
    assert pickle.loads(pickle.dumps(augment)) == augment == copy.deepcopy(augment)  # noqa: S301
    assert augment != CropFlip(3)
    assert repr(augment) == "CropFlip(padding=3, flip=False)"


@pytest.mark.parametrize("padding", [-1, 1.5, True, None])
def test_a_border_that_is_no_whole_number_is_refused(padding):
    with pytest.raises(InputError, match=r"^padding: .* must be an integer of 0 or more\.$"):
        CropFlip(padding)


def test_inputs_that_are_no_images_are_refused():
    with pytest.raises(InputError, match=r"^augment: inputs of shape \(4,\) are no images"):
        CropFlip()(torch.zeros(2, 4), draws())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_sees_the_same_draws():
    inputs = images(64)
    result = CropFlip()(inputs.cuda(), draws())
    assert result.is_cuda
    assert torch.equal(result.cpu(), CropFlip()(inputs, draws()))
