import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.tokens import IGNORED
from pareto_explorer.unlearning import Budget, make_method
from pareto_explorer.unlearning.core.data import Streams
from pareto_explorer.unlearning.methods.rmu import RMU, middle_block
from tests.tasks.sequences import SmallCausal
from tests.unlearning.methods.test_unused_parameters import Spare
from tests.unlearning.sequence_data import sequence_data
from tests.unlearning.toys import draws, flat, make_data, network

WHOLE = 100


def causal():
    torch.manual_seed(0)
    return SmallCausal()


def unlearn(method, model, data, steps=1, seed=0):
    budget = Budget(steps, WHOLE, steps)
    list(method.run(model, data, budget, draws(seed)))
    return budget.ledger


def test_a_step_follows_the_gradient_of_the_definition():
    data, model = sequence_data(), causal()
    reference, original = copy.deepcopy(model), copy.deepcopy(model)
    method = RMU(
        lr=0.1,
        optimizer="sgd",
        weight_decay=0.0,
        layer="body.1",
        steering=3.0,
        forget_coefficient=2.0,
        retain_coefficient=0.5,
    )
    ledger = unlearn(method, model, data)

    u = torch.rand(32, generator=Streams(data, WHOLE, draws()).generator("weights"))
    target = 3.0 * u / u.norm()

    def hidden(net, ids):
        placed = net.token(ids) * net.place[: ids.shape[1]]
        return net.body[:2](placed.cumsum(1))

    def distance(net, samples, goal):
        rows = []
        for h, t, labels in zip(hidden(net, samples.inputs), goal, samples.labels, strict=True):
            marked = [i for i, label in enumerate(labels.tolist()) if label != IGNORED]
            parts = [((h[i] - t[i]) ** 2).sum() / 32 for i in marked]
            rows.append(sum(parts) / len(parts))
        return sum(rows) / len(rows)

    shape = (*data.forget.inputs.shape, 32)
    loss_f = distance(reference, data.forget, target.expand(shape))
    before = hidden(original, data.retain.inputs).detach()
    loss_r = distance(reference, data.retain, before)
    (2.0 * loss_f + 0.5 * loss_r).backward()
    for moved, start in zip(model.parameters(), reference.parameters(), strict=True):
        gradient = 0 if start.grad is None else start.grad
        torch.testing.assert_close(moved, start - 0.1 * gradient)
    assert ledger.drain() == pytest.approx(
        {"loss_retain": 0.0, "loss_forget": loss_f.item()}, abs=1e-7
    )
    assert (ledger.forward, ledger.backward) == (24 + 24 + 8, 24 + 8)


def test_hidden_states_of_the_forget_set_go_to_the_target():
    data, model = sequence_data(), causal()
    ledger = unlearn(RMU(lr=3e-3, steering=20.0, layer="body"), model, data, 1)
    before = ledger.drain()["loss_forget"]
    model = causal()
    assert (
        unlearn(RMU(lr=3e-3, steering=20.0, layer="body"), model, data, 60).drain()["loss_forget"]
        < 0.5 * before
    )


def test_on_classes_the_output_is_flattened():
    model, data = network(), make_data()
    ledger = unlearn(RMU(layer="0", batch_norm="frozen", optimizer="sgd"), model, data)
    u = torch.rand(6, generator=Streams(data, WHOLE, draws()).generator("weights"))
    h = network()[0](data.forget.inputs)
    expected = (h - 2.0 * u / u.norm()).square().mean().item()
    assert ledger.drain()["loss_forget"] == pytest.approx(expected, rel=1e-5)


def test_only_chosen_parameters_move():
    model = causal()
    start = copy.deepcopy(model)
    unlearn(RMU(lr=0.01, layer="body", trained="body.*.weight"), model, sequence_data(), 2)
    for (name, moved), before in zip(model.named_parameters(), start.parameters(), strict=True):
        assert torch.equal(moved, before) != (name in ("body.0.weight", "body.2.weight"))


def test_a_seed_draws_a_target():
    models = [causal() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        unlearn(RMU(lr=0.01, layer="body"), model, sequence_data(), 2, seed)
    first, again, other = map(flat, models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))

    def forward(self, inputs):
        return (inputs + self.inner(inputs), None)


class Stack(nn.Module):
    def __init__(self, depth=3):
        super().__init__()
        self.embed = nn.Embedding(4, 3)
        self.blocks = nn.ModuleList(Block() for _ in range(depth))
        self.head = nn.Linear(3, 4)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Stack(3), "blocks.1"),
        (Stack(16), "blocks.7"),
        (Stack(2), "blocks.0"),
        (network(), "1"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), "0"),
        (causal(), "body.1"),
        (Spare(), "head"),
    ],
    ids=["three", "sixteen", "two", "chain", "alike", "small", "none"],
)
def test_the_middle_block(model, name):
    assert middle_block(model) == name


def test_layers_that_return_tuples_are_known_by_the_first():
    class Tuples(SmallCausal):
        def __init__(self):
            super().__init__(3)
            self.body = Block()

        def forward(self, ids):
            return self.head(self.body(self.token(ids))[0])

    torch.manual_seed(0)
    ledger = unlearn(RMU(layer="body"), Tuples(), sequence_data())
    assert math.isfinite(ledger.drain()["loss_forget"])


def test_what_the_model_lacks_is_named():
    data = sequence_data()
    for knobs, message in (
        ({"layer": "bodi"}, r"^layer: 'bodi' is not known; did you mean 'body'"),
        ({"layer": "token", "trained": "x*"}, r"^trained: no trainable parameter has a name like"),
    ):
        with pytest.raises(InputError, match=message):
            unlearn(RMU(**knobs), causal(), data)
    model = causal()
    model.idle = nn.Linear(2, 2)
    with pytest.raises(InputError, match=r"'idle' gives no hidden state of each token"):
        unlearn(RMU(layer="idle"), model, data)
    with pytest.raises(InputError, match="'rmu' needs a layer inside the model, and Linear has"):
        unlearn(RMU(), nn.Sequential(nn.Linear(4, 3))[0], replace(make_data()))
    with pytest.raises(InputError, match="steering: 0 must be a number above 0"):
        make_method({"method": "rmu", "steering": 0})
