from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import load_weights


def state():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).state_dict()


def same(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"state_dict": s, "epoch": 12},
        lambda s: {"model_state_dict": s, "optimizer": {"lr": 0.1}},
        lambda s: {"model": s, "best": 0.9},
        lambda s: {f"module.{k}": v for k, v in s.items()},
        lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
        lambda s: {"state_dict": {f"module._orig_mod.{k}": v for k, v in s.items()}},
        lambda s: {k.replace(".", "._orig_mod.", 1): v for k, v in s.items()},
    ],
)
@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.ckpt", "model.bin"])
def test_checkpoints_of_every_form_give_the_weights(wrap, name, tmp_path):
    torch.save(wrap(state()), tmp_path / name)
    same(load_weights(tmp_path / name), state())


def test_safetensors(tmp_path):
    save_file({f"module.{k}": v for k, v in state().items()}, tmp_path / "model.safetensors")
    same(load_weights(str(tmp_path / "model.safetensors")), state())


def test_weights_from_a_gpu_come_to_the_cpu(tmp_path):
    torch.save(state(), tmp_path / "model.pt")
    assert {v.device.type for v in load_weights(tmp_path / "model.pt").values()} == {"cpu"}


def test_a_pickled_model_is_refused_without_running_it(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"objects besides tensors.*save model\.state_dict\(\)"):
        load_weights(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"epoch": 3, "weights": {}}, "its keys are epoch, weights"),
        ([1, 2], "it holds a list"),
        (torch.zeros(2), "it holds a Tensor"),
    ],
)
def test_a_file_without_weights_is_refused(content, found, tmp_path):
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(InputError, match=f"holds no state dict \\({found}\\)"):
        load_weights(tmp_path / "model.pt")


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_a_damaged_or_missing_file_is_refused(name, tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \("):
        load_weights(tmp_path / name)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match="is damaged or of another format"):
        load_weights(tmp_path / name)
    (tmp_path / name).write_bytes(b"PK\x03\x04 and no more" * 9)
    with pytest.raises(InputError, match="is damaged or "):
        load_weights(tmp_path / name)
    (tmp_path / name).write_bytes(b"garbage")
    with pytest.raises(InputError, match="is damaged or "):
        load_weights(tmp_path / name)


def test_another_type_of_file_is_refused():
    with pytest.raises(InputError, match=r"weights: file type: '\.h5' is not known"):
        load_weights("model.h5")
