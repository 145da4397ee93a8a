"""A run that was put away goes on as if it never had been, for every registered method."""

from __future__ import annotations

import copy
import subprocess
import sys
from types import GeneratorType

import pytest
import torch
from torch import nn

from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.unlearning import (
    AGGREGATORS,
    FORGET_LOSSES,
    METHODS,
    PRESETS,
    Budget,
    make_method,
)
from pareto_explorer.unlearning.core import session
from pareto_explorer.unlearning.core.session import data_tensors, load_session, save_session
from pareto_explorer.unlearning.methods.controls import FineTune
from tests.unlearning.toys import draws, make_data, network

PAIR = {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}
#: They yield once, at their end: there is nothing to save on the way.
AT_ONCE = {"none", "neg_merge", "ssd", "influence_unlearning", "fisher_forgetting"}
LINES = {"pareto_line", "interpolation"}
STEPWISE = [name for name in METHODS if name not in AT_ONCE | {"jacobian_descent"}]


def family_of(method: str) -> dict:
    return {"method": method} | ({"forget_loss": "random_labels"} if method in LINES else {})


FAMILIES = [
    *map(family_of, STEPWISE),
    *({**PAIR, "forget_loss": name} for name in FORGET_LOSSES),
    *(
        {**PAIR, "aggregator": name, "forget_loss": loss}
        for name in AGGREGATORS
        for loss in ("kl_heldout_published", "random_labels")
    ),
    *(
        {**PAIR, "aggregator": name, "granularity": "layer"}
        for name in AGGREGATORS
        if name != "nash_mtl"  # a minute of solving
    ),
    {**PAIR, "saliency": 0.5, "optimizer": "adamw"},
    {**PAIR, "auto_lr": True},
    {**PAIR, "auto_lr": True, "retain_loss": "kl", "forget_loss": "dpo_refusal"},
    {**PAIR, "aggregator": "gru", "tracking": 0.8, "granularity": "layer"},
    {"method": "entanglement", "forget_share": 0.5, "optimizer": "sgd"},
    {"method": "entanglement", "forget_share": 0.1},
    {"method": "fine_tune", "optimizer": "adamw", "batch_norm": "frozen"},
    *(dict(preset.family) for preset in PRESETS.values()),
]
every = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: "/".join(map(str, f.values())))


def begun(family: dict, budget: Budget):
    data = make_data()
    return data, make_method(family).run(network(), data, budget, draws())


def follow_to_the_end(models, budget: Budget) -> list:
    """Parameters, buffers and diagnostics at every evaluation that is left."""
    found = []
    for model in models:
        ledger = budget.ledger
        state = torch.cat([x.double().reshape(-1) for x in model.state_dict().values()])
        spent = (ledger.step, ledger.forward, ledger.backward, ledger.stopped)
        found.append((*spent, state, ledger.drain()))
    return found


def assert_same(first: list, second: list) -> None:
    assert len(first) == len(second) > 0
    for (*spent, state, measured), (*spent_2, state_2, measured_2) in zip(
        first, second, strict=True
    ):
        assert spent == spent_2
        torch.testing.assert_close(state, state_2, rtol=0, atol=0, equal_nan=True)
        assert measured.keys() == measured_2.keys()
        values = (torch.tensor(list(each.values())) for each in (measured, measured_2))
        torch.testing.assert_close(*values, rtol=0, atol=0, equal_nan=True)


def put_away(family: dict, evaluations: int) -> bytes:
    budget = Budget(18, 5, 6)
    data, models = begun(family, budget)
    for _ in range(evaluations):
        next(models)
        budget.ledger.drain()
    return save_session((models, budget), data_tensors(data), "cpu")


@every
def test_a_run_goes_on_bit_by_bit_after_it_was_put_away(family):
    straight = Budget(18, 5, 6)
    expected = follow_to_the_end(begun(family, straight)[1], straight)
    content = put_away(family, 1)
    torch.manual_seed(4711)  # nothing may hang on what the process has drawn
    models, budget = load_session(content, data_tensors(make_data()), "cpu")
    assert_same(follow_to_the_end(models, budget), expected[1:])


@pytest.mark.parametrize("method", STEPWISE)
def test_to_put_a_run_away_changes_nothing(method):
    family = family_of(method)
    budget, straight = Budget(18, 5, 6), Budget(18, 5, 6)
    expected = follow_to_the_end(begun(family, straight)[1], straight)
    data, models = begun(family, budget)
    next(models)
    budget.ledger.drain()
    save_session((models, budget), data_tensors(data), "cpu")
    assert_same(follow_to_the_end(models, budget), expected[1:])


def test_all_others_yield_once_at_their_end():
    for name in METHODS:
        if name == "jacobian_descent":
            continue
        budget = Budget(18, 5, 6)
        models = begun(family_of(name), budget)[1]
        once = isinstance(models, GeneratorType)
        assert once == (name in AT_ONCE), name
        if once:
            assert len(list(models)) == 1


@pytest.mark.parametrize("evaluations", [0, 2, 3])
def test_a_run_may_be_put_away_before_its_start_and_after_its_end(evaluations):
    straight = Budget(18, 5, 6)
    expected = follow_to_the_end(begun(PAIR, straight)[1], straight)
    content = put_away(PAIR, evaluations)
    models, budget = load_session(content, data_tensors(make_data()), "cpu")
    left = follow_to_the_end(models, budget)
    assert len(left) == 3 - evaluations
    if left:
        assert_same(left, expected[evaluations:])
    assert next(models, None) is None


def test_a_stopped_run_stays_stopped():
    family = {**PRESETS["hamu_q"].family, "quota": 50.0, "stop_when_infeasible": True}
    models, budget = load_session(put_away(family, 1), data_tensors(make_data()), "cpu")
    assert budget.ledger.stopped == "quota infeasible"
    assert next(models, None) is None


def test_a_run_goes_on_in_another_process(tmp_path):
    straight = Budget(18, 5, 6)
    family = {**PAIR, "aggregator": "famo", "forget_loss": "random_labels"}
    expected = follow_to_the_end(begun(family, straight)[1], straight)
    (tmp_path / "session").write_bytes(put_away(family, 1))
    code = f"""
import pathlib, torch
from pareto_explorer.unlearning.core.session import data_tensors, load_session
from tests.unlearning.core.test_session import follow_to_the_end
from tests.unlearning.toys import make_data
torch.set_num_threads(1)
folder = pathlib.Path({str(tmp_path)!r})
content = (folder / "session").read_bytes()
found = follow_to_the_end(*load_session(content, data_tensors(make_data()), "cpu"))
torch.save(found, folder / "found")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_same(torch.load(tmp_path / "found"), expected[1:])


def large_data():
    """A megabyte of it, for a model of a few hundred bytes; one set fits into a batch."""
    generator = draws()
    sets = [
        Samples(torch.randn(n, 4, generator=generator), torch.randint(3, (n,), generator=generator))
        for n in (40_000, 7, 20_000)
    ]
    data = make_data()
    return type(data)(*sets, 3, data.fresh_model, sets[0].take(torch.arange(9_000)), sets[2])


@pytest.mark.parametrize(
    "family",
    [
        {"method": "fine_tune", "optimizer": "adamw"},
        {**PAIR, "aggregator": "famo", "forget_loss": "kl_heldout_published"},
        {**PAIR, "aggregator": "eupmu_implicit", "forget_loss": "random_labels"},
        {"method": "salun"},
        {"method": "scrub"},
        {"method": "boundary_shrink"},
        {"method": "entanglement"},
    ],
    ids=lambda f: "/".join(f.values()),
)
def test_the_data_do_not_go_along(family):
    data, budget = large_data(), Budget(4, 8, 2)
    models = make_method(family).run(network(), data, budget, draws())
    next(models)
    content = save_session((models, budget), data_tensors(data), "cpu")
    # The orders of the samples in the present passes do: eight bytes for each of those.
    orders = 8 * (40_000 + 20_000 + 9_000)
    assert len(content) < orders + 60_000
    for samples in (data.retain, data.forget, data.heldout):
        for row in (*samples.inputs[:200], *samples.inputs[-200:]):
            assert row.numpy().tobytes() not in content


def test_a_session_is_as_large_as_the_model_and_its_optimiser():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 900), nn.ReLU(), nn.Linear(900, 900), nn.Linear(900, 3))
    size = 4 * sum(p.numel() for p in model.parameters())
    for method in ({"method": "fine_tune"}, PAIR):
        for optimizer, parts in (("sgd", 2), ("adamw", 3)):
            data, budget = make_data(), Budget(4, 5, 2)
            chosen = make_method({**method, "optimizer": optimizer})
            models = chosen.run(copy.deepcopy(model), data, budget, draws())
            next(models)
            content = save_session((models, budget), data_tensors(data), "cpu")
            assert parts * size < len(content) < parts * size + 40_000


def round_trip(state, known=None, device="cpu"):
    content = save_session(state, known or {}, "cpu")
    return load_session(content, known or {}, device)


def test_what_is_shared_stays_shared():
    rows = torch.arange(12.0).view(2, 6)
    first, second = rows
    parameter, generator = nn.Parameter(rows[1].clone()), draws(3)
    tied = nn.Linear(6, 2)
    state = {"rows": rows, "parts": (first, second, second[2:4]), "again": rows}
    state |= {"parameters": [parameter, parameter], "view": parameter.detach()[:2]}
    state |= {"generators": [generator, generator], "tied": [tied, tied.weight]}
    found = round_trip(state)
    assert found["again"] is found["rows"]
    found["rows"][1, 2] = -7.0
    assert found["parts"][1][2] == found["parts"][2][0] == -7.0
    assert found["parameters"][0] is found["parameters"][1]
    with torch.no_grad():
        found["parameters"][0][1] = -8.0
    assert found["view"][1] == -8.0
    assert found["generators"][0] is found["generators"][1]
    assert found["tied"][0].weight is found["tied"][1]
    assert rows[1, 2] == 8.0
    assert parameter[1] == 7.0


def test_tensors_are_as_they_were():
    values = torch.randn(4, 5, generator=draws())
    state = [
        *(values, values.T, values[1:, ::2], values[:0], torch.tensor(3), torch.empty(0)),
        *(values > 0, values.double(), values.bfloat16(), values.expand(2, 4, 5)),
        *(nn.Parameter(values), nn.Parameter(values, requires_grad=False)),
        *(values.clone().requires_grad_(), values.to(torch.complex64), values.to_sparse()),
    ]
    for before, after in zip(state, round_trip(state), strict=True):
        assert type(after) is type(before)
        assert after.dtype == before.dtype
        assert after.requires_grad == before.requires_grad
        if before.layout is torch.strided:
            assert after.stride() == before.stride()
        assert torch.equal(after.to_dense(), before.to_dense())


def test_tensors_lose_their_graphs():
    weight = torch.ones(3, requires_grad=True)
    after = round_trip(weight.square())
    assert after.grad_fn is None
    assert not after.requires_grad
    assert torch.equal(after, torch.ones(3))


def test_known_tensors_are_taken_from_whoever_loads():
    known, other = torch.arange(6.0), torch.zeros(6)
    state = {"whole": known, "part": known[2:4], "equal": known.clone()}
    found = load_session(save_session(state, {"x": known}, "cpu"), {"x": other}, "cpu")
    assert found["whole"] is other
    assert found["part"].tolist() == [2.0, 3.0]
    assert found["equal"].tolist() == known.tolist()


def test_a_part_of_a_known_tensor_brings_no_more_than_itself():
    known = torch.arange(10_000.0)
    assert len(save_session(known[10:12], {"x": known}, "cpu")) < 1000


def test_generators_go_on():
    generator = draws(5)
    torch.rand(7, generator=generator)
    copied = round_trip(generator)
    assert copied.initial_seed() == 5
    assert torch.equal(torch.rand(9, generator=copied), torch.rand(9, generator=generator))


def test_what_cannot_be_saved_is_an_error():
    with pytest.raises(TypeError, match="generator"):
        save_session((x for x in "abc"), {}, "cpu")


def test_an_iterator_that_runs_dry_is_not_the_end_of_a_run(monkeypatch):
    monkeypatch.setattr(FineTune, "prepare", lambda *_: iter(()).__next__)
    models = FineTune().run(network(), make_data(), Budget(4, 5, 2), draws())
    with pytest.raises(RuntimeError, match="ended before the run"):
        next(models)


def test_a_state_moves_to_another_device():
    """The meta device stands for any other."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    state = {"model": model, "optimizer": optimizer, "device": torch.device("cpu")}
    moved = round_trip(state, device="meta")
    assert {x.device.type for x in moved["model"].state_dict().values()} == {"meta"}
    assert moved["device"] == torch.device("meta")
    for kept in moved["optimizer"].state.values():
        assert kept["step"].device.type == "cpu"
        assert kept["step"] == 1
        assert kept["exp_avg"].device.type == "meta"


def test_what_was_on_the_host_stays_there():
    """A state of a GPU, as far as it can be made without one."""
    state = {"host": torch.ones(2), "here": torch.device("cuda:1"), "there": torch.device("cpu")}
    content = save_session({**state, "draws": draws(3)}, {}, "cuda:1")
    moved = load_session(content, {}, "meta")
    assert moved["host"].tolist() == [1.0, 1.0]
    assert (moved["here"].type, moved["there"].type) == ("meta", "cpu")
    assert torch.equal(torch.rand(3, generator=moved["draws"]), torch.rand(3, generator=draws(3)))


def test_generators_of_another_device_start_anew_where_their_state_says():
    cpu = torch.device("cpu")
    states = [b"one", b"one", b"two"]
    first, again, other = (
        torch.rand(3, generator=session._generator(cpu, "cuda", 0, state)).tolist()
        for state in states
    )
    assert first == again != other
