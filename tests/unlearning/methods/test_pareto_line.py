"""PaMaL on two quadratics, whose Pareto set is known, and on small networks."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, hypervolume
from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning import Budget, UnlearningData, make_method
from pareto_explorer.unlearning.methods._lines import MEMBERS, Ends, LowRankEnds, make_line
from pareto_explorer.unlearning.methods.controls import FineTune
from pareto_explorer.unlearning.methods.interpolation import Interpolation
from pareto_explorer.unlearning.methods.pareto_line import ParetoLine
from tests.unlearning.toys import draws, flat, make_data, network

FORGET = torch.tensor([1.0, 2.0], dtype=torch.float64)
ROUND = torch.ones(2, dtype=torch.float64)
LONG = torch.tensor([1.0, 4.0], dtype=torch.float64)
WIDE = torch.tensor([4.0, 1.0], dtype=torch.float64)
PLAIN = {"momentum": 0.0, "weight_decay": 0.0}
KL = {"method": "pareto_line", "forget_loss": "kl_uniform"}


class Place(nn.Module):
    """A point of the plane, which is all that it answers."""

    def __init__(self, at: tuple[float, float]) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.tensor(at, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.at.expand(len(inputs), 2)


def bowl(points: Tensor, bottom: Tensor, curvature: Tensor) -> Tensor:
    """½‖θ − bottom‖² in the norm of the curvature, the mean over points."""
    return (curvature * (points - bottom) ** 2).sum(-1).mean() / 2


def plane(curvature: Tensor) -> UnlearningData:
    """Retaining means to be at 0."""
    one = Samples(torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64))
    zero = torch.zeros(2, dtype=torch.float64)
    return UnlearningData(one, one, one, 2, loss=lambda z, _: bowl(z, zero, curvature))


def trained(curvatures: tuple[Tensor, Tensor], steps: int, lr: float, points: int = 11) -> Tensor:
    """The models of a trained line, (points, 2)."""
    retain, forget = curvatures
    method = ParetoLine(
        forget_loss=lambda batch: bowl(batch.logits, FORGET, forget), lr=lr, points=points, **PLAIN
    )
    budget = Budget(steps, 1, steps)
    models = method.run(Place((3.0, -1.0)), plane(retain), budget, draws())
    return torch.stack([model.at.detach().clone() for model in models])


def front_of(places: Tensor, curvatures: tuple[Tensor, Tensor]) -> float:
    """The hypervolume of points of the plane, up to what the optimum of the other loss has."""
    retain, forget = curvatures
    zero = torch.zeros(2, dtype=torch.float64)
    nadirs = bowl(FORGET[None], zero, retain), bowl(zero[None], FORGET, forget)
    box = Box(tuple(Objective(n, "min", 0.0, float(w)) for n, w in zip("rf", nadirs, strict=True)))
    losses = [
        [float(bowl(at[None], zero, retain)), float(bowl(at[None], FORGET, forget))]
        for at in places
    ]
    return hypervolume(np.array(losses), box).value


def test_with_equal_curvature_the_line_is_the_pareto_set():
    found = trained((ROUND, ROUND), steps=800, lr=0.3)
    shares = torch.linspace(0, 1, 11, dtype=torch.float64)
    torch.testing.assert_close(found, shares[:, None] * FORGET, atol=1e-6, rtol=0)


def test_otherwise_it_is_near_the_front_and_gives_up_its_ends():
    curvatures = LONG, WIDE
    found = trained(curvatures, steps=1500, lr=0.05, points=101)
    shares = torch.linspace(0, 1, 1001, dtype=torch.float64)[:, None]
    curved = shares * WIDE * FORGET / ((1 - shares) * LONG + shares * WIDE)
    ratio = front_of(found, curvatures) / front_of(curved, curvatures)
    assert 0.95 <= ratio <= 1
    assert found[0].norm() > 0.2
    assert (found[-1] - FORGET).norm() > 0.2


@dataclass(frozen=True, kw_only=True)
class Fixed(ParetoLine):
    """λ is the same in every step."""

    at: float = 0.0

    def draw_preference(self, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        return torch.tensor(self.at)


def kl_uniform(batch) -> Tensor:
    return -batch.logits.log_softmax(1).mean()


def states(models) -> list[dict[str, Tensor]]:
    return [copy.deepcopy(model.state_dict()) for model in models]


def assert_equal(one: nn.Module | dict, other: nn.Module | dict, *, buffers: bool = True) -> None:
    first, second = (x if isinstance(x, dict) else x.state_dict() for x in (one, other))
    for name, value in first.items():
        if buffers or not ("running" in name or "tracked" in name):
            assert torch.equal(value, second[name]), name


def test_at_preference_0_the_first_end_descends_on_the_retain_loss_bit_by_bit():
    options = {"lr": 0.1, "momentum": 0.9}
    line = Fixed(forget_loss=kl_uniform, points=3, **options)
    budget = Budget(12, 5, 4)
    found = states(line.run(network(), make_data(), budget, draws()))
    plain = Budget(12, 5, 4)
    tuned = states(FineTune(**options).run(network(), make_data(), plain, draws()))
    for first, expected in zip(found[::3], tuned, strict=True):
        assert_equal(first, expected, buffers=False)  # forget batches move the running statistics
    assert budget.ledger.samples == 2 * plain.ledger.samples  # read, though they weigh nothing


def test_at_preference_0_the_second_end_only_decays():
    line = Fixed(forget_loss=kl_uniform, points=2, lr=0.1, **PLAIN)
    *_, last = line.run(network(), make_data(), Budget(3, 5, 3), draws())
    assert torch.equal(flat(last), flat(network()))


@pytest.mark.parametrize("members", MEMBERS)
def test_a_line_begins_at_the_original_everywhere(members):
    line = make_line(members, network(), rank=2)
    if isinstance(line, LowRankEnds):
        line.draw(draws())
        assert all(rows.abs().sum() > 0 for rows in line.rows)
    for position in (0.0, 0.3, 1.0):
        assert_equal(line.show(network(seed=1), position), network())
    line.preference = torch.tensor(0.7)
    inputs = torch.randn(5, 4, generator=draws())
    assert torch.equal(line.eval()(inputs), network().eval()(inputs))


@pytest.mark.parametrize("members", MEMBERS)
def test_the_ends_share_the_gradient_as_the_preference_says(members):
    """By differences of the loss, too, for a weight of each end."""
    torch.set_default_dtype(torch.float64)
    try:
        line = make_line(members, network(), rank=2).eval()
        inputs, labels = make_data(dtype=torch.float64).retain.inputs, make_data().retain.labels
    finally:
        torch.set_default_dtype(torch.float32)
    if isinstance(line, LowRankEnds):
        line.draw(draws())
        with torch.no_grad():  # one A for both, so that both ends see the same gradient
            for rows in line.rows:
                rows[1] = rows[0]
    line.preference = torch.tensor(0.3, dtype=torch.float64)

    def loss() -> Tensor:
        return nn.functional.cross_entropy(line(inputs), labels)

    value = loss()
    if isinstance(line, Ends):
        (name, *_), (second, *_) = line.names, line.second
        first = line.model.get_parameter(name)
        pairs = [(first, (0,) * first.ndim), (second, (0,) * second.ndim)]
    else:
        pairs = [(line.columns[0], (0, 1, 1)), (line.columns[0], (1, 1, 1))]
    analytic = [
        float(torch.autograd.grad(value, tensor, retain_graph=True)[0][index])
        for tensor, index in pairs
    ]
    numeric = []
    for tensor, index in pairs:
        sides = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                tensor[index] += step
                sides.append(float(loss()))
                tensor[index] -= step
        numeric.append((sides[0] - sides[1]) / 2e-6)
    assert analytic == pytest.approx(numeric, abs=1e-8)
    assert abs(analytic[0]) > 1e-4
    assert analytic[0] / analytic[1] == pytest.approx(0.7 / 0.3)


def test_normalisation_members_share_all_other_weights():
    model = network()
    line = make_line("norm", model, rank=2)
    assert line.names == ("1.weight", "1.bias")
    own, trainable = set(model.parameters()), set(line.parameters())
    assert own < trainable  # the very same tensors
    assert sum(p.numel() for p in trainable - own) == 12
    shown = states(
        make_method(KL | {"members": "norm"}).run(model, make_data(), Budget(4, 5, 4), draws())
    )
    for name, first in shown[0].items():
        assert torch.equal(first, shown[-1][name]) == (name not in line.names)
        moved = not torch.equal(first, network().state_dict()[name])
        assert moved or name.endswith("tracked")


def test_low_rank_ends_differ_by_low_rank_and_shared_weights_train():
    start = network().state_dict()
    config = KL | {"members": "lora", "rank": 1, "lr": 0.1}
    shown = states(make_method(config).run(network(), make_data(), Budget(6, 5, 6), draws()))
    for name in ("0.weight", "3.weight"):
        difference = shown[0][name] - shown[-1][name]
        assert torch.linalg.matrix_rank(difference, atol=1e-6) == 2  # one from each end
        assert not torch.equal(shown[5][name], start[name])
    assert torch.equal(shown[0]["0.bias"], shown[-1]["0.bias"])


@pytest.mark.parametrize("members", MEMBERS)
def test_models_lie_evenly_on_a_straight_line_and_cost_one_line(members):
    method = make_method(KL | {"members": members, "points": 5})
    budget = Budget(6, 5, 3)
    places, shown, spent = [], [], []
    for model in method.run(network(), make_data(), budget, draws()):
        ledger = budget.ledger
        places.append((ledger.step, ledger.position, ledger.more))
        spent.append(ledger.samples)
        shown.append(flat(model))
        assert not model.training
    assert places == [(step, k / 4, k < 4) for step in (3, 6) for k in range(5)]
    assert spent == [60] * 5 + [120] * 5  # 3 steps · 2 batches of 5 · forward and backward
    for line in (shown[:5], shown[5:]):
        middle = torch.lerp(line[0], line[4], 0.25)
        torch.testing.assert_close(line[1], middle, atol=1e-6, rtol=1e-5)
        assert not torch.equal(line[0], line[4])


def test_parameters_that_are_not_trained_stay():
    model = network()
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    *_, last = make_method(KL).run(model, make_data(), Budget(2, 5, 2), draws())
    assert torch.equal(last[0].weight, before)


@pytest.mark.parametrize("members", ["norm", "lora"])
def test_a_model_without_such_layers_is_refused(members):
    with pytest.raises(InputError, match=r"^members: the model has no .* layer to train"):
        make_line(members, Place((0.0, 0.0)), rank=2)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"members": "half"}, "members: 'half' must be"),
        ({"points": 1}, "points: 1 must be a whole number above 1"),
        ({"rank": 0}, "rank: 0 must be"),
    ],
)
def test_bad_knobs_are_refused(knobs, message):
    with pytest.raises(InputError, match=message):
        make_method(KL | knobs)


def test_interpolation_goes_from_the_original_to_what_the_weighted_sum_unlearns():
    method = Interpolation(forget_loss=kl_uniform, points=3, lr=0.1, weight=1.0)
    budget = Budget(4, 5, 2)
    found = states(method.run(network(), make_data(), budget, draws()))
    assert len(found) == 6
    for first, middle, last in (found[:3], found[3:]):
        assert_equal(first, network())
        for name in ("0.weight", "1.running_var"):
            torch.testing.assert_close(middle[name], (first[name] + last[name]) / 2)
    assert not torch.equal(found[2]["0.weight"], found[5]["0.weight"])
    sums = make_method(
        {"method": "jacobian_descent", "aggregator": "weighted_sum", "forget_loss": "kl_uniform"}
        | {"weight": 0.25, "lr": 0.1}
    )
    expected = states(sums.run(network(), make_data(), Budget(4, 5, 2), draws()))
    method = make_method(
        {"method": "interpolation", "forget_loss": "kl_uniform", "weight": 0.25, "lr": 0.1}
    )
    found = states(method.run(network(), make_data(), Budget(4, 5, 2), draws()))
    for ends, state in zip(found[10::11], expected, strict=True):
        for name, value in state.items():
            torch.testing.assert_close(ends[name], value)
