from __future__ import annotations

import copy
import io
import math
import pickle
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torchvision import models as published
from torchvision.models.vgg import make_layers
from torchvision.transforms.functional import normalize

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.models.networks import (
    ImageClassifier,
    from_torchvision,
    resnet18,
    resnet20,
    vgg16_bn,
    vit_small,
)
from pareto_explorer.tasks.models.networks.resnet import Subsample
from pareto_explorer.tasks.models.networks.vit import Block

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def size(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def pixels(n: int = 6, side: int = 8, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(n)
    return torch.randint(256, (n, channels, side, side), generator=generator).byte()


def convolutions(model: nn.Module) -> list[nn.Conv2d]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d)]


# networks


@pytest.mark.parametrize(
    ("build", "millions", "exactly"),
    [
        (resnet18, 11.17, 11_173_962),
        (resnet20, 0.27, 269_722),
        (vgg16_bn, 14.73, 14_728_266),
        (vit_small, 4.25, 4_248_842),
    ],
)
def test_sizes_are_those_of_the_literature(build, millions, exactly):
    network = build(10)
    assert size(network) == exactly
    assert round(exactly / 1e6, 2) == millions
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize(
    "build",
    [
        partial(resnet18, 4, 1, width=2),
        partial(resnet20, 4, 1, width=2),
        partial(vgg16_bn, 4, (1, 64, 64), width=2),
        partial(vit_small, 4, (1, 64, 64), width=8, depth=1, heads=2, hidden=8),
    ],
)
def test_grey_and_larger_images_go_in_too(build):
    assert build()(torch.zeros(3, 1, 64, 64)).shape == (3, 4)


def test_resnet18_is_torchvisions_with_the_cifar_stem():
    theirs = published.resnet18(num_classes=10)
    theirs.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    theirs.maxpool = nn.Identity()
    ours = resnet18(10)
    theirs.load_state_dict(ours.state_dict())  # strict: the names agree
    images = torch.randn(3, 3, 12, 12)
    for mode in (True, False):
        torch.testing.assert_close(ours.train(mode)(images), theirs.train(mode)(images))
    torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()))


def test_resnet20_has_twenty_layers_with_weights_and_shortcuts_without():
    network = resnet20(10)
    assert len(convolutions(network)) + 1 == 20
    assert [tuple(c.weight.shape[:2]) for c in convolutions(network)][::6] == [
        (16, 3),
        (16, 16),
        (32, 32),
        (64, 64),
    ]
    assert network.layer2(torch.zeros(1, 16, 8, 8)).shape == (1, 32, 4, 4)


def test_the_shortcut_takes_every_other_pixel_and_adds_empty_channels():
    inputs = torch.randn(2, 3, 4, 6)
    outputs = Subsample(3, 6, 2)(inputs)
    assert outputs.shape == (2, 6, 2, 3)
    assert torch.equal(outputs[:, 1:4], inputs[:, :, ::2, ::2])
    assert not outputs[:, [0, 4, 5]].any()


def test_vgg16_has_torchvisions_convolutions():
    layout = [2, 2, "M", 4, 4, "M", 8, 8, 8, "M", 16, 16, 16, "M", 16, 16, 16, "M"]
    theirs, ours = make_layers(layout, batch_norm=True), vgg16_bn(10, width=2)
    theirs.load_state_dict(ours.features.state_dict())
    images = torch.randn(4, 3, 64, 64)
    features = theirs(images)
    assert features.shape == (4, 16, 2, 2)
    torch.testing.assert_close(ours(images), ours.classifier(features.mean((2, 3))))


@pytest.mark.parametrize("build", [resnet18, vgg16_bn])
def test_convolutions_start_with_the_variance_of_he(build):
    last = convolutions(build(10))[-2]
    assert last.weight.std().item() == pytest.approx(math.sqrt(2 / (512 * 9)), rel=0.02)


def test_a_block_is_pytorchs_encoder_layer_with_the_norm_first():
    width, hidden = 12, 20
    theirs = nn.TransformerEncoderLayer(
        width, 3, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    ours = Block(width, 3, hidden, 0.0)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter)
    weights = theirs.state_dict()
    renamed = {
        "attention.inputs.weight": "self_attn.in_proj_weight",
        "attention.inputs.bias": "self_attn.in_proj_bias",
        "attention.outputs.weight": "self_attn.out_proj.weight",
        "attention.outputs.bias": "self_attn.out_proj.bias",
        "perceptron.0.weight": "linear1.weight",
        "perceptron.0.bias": "linear1.bias",
        "perceptron.2.weight": "linear2.weight",
        "perceptron.2.bias": "linear2.bias",
    }
    ours.load_state_dict({name: weights[renamed.get(name, name)] for name in ours.state_dict()})
    tokens = torch.randn(2, 5, width)
    torch.testing.assert_close(ours(tokens), theirs(tokens), rtol=1e-4, atol=1e-4)


def test_the_transformer_sees_where_a_patch_is_and_nothing_finer_moves():
    network = vit_small(4, (3, 8, 8), width=8, depth=1, heads=2, hidden=8).eval()
    images = torch.randn(1, 3, 8, 8)
    swapped = images.roll(4, 3)  # the patches change places
    assert not torch.allclose(network(images), network(swapped))
    nn.init.zeros_(network.positions)
    torch.testing.assert_close(network(images), network(swapped))


def test_dropout_of_the_transformer_acts_in_training_only():
    network = vit_small(4, (3, 8, 8), width=8, depth=1, heads=2, hidden=8, dropout=0.5)
    images = torch.randn(1, 3, 8, 8)
    assert not torch.equal(network(images), network(images))
    assert torch.equal(network.eval()(images), network(images))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (partial(vgg16_bn, 10, (3, 28, 28)), r"^vgg16_bn halves images five times, and 28x28 "),
        (partial(vit_small, 10, (3, 30, 32)), r"^patch: 4 does not divide 30x32 pixels\.$"),
        (partial(vit_small, 10, heads=3), r"^heads: 3 does not divide the width 256\.$"),
        (partial(from_torchvision, "resnet19", 10), r"^torchvision: 'resnet19' .* 'resnet1"),
        (
            partial(from_torchvision, "resnet18", 10, 2),
            r"takes images of 3 channels or 1, not 2\.$",
        ),
    ],
)
def test_what_cannot_be_built_is_one_sentence(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_torchvisions_classifiers_take_grey_images():
    colour = from_torchvision("squeezenet1_1", 4).eval()
    grey = from_torchvision("squeezenet1_1", 4, 1).eval()
    grey[1].load_state_dict(colour.state_dict())
    image = torch.randn(1, 1, 32, 32)
    torch.testing.assert_close(grey(image), colour(image.repeat(1, 3, 1, 1)))


def test_torchvisions_googlenet_gives_nothing_but_logits():
    with torch.device("meta"):
        network = from_torchvision("googlenet", 4)
        assert network.train()(torch.empty(2, 3, 64, 64)).shape == (2, 4)


# what surrounds one


def classifier(network: nn.Module | None = None, **options) -> ImageClassifier:
    return ImageClassifier(network or resnet20(4, width=2), MEAN, STD, **options)


def test_bytes_are_floats_in_0_to_1_times_255():
    model = classifier().eval()
    assert torch.equal(model(pixels()), model(pixels() / 255))


def test_the_network_sees_normalised_images():
    seen = classifier(nn.Identity())(pixels())
    torch.testing.assert_close(seen, normalize(pixels() / 255, MEAN, STD))
    grey = ImageClassifier(nn.Identity(), [0.5], [0.25])(torch.tensor([[[[0.0, 0.5, 1.0]]]]))
    assert grey.flatten().tolist() == [-2, 0, 2]


def test_the_state_is_the_networks():
    model = classifier()
    assert list(model.state_dict()) == [f"network.{name}" for name in model.network.state_dict()]
    assert not any(parameter is model.mean for parameter in model.parameters())


def test_all_that_determines_the_logits_is_printed():
    printed = repr(classifier(precision="bfloat16", channels_last=True))
    assert "mean=(0.4914, 0.4822, 0.4465), std=(0.247, 0.243, 0.261)" in printed
    assert "precision='bfloat16', channels_last=True, compile=False" in printed


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_a_property_of_the_model(precision):
    model, seen = classifier(precision=precision), []
    model.network.layer1.register_forward_hook(lambda *call: seen.append(call[2].dtype))
    with torch.autocast("cpu", torch.float16):
        logits = model(pixels())
    assert logits.dtype == torch.float32
    assert seen == [getattr(torch, precision)]
    logits.logsumexp(1).sum().backward()
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}


def test_bfloat16_is_float32_to_its_precision():
    exact = classifier(resnet18(4, width=8)).eval()
    rough = copy.deepcopy(exact)
    rough.precision = "bfloat16"
    difference = (exact(pixels()) - rough(pixels())).abs().max().item()
    assert 0 < difference < 0.05 * exact(pixels()).abs().max().item()


def strides(model: nn.Module) -> list[tuple[int, ...]]:
    return [p.stride() for p in model.parameters()]


def test_the_layout_of_weights_survives_all_that_happens_to_a_model():
    plain, model = classifier().eval(), classifier(channels_last=True).eval()
    state = plain.state_dict()
    assert all(value.is_contiguous() for value in state.values())
    model.load_state_dict(state)
    saved = io.BytesIO()
    torch.save(model, saved)
    saved.seek(0)
    for same in (
        model,
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),  # noqa: S301
        torch.load(saved, weights_only=False),
        copy.deepcopy(model).to("cpu").double().float(),
    ):
        layout = torch.channels_last
        assert all(c.weight.is_contiguous(memory_format=layout) for c in convolutions(same))
        assert strides(same) == strides(model) != strides(plain)
        torch.testing.assert_close(same(pixels()), plain(pixels()))


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("arrives", [torch.contiguous_format, torch.channels_last])
def test_images_and_gradients_have_the_layout_of_the_weights(channels_last, arrives):
    seen = []
    model = classifier(channels_last=channels_last)
    model.network.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    logits = model(pixels().contiguous(memory_format=arrives))
    gradients = torch.autograd.grad(logits.logsumexp(1).sum(), list(model.parameters()))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert seen[0].is_contiguous(memory_format=layout)
    assert [g.stride() for g in gradients] == strides(model)


@pytest.mark.parametrize(("channels_last", "precision"), [(False, "float32"), (True, "bfloat16")])
def test_floats_get_gradients(channels_last, precision):
    model = classifier(channels_last=channels_last, precision=precision).eval()
    images = (pixels() / 255).requires_grad_()
    (slope,) = torch.autograd.grad(model(images).logsumexp(1).sum(), images)
    assert slope.shape == images.shape
    assert slope.abs().amax((1, 2, 3)).min() > 0


@pytest.mark.parametrize(
    "build", [partial(resnet20, width=2), partial(vit_small, shape=(3, 8, 8), width=8, depth=1)]
)
def test_gradients_can_be_differentiated_once_more(build):
    model = classifier(build(4)).double().eval()
    weight = next(model.network.parameters())
    loss = model(pixels(2)).logsumexp(1).sum()
    (first,) = torch.autograd.grad(loss, weight, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), weight)
    assert second.isfinite().all()
    assert second.any()


def test_compiled_networks_give_the_same_logits_and_copies_compile_for_themselves(monkeypatch):
    compiled = []

    def compile_eagerly(function, **_):
        compiled.append(function)
        return compile_really(function, backend="eager")

    compile_really = torch.compile
    monkeypatch.setattr(torch, "compile", compile_eagerly)

    def tiny():
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 4))

    plain, model = classifier(tiny()).eval(), classifier(tiny(), compile=True).eval()
    model.load_state_dict(plain.state_dict())
    assert not compiled
    for same in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        torch.testing.assert_close(same(pixels()), plain(pixels()))
        torch.testing.assert_close(same(pixels()), plain(pixels()))
    again = copy.deepcopy(model)  # of a compiled one
    torch.testing.assert_close(again(pixels()), plain(pixels()))
    assert len(compiled) == 4
    torch.compiler.reset()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, r"^precision: 'float16' .* did you mean 'bfloat16'"),
        ({"std": (0.1, 0.1)}, r"^std: \[0\.1, 0\.1\] does not fit mean \[0\.4914"),
        ({"std": (0.1, 0.1, 0.0)}, r"^std: .* one value above 0 for each channel\.$"),
    ],
)
def test_unusable_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ImageClassifier(nn.Identity(), **{"mean": MEAN, "std": STD, **options})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("build", [resnet18, vgg16_bn, vit_small])
def test_a_gpu_agrees(build):
    images = pixels(32, side=32)
    model = classifier(build(10)).eval()
    expected = model(images)
    model = model.cuda()
    torch.testing.assert_close(model(images.cuda()).cpu(), expected, rtol=1e-2, atol=1e-2)
    fast = ImageClassifier(model.network, MEAN, STD, "bfloat16", channels_last=True).cuda().eval()
    logits = fast(images.cuda())
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits.cpu(), expected, rtol=0.1, atol=0.1)
