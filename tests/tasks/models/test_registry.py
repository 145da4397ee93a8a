from __future__ import annotations

import json
import pickle
import re

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import (
    MODELS,
    CropFlip,
    ImageClassifier,
    LandmarkCache,
    ModelSpec,
    Recipe,
    Samples,
    UnlearningTask,
    fingerprint,
    image_classifier,
    make_model,
    parse_model,
    restore_model,
)

IMAGES = {"n_classes": 7, "shape": (3, 32, 32), "mean": (0.5,), "std": (0.25,)}
NARROW = {
    "resnet18": {"width": 2},
    "resnet20": {"width": 2},
    "vgg16_bn": {"width": 2},
    "vit_small": {"width": 8, "depth": 1, "heads": 2, "hidden": 8, "patch": 8, "dropout": 0.1},
}


def test_every_model_is_described():
    assert MODELS.keys() == NARROW.keys()
    for name, entry in MODELS.items():
        assert name == entry.name
        assert entry.summary.endswith(".")
        assert entry.source
        assert entry.options.keys() == NARROW[name].keys()


@pytest.mark.parametrize("name", sorted(NARROW))
def test_a_model_is_what_its_file_says(name):
    model = parse_model({"name": name, **NARROW[name]}).factory(**IMAGES)()
    assert isinstance(model, ImageClassifier)
    assert model(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 7)
    assert sum(p.numel() for p in model.parameters()) < 250_000
    assert (model.precision, model.channels_last, model.compiled) == ("float32", False, False)


def test_the_stated_sizes_are_true():
    for name, entry in MODELS.items():
        network = make_model(name, 10, (3, 32, 32))
        stated = float(re.search(r"([\d.]+) million", entry.summary)[1])
        parameters = sum(p.numel() for p in network.parameters()) / 1e6
        assert parameters == pytest.approx(stated, rel=0.015)


def test_a_factory_travels_and_draws_its_weights_from_the_global_generator():
    value = {"name": "resnet20", "width": 2, "precision": "bfloat16", "channels_last": True}
    factory = parse_model(value).factory(**IMAGES)
    copied = pickle.loads(pickle.dumps(factory))  # noqa: S301
    torch.manual_seed(3)
    first = factory()
    torch.manual_seed(3)
    second = copied()
    torch.testing.assert_close(first.state_dict(), second.state_dict(), rtol=0, atol=0)
    assert repr(first) == repr(second)
    assert "precision='bfloat16', channels_last=True" in repr(first)


@pytest.mark.parametrize("name", ["resnet20", "torchvision:squeezenet1_1"])
def test_making_a_factory_draws_nothing(name):
    torch.manual_seed(3)
    parse_model(name).factory(**IMAGES)
    found = torch.rand(2)
    torch.manual_seed(3)
    assert torch.equal(found, torch.rand(2))


def test_a_torchvision_classifier_is_named_as_there():
    spec = parse_model({"name": "torchvision:squeezenet1_1", "dropout": 0.25})
    model = spec.factory(**IMAGES | {"shape": (1, 32, 32)})()
    assert model(torch.zeros(2, 1, 32, 32)).shape == (2, 7)
    assert model.network[1].classifier[0].p == 0.25


def test_one_that_computes_its_widths_with_tensors_is_rehearsed_too():
    parse_model("torchvision:regnet_y_400mf").factory(**IMAGES)


def test_facts_say_what_a_file_would():
    spec = parse_model({"name": "resnet18", "width": 32, "compile": True})
    assert spec == ModelSpec("resnet18", compile=True, options={"width": 32})
    assert parse_model(spec) is spec
    assert json.loads(json.dumps(spec.facts())) == {
        "name": "resnet18",
        "precision": "float32",
        "channels_last": False,
        "compile": True,
        "width": 32,
    }
    assert parse_model(spec.facts()) == spec
    assert parse_model("resnet18") == parse_model({"name": "resnet18"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"^task\.model: None is no model; write for example resnet18"),
        (["resnet18"], r"^task\.model: \['resnet18'\] is no model"),
        ({}, r"^task\.model\.name: None is not known"),
        ({"name": ["resnet18"]}, r"^task\.model\.name: \['resnet18'\] is not known"),
        ("resnet81", r"^task\.model\.name: 'resnet81' .* did you mean 'resnet18'\?"),
        ("torchvision:resnet51", r"^task\.model\.name: .* did you mean 'torchvision:resnet"),
        ({"name": "resnet18", "precision": "fp32"}, r"^task\.model\.precision: 'fp32' .*float32"),
        ({"name": "resnet18", "precision": ["bfloat16"]}, r"^task\.model\.precision: "),
        ({"name": "resnet18", "compile": "yes"}, r"^task\.model\.compile: 'yes' must be true"),
        ({"name": "resnet18", "channels_last": 1}, r"^task\.model\.channels_last: 1 must be"),
        ({"name": "resnet18", "widht": 32}, r"'widht' is not known; did you mean 'width'\?"),
        ({"name": "resnet18", "width": 0}, r"^task\.model\.width: 0 must be a whole number"),
        ({"name": "resnet18", "width": True}, r"^task\.model\.width: True must be a whole"),
        ({"name": "resnet18", "width": 1.5}, r"^task\.model\.width: 1\.5 must be a whole"),
        ({"name": "vit_small", "dropout": 1}, r"^task\.model\.dropout: 1 must be a number of"),
    ],
)
def test_a_bad_model_is_one_sentence(value, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_model(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "shape", "message"),
    [
        ("vgg16_bn", (3, 28, 28), r"^task\.model: vgg16_bn halves images five times"),
        ({"name": "vit_small", "patch": 5}, (3, 32, 32), r"^task\.model: patch: 5 does not"),
        ("torchvision:alexnet", (3, 32, 32), r"^task\.model: torchvision:alexnet cannot take "),
        ("torchvision:vit_b_16", (3, 32, 32), r"cannot take images of shape \(3, 32, 32\)"),
        ({"name": "torchvision:alexnet", "widht": 3}, (3, 64, 64), r"these options \(.*widht"),
        ("torchvision:squeezenet1_1", (4, 32, 32), r"^task\.model: .* channels or 1, not 4\.$"),
    ],
)
def test_a_model_that_does_not_fit_the_images_is_refused_at_once(value, shape, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_model(value).factory(**IMAGES | {"shape": shape})
    assert "\n" not in str(caught.value)


def test_statistics_of_other_channels_are_refused():
    with pytest.raises(InputError, match=r"^mean: \[0\.1, 0\.2, 0\.3\] does not fit .* 1 channel"):
        image_classifier(
            "resnet20", n_classes=2, shape=(1, 8, 8), mean=(0.1, 0.2, 0.3), std=(1, 1, 1)
        )


def pixels_task(value: object) -> UnlearningTask:
    sets = []
    for seed, n in enumerate((40, 8, 8, 8)):
        draws = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (n, 3, 8, 8), generator=draws).byte()
        sets.append(Samples(images, torch.randint(7, (n,), generator=draws)))
    return UnlearningTask(
        "pixels",
        *sets,
        forget_indices=torch.arange(4),
        n_classes=7,
        model=parse_model(value).factory(**IMAGES | {"shape": (3, 8, 8)}),
        recipe=Recipe(epochs=1, batch_size=20),
        augment=CropFlip(1),
    )


def test_landmarks_are_stored_and_restored_in_the_layout_of_their_model(tmp_path):
    value = {"name": "resnet20", "width": 2, "precision": "bfloat16", "channels_last": True}
    task = pixels_task(value)
    cache = LandmarkCache(tmp_path)
    trained, stored = (cache.obtain(task, "original", 0) for _ in range(2))
    torch.testing.assert_close(trained, stored, rtol=0, atol=0)
    model = restore_model(task, stored)
    torch.testing.assert_close(dict(model.state_dict()), stored, rtol=0, atol=0)
    assert [p.stride() for p in model.parameters()] == [
        p.stride() for p in task.model().parameters()
    ]
    assert model.network.conv1.weight.is_contiguous(memory_format=torch.channels_last)


def test_precision_and_layout_are_part_of_a_landmarks_name():
    plain = {"name": "resnet20", "width": 2}
    options = ({}, {"precision": "bfloat16"}, {"channels_last": True}, {"width": 3})
    names = {fingerprint(pixels_task(plain | each), "original", 0) for each in options}
    assert len(names) == len(options)
