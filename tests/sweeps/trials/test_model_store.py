import hashlib
import pickle

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.trials.model_store import ModelStore

WAITS = (1.0, 2.0, 3.0)


@pytest.fixture
def model():
    """With running statistics, two names for one tensor, and one that is not contiguous."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    model[2].bias = nn.Parameter(torch.arange(6.0)[::2])
    return model


@pytest.fixture
def slept(monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


class Flaky(ModelStore):
    """Cannot be written as often as it is told."""

    failures = 0
    error: Exception = OSError("unplugged")

    def put(self, name, content):
        if self.failures:
            self.failures -= 1
            raise self.error
        super().put(name, content)


@pytest.mark.parametrize("uri", [False, True])
def test_writes_the_whole_state(model, tmp_path, uri):
    store = ModelStore(tmp_path.as_uri() if uri else tmp_path)
    kept = store.write("upgrad-000", 1, 20, model)
    path = tmp_path / "models" / kept.file
    content = path.read_bytes()
    assert kept.file == "upgrad-000/replicate-1-step-20.safetensors"
    assert (kept.bytes, kept.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    state = load(content)
    assert state.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(state[name], value)
    with safe_open(path, framework="pt") as file:
        point = {"trial_id": "upgrad-000", "replicate": "1", "step": "20"}
        assert file.metadata() == {"format": "pt"} | point


def test_the_same_weights_give_the_same_file(model, tmp_path):
    store = ModelStore(tmp_path)
    first = store.write("a", 0, 1, model)
    assert store.write("a", 0, 1, model) == first
    with torch.no_grad():
        model[0].weight += 1
    assert store.write("a", 0, 1, model).sha256 != first.sha256
    assert store.sizes() == {first.file: first.bytes}


def test_tries_again_while_the_storage_cannot_be_written(model, tmp_path, slept):
    store = Flaky(tmp_path, waits=WAITS)
    store.failures = 3
    kept = store.write("a", 0, 1, model)
    assert slept == [1.0, 2.0, 3.0]
    assert store.get(kept.file) is not None


@pytest.mark.parametrize("error", [OSError("unplugged"), InputError("no network")])
def test_a_model_that_cannot_be_written_does_not_end_the_trial(
    model, tmp_path, slept, caplog, error
):
    store = Flaky(tmp_path, waits=WAITS)
    store.failures, store.error = 6, error
    assert store.write("a", 0, 1, model) is None
    assert slept == [1.0, 2.0, 3.0]
    assert f"a/replicate-0-step-1.safetensors in {store} is not kept: {error}" in caplog.text
    # The next ones do not wait, until one is written.
    assert store.write("a", 0, 2, model) is None
    assert len(slept) == 3
    assert pickle.loads(pickle.dumps(store)).write("a", 0, 3, model) is not None  # noqa: S301
    slept.clear()
    assert store.write("a", 0, 3, model) is None
    assert store.write("a", 0, 4, model) is not None
    assert slept == []
    store.failures = 1
    assert store.write("a", 0, 5, model) is not None
    assert slept == [1.0]
