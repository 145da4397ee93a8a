"""Every method on images of bytes, with a model as a GPU has it: bfloat16 and channels last."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

from pareto_explorer.tasks import CropFlip, Samples, image_classifier
from pareto_explorer.unlearning import METHODS, Budget, UnlearningData, make_method
from pareto_explorer.unlearning.core.session import data_tensors, load_session, save_session
from tests.unlearning.toys import draws, flat

BATCH = 16
FORGET_LOSS = "bounded_cross_entropy"


def samples(n: int, seed: int) -> Samples:
    draw = draws(seed)
    images = torch.randint(256, (n, 3, 8, 8), generator=draw).byte()
    return Samples(images, torch.randint(4, (n,), generator=draw))


def factory(**options):
    sizes = {"n_classes": 4, "shape": (3, 8, 8), "width": 2}
    return partial(image_classifier, "resnet20", mean=(0.5,), std=(0.25,), **sizes, **options)


def make_data(build, convert=lambda x: x) -> UnlearningData:
    retain, forget, heldout = (
        Samples(convert(s.inputs), s.labels)
        for s in (samples(48, 1), samples(24, 2), samples(24, 3))
    )
    order = torch.arange(48)
    return UnlearningData(
        retain,
        forget,
        heldout,
        4,
        fresh_model=build,
        adjacent=retain.take(order[:16]),
        remote=retain.take(order[16:]),
        augment=CropFlip(1),
    )


def original(build):
    torch.manual_seed(0)
    model = build()
    model.train()(samples(48, 1).inputs)  # moves the running statistics
    return model.eval()


def method(name: str):
    needs = METHODS[name].needs
    parts = {"aggregator": "upgrad", "forget_loss": FORGET_LOSS}
    return make_method({"method": name, **{part: parts[part] for part in needs}})


def strides(model) -> list[tuple[int, ...]]:
    return [p.stride() for p in model.parameters()]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_works_in_bfloat16_with_channels_last(name):
    build = factory(precision="bfloat16", channels_last=True)
    model, data = original(build), make_data(build)
    layout = strides(model)
    torch.manual_seed(1)  # for models that are drawn
    for found in method(name).run(model, data, Budget(4, BATCH, 2), draws()):
        logits = found(data.retain.inputs)
        assert logits.dtype == torch.float32
        assert logits.isfinite().all()
        assert strides(found) == layout
        assert {p.dtype for p in found.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_neither_layout_nor_bytes_change_what_it_computes(name):
    results = []
    for channels_last, convert in (
        (False, lambda x: x),
        (True, lambda x: x),
        (True, lambda x: x.double() / 255),
    ):
        build = partial(_doubled, factory(channels_last=channels_last))
        model = original(build)
        torch.manual_seed(1)
        data = make_data(build, convert)
        *_, last = method(name).run(model, data, Budget(2, BATCH, 2), draws())
        results.append(flat(last))
    torch.testing.assert_close(results[1], results[0], rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(results[2], results[0], rtol=1e-6, atol=1e-7)


def _doubled(build):
    return build().double()


def test_a_saved_run_goes_on_with_layout_precision_and_augmentation():
    build = factory(precision="bfloat16", channels_last=True)
    data = make_data(build)
    run = method("jacobian_descent").run(original(build), data, Budget(4, BATCH, 2), draws())
    next(run)
    known = data_tensors(data)
    state = load_session(save_session(run, known, "cpu"), known, "cpu")
    here, there = flat(next(run)), copy.deepcopy(next(state))
    assert torch.equal(here, flat(there))
    assert strides(there) == strides(original(build))
