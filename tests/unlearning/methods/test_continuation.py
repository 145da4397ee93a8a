"""A run whose knob moves in levels."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.hypervolume import volume
from pareto_explorer.unlearning import AGGREGATORS, FORGET_LOSSES, Budget, ForgetBatch, make_method
from pareto_explorer.unlearning.aggregators.mgda import MGDA
from pareto_explorer.unlearning.aggregators.weighted_sum import WeightedSum
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform
from pareto_explorer.unlearning.methods._continuation import Path
from pareto_explorer.unlearning.methods.jacobian_descent import JacobianDescent
from tests.unlearning.quadratics import Point, Quadratics
from tests.unlearning.toys import draws, make_data, network

FAMILY = {"method": "jacobian_descent", "aggregator": "weighted_sum", "forget_loss": "kl_uniform"}
#: What has a state, what asks for draws, and a knob of each kind of part.
PATHS = [
    {"path": "weight"},
    {"aggregator": "upgrad", "path": "preference", "optimizer": "adamw"},
    {"aggregator": "cup", "path": "intensity", "granularity": "layer"},
    {"aggregator": "sdmgrad", "path": "preference"},
    {"aggregator": "gru", "path": "tracking"},
    {"aggregator": "cr_mogm", "path": "alpha", "forget_loss": "random_labels"},
    {"aggregator": "famo", "path": "weight_lr", "forget_loss": "bounded_cross_entropy"},
    {"forget_loss": "negative_cross_entropy", "path": "clip"},
    {"aggregator": "mean", "path": "lr"},
]
each_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: path["path"])


def states_of(config, budget, seed=0):
    """All parameters and buffers, the diagnostics and the step at every model of a run."""
    model, found = network(), []
    for shown in make_method(FAMILY | config).run(model, make_data(), budget, draws(seed)):
        state = copy.deepcopy(shown.state_dict())
        found.append((state, budget.ledger.drain(), budget.ledger.step, budget.ledger.samples))
    return found


def assert_same(found, expected):
    assert len(found) == len(expected) > 0
    for (state, told, *spent), (other, also, *spent_too) in zip(found, expected, strict=True):
        assert all(torch.equal(state[name], other[name]) for name in other)
        assert told == also
        assert spent == spent_too


@each_path
def test_one_level_is_a_plain_run(path):
    knob = path["path"]
    plain = {key: value for key, value in path.items() if key != "path"} | {knob: 0.4}
    level = path | {"path_from": 0.4, "path_to": 0.1, "path_levels": 1}
    found = states_of(level, Budget(12, 5, 4))
    assert [told.pop("path_value") for _, told, *_ in found] == [0.4]
    assert_same(found, states_of(plain, Budget(12, 5, 12)))


@each_path
def test_levels_of_one_value_are_a_plain_run_with_more_models(path):
    """So state, momentum, batches and diagnostics go on from one level to the next."""
    knob = path["path"]
    plain = {key: value for key, value in path.items() if key != "path"} | {knob: 0.4}
    levels = path | {"path_from": 0.4, "path_to": 0.4, "path_levels": 3}
    found = states_of(levels, Budget(12, 5, 12))
    assert [told.pop("path_value") for _, told, *_ in found] == [0.4] * 3
    assert_same(found, states_of(plain, Budget(12, 5, 4)))


@each_path
def test_a_knob_that_moves_changes_the_run(path):
    ends = {"path_from": 0.9, "path_to": 0.2, "path_levels": 3}
    first, *_, last = states_of(path | ends, Budget(12, 5, 12))
    same_first, *_, other_last = states_of(path | ends | {"path_to": 0.9}, Budget(12, 5, 12))
    assert torch.equal(first[0]["0.weight"], same_first[0]["0.weight"])
    assert not torch.equal(last[0]["0.weight"], other_last[0]["0.weight"])


@pytest.mark.parametrize("ends", [(0.95, 0.05), (0.05, 0.95)], ids=["down", "up"])
def test_every_step_of_a_level_has_its_value(ends):
    seen = []

    class Watched(WeightedSum):
        def forward(self, gramian, /):
            seen.append(self.weight)
            return super().forward(gramian)

    given_one = Watched(0.5)
    method = JacobianDescent(
        aggregator=given_one,
        forget_loss=kl_uniform,
        path="weight",
        path_from=ends[0],
        path_to=ends[1],
        path_levels=4,
    )
    budget, told, steps = Budget(12, 5, 5), [], []
    for _ in method.run(network(), make_data(), budget, draws()):
        told.append(budget.ledger.drain()["path_value"])
        steps.append(budget.ledger.step)
    levels = [ends[0], *[ends[0] + (ends[1] - ends[0]) * k / 3 for k in (1, 2)], ends[1]]
    assert told == pytest.approx(levels, rel=1e-12)
    assert (told[0], told[-1]) == ends
    assert seen == [value for value in told for _ in range(3)]
    assert steps == [3, 6, 9, 12]
    assert given_one.weight == 0.5  # the run has a copy of its own


def test_a_learning_rate_of_zero_leaves_the_model():
    model = network()
    before = [p.detach().clone() for p in model.parameters()]
    method = JacobianDescent(
        aggregator=WeightedSum(), forget_loss=kl_uniform, lr=0.0, path="weight", path_levels=4
    )
    for shown in method.run(model, make_data(), Budget(8, 5, 8), draws()):
        assert all(map(torch.equal, before, shown.parameters()))


def test_the_defaults_forget_strongly_first():
    told = [point[1]["path_value"] for point in states_of({"path": "weight"}, Budget(22, 5, 22))]
    assert told == pytest.approx(np.linspace(0.95, 0.05, 11))


@given(
    st.floats(0.01, 10),
    st.floats(0.01, 10),
    st.integers(1, 30),
    st.integers(1, 4),
    st.sampled_from(["linear", "log"]),
)
def test_levels_are_even_and_equally_long(first, last, levels, each, scale):
    path = Path("weight", first, last, levels, scale)
    values = np.array([path.at(level) for level in range(levels)])
    assert values[0] == first
    assert levels == 1 or values[-1] == last
    even = np.log(values) if scale == "log" else values
    np.testing.assert_allclose(np.diff(even, 2), 0, atol=1e-12 * levels * max(first, last, 5))
    steps = levels * each
    assert path.ends(steps) == tuple(range(each, steps + 1, each))
    assert list(path.starts(steps)) == list(range(0, steps, each))


@given(st.integers(1, 30), st.integers(1, 40))
def test_a_run_of_any_length_shows_a_model_at_each_step_once(levels, steps):
    ends = Path("weight", 0.9, 0.1, levels).ends(steps)
    assert len(ends) == min(levels, steps)
    assert list(ends) == sorted(set(ends))
    assert ends[0] > 0
    assert ends[-1] == steps


def models_of(losses, steps, lr, weight=0.5, **path):
    """θ of every model of a run from θ = 0, as (n, 2)."""
    method = JacobianDescent(
        aggregator=WeightedSum(weight),
        forget_loss=losses.forget_loss,
        lr=lr,
        momentum=0.0,
        weight_decay=0.0,
        **path,
    )
    shown = method.run(Point(), losses.data(), Budget(steps, 1, steps), draws())
    return np.array([model.theta.detach().numpy().copy() for model in shown])


@pytest.mark.parametrize("ends", [(0.95, 0.05), (0.05, 0.95)], ids=["down", "up"])
def test_equal_curvature_gives_the_segment(ends):
    losses = Quadratics()
    path = {"path": "weight", "path_from": ends[0], "path_to": ends[1], "path_levels": 9}
    found = models_of(losses, 9 * 30, 0.5, **path)
    np.testing.assert_allclose(found, losses.pareto_set(np.linspace(*ends, 9)), atol=1e-6)
    np.testing.assert_allclose(found[:, 1], 2 * found[:, 0], atol=1e-12)  # from a to b


@pytest.mark.parametrize("ends", [(1.0, 0.0), (0.0, 1.0)], ids=["down", "up"])
def test_other_curvatures_give_more_than_runs_from_the_start_do(ends):
    losses = Quadratics(curvature_r=(1, 4), curvature_f=(4, 1))
    exact = losses.pareto_set(np.linspace(0, 1, 1001))
    worst = losses.losses(exact).max(0)

    def share(thetas):
        """Of the hypervolume of the exact front."""
        front, found = losses.losses(exact) / worst, losses.losses(thetas) / worst
        inside = found[(found < 1).all(1)]
        return volume(inside, (1.0, 1.0)) / volume(front[(front < 1).all(1)], (1.0, 1.0))

    path = {"path": "weight", "path_from": ends[0], "path_to": ends[1], "path_levels": 25}
    continued = share(models_of(losses, 250, 0.1, **path))
    apart = [models_of(losses, 10, 0.1, weight) for weight in np.linspace(0, 1, 25)]
    assert 0.98 < continued < 1
    assert continued > share(np.concatenate(apart)) + 0.01


#: Every knob that a path could move, of every aggregator and forget loss.
MOVABLE = [
    (part, entry.name, knob.name)
    for part, entries in (("aggregator", AGGREGATORS), ("forget_loss", FORGET_LOSSES))
    for entry in entries.values()
    for knob in entry.knobs
    if not isinstance(knob.default, str | bool) and knob.check(0.3) is None
]
#: Those that are read when the aggregator is made: by a solver, as a first value, or not at all.
READ_ONCE = {("nash_mtl", "max_norm"), ("eupmu_implicit", "multiplier"), ("gru", "tracking")}


@pytest.mark.parametrize(("part", "name", "knob"), MOVABLE, ids=lambda word: str(word))
def test_a_knob_that_is_moved_is_one_that_was_given(part, name, knob):
    entry = (AGGREGATORS if part == "aggregator" else FORGET_LOSSES)[name]
    parts = {
        "aggregator": WeightedSum(),
        "forget_loss": FORGET_LOSSES["bounded_cross_entropy"].build(),
    }
    moves = {"path": knob, "path_from": 0.3, "path_levels": 1}
    if (name, knob) in READ_ONCE:
        with pytest.raises(InputError, match=f"^path: '{knob}' does not move, since neither"):
            JacobianDescent(**parts | {part: entry.build()}, **moves)
        return
    moved, built = (
        JacobianDescent(**parts | {part: entry.build(**given)}, **path)
        for given, path in (({}, moves), ({knob: 0.3}, {}))
    )
    one, other = network(), network()
    assert len(list(moved.run(one, make_data(), Budget(6, 5, 6), draws()))) == 1
    assert len(list(built.run(other, make_data(), Budget(6, 5, 6), draws()))) == 1
    assert all(map(torch.equal, one.parameters(), other.parameters()))


def test_a_path_of_a_knob_that_only_some_values_have_begins_with_such_a_value():
    """GRU has no moving average where the share of the new gradient is 1."""
    config = FAMILY | {"aggregator": "gru", "path": "tracking", "path_from": 0.9, "path_to": 0.1}
    assert make_method(config).aggregator.tracking == 0.9


class OwnLoss:
    """A forget loss of a user's own that keeps its knob."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def __call__(self, batch: ForgetBatch) -> torch.Tensor:
        return self.scale * kl_uniform(batch)


def test_a_forget_loss_of_ones_own_moves_and_stays_as_it_was():
    own = OwnLoss()
    method = JacobianDescent(
        aggregator=WeightedSum(), forget_loss=own, path="scale", path_from=3.0, path_levels=1
    )
    one, other = network(), network()
    list(method.run(one, make_data(), Budget(4, 5, 4), draws()))
    plain = JacobianDescent(aggregator=WeightedSum(), forget_loss=OwnLoss(3.0))
    list(plain.run(other, make_data(), Budget(4, 5, 4), draws()))
    assert all(map(torch.equal, one.parameters(), other.parameters()))
    assert own.scale == 1.0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"path": "wieght"}, "path: 'wieght' is not known; did you mean 'weight'? Choose from lr"),
        ({"path": "momentum"}, "path: 'momentum' is not known"),
        ({"path": "weight", "weight": 0.5}, "weight: given, and moves along the path; remove one"),
        ({"path": "weight", "path_to": 1.2}, "path_to: 1.2 must be a number from 0 to 1."),
        ({"path": "lr"}, "path_from: missing; say at which value lr begins."),
        ({"path": "lr", "path_from": 0.1}, "path_to: missing; say at which value lr ends."),
        ({"path_levels": 3}, "path_levels: 3 given, and nothing moves; name a knob at path, or"),
        ({"path": "weight", "path_levels": 0}, "path_levels: 0 must be a whole number above 0."),
        ({"path": "weight", "path_scale": "root"}, "path_scale: 'root' must be one of linear, log"),
        ({"path": "weight", "path_to": 0, "path_scale": "log"}, "path_to: 0 has no logarithm;"),
        (
            {"path": "lr", "path_from": 0.1, "path_to": 0.01, "auto_lr": True},
            "path: lr moves along it, and auto_lr sets it too; set auto_lr to false.",
        ),
        (
            {"aggregator": "dwa", "path": "window", "path_from": 9, "path_to": 2, "path_levels": 3},
            "path_levels, window in between: 5.5 must be a whole number above 0.",
        ),
    ],
)
def test_a_path_that_does_not_fit_is_refused(config, message):
    with pytest.raises(InputError) as caught:
        make_method(FAMILY | config)
    assert str(caught.value).startswith(message)


def test_a_whole_number_moves_in_whole_numbers():
    make_method(FAMILY | {"aggregator": "dwa", "path": "window", "path_from": 20, "path_to": 10})
    values = [Path("window", 20, 10, 11).at(level) for level in range(11)]
    assert values == list(range(20, 9, -1))
    assert {type(value) for value in values} == {int}


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"path_levels": 0}, "path_levels: 0 must be a whole number above 0."),
        (
            {"path_scale": "log", "path_from": 0.9, "path_to": -0.1},
            "path_scale: log given for values from 0.9 to",
        ),
        ({"path": "training"}, "path: "),
    ],
)
def test_a_path_that_does_not_fit_is_refused_where_the_method_is_made_in_python(knobs, message):
    config = {"aggregator": WeightedSum(), "forget_loss": kl_uniform, "path": "weight"} | knobs
    with pytest.raises(InputError) as caught:
        JacobianDescent(**config)
    assert str(caught.value).startswith(message)


def test_an_unknown_scale_is_refused_where_the_method_is_made_in_python():
    with pytest.raises(InputError, match=r"^path_scale: 'root' is not known"):
        JacobianDescent(aggregator=MGDA(), forget_loss=kl_uniform, path_scale="root")
