from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.cluster.room import trials_per_card
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.parts import Resources
from pareto_explorer.sweeps.trials import memory as module
from pareto_explorer.sweeps.trials.card_share import CONTEXT, limit_memory, share_fraction
from pareto_explorer.sweeps.trials.memory import (
    CardUse,
    gibibytes,
    measure_trial,
    peak_memory,
    representatives,
    require_gpu_room,
    require_room,
)
from pareto_explorer.sweeps.trials.trainable import UnlearningTrial

GIB = 2**30


def use(peak: float, total: float = 80, context: float = 0.5, others: float = 0, **rest) -> CardUse:
    """A card after a trial that still holds half of its peak; GiB."""
    held = peak / 2
    free = total - held - context - others
    return CardUse(int(total * GIB), int(free * GIB), int(held * GIB), int(peak * GIB), **rest)


def test_context_and_others_are_told_apart():
    alone = use(30, context=0.75)
    assert alone.context == 0.75 * GIB
    assert alone.others == 0
    beside = use(30, others=20)
    assert beside.context == module.MOST_CONTEXT
    assert beside.others == pytest.approx(20.5 * GIB - module.MOST_CONTEXT)


def test_a_trial_that_does_not_fit_its_share_is_one_sentence():
    with pytest.raises(InputError) as refused:
        require_room(use(30.7), 0.25)
    assert str(refused.value) == (
        "resources.gpu: a trial needs 31.2 GiB of GPU memory, but a share of 0.25 of this card "
        "has 20.0 GiB; book 0.5, or use a smaller budget.batch_size."
    )


@pytest.mark.parametrize(
    ("peak", "gpu", "said"),
    [
        (19.5, 0.25, None),
        (19.6, 0.25, "book 0.33,"),
        (30.7, 0.5, None),
        (39.6, 0.5, "book 1,"),
        (79.0, 1, None),
        (79.6, 1, "but this card has 80.0 GiB; use a smaller budget.batch_size."),
        (79.6, 0.5, "40.0 GiB; use a smaller"),
        (79.0, 2, None),
    ],
)
def test_the_advice_is_the_smallest_share_that_fits(peak, gpu, said):
    if said is None:
        require_room(use(peak), gpu)
        return
    with pytest.raises(InputError) as refused:
        require_room(use(peak), gpu)
    assert said in str(refused.value)


def test_what_other_programs_hold_is_not_shared_out():
    require_room(use(30), 0.5)
    with pytest.raises(
        InputError, match=r"has 25\.5 GiB, as other programs hold 29\.0 GiB; book 1,"
    ):
        require_room(use(30, others=30), 0.5)


def test_a_trial_that_ran_out_of_memory_alone_is_named():
    with pytest.raises(InputError, match="a trial of 'upgrad/kl' runs out of memory"):
        require_room(use(70, exhausted="upgrad/kl"), 1)


@given(st.floats(0.01, 1), st.integers(GIB, 200 * GIB), st.floats(0, 1))
def test_a_trial_that_is_let_in_is_not_stopped_by_its_own_limit(gpu, total, part):
    trials = trials_per_card(gpu)
    peak = int(part * total / trials)
    held = CardUse(total, total - peak - CONTEXT, peak, peak)
    try:
        require_room(held, gpu)
    except InputError:
        return
    fraction = share_fraction(gpu, total)
    assert trials * held.needed(total / trials) <= total * (1 + 1e-9)
    if fraction is not None:
        assert peak <= fraction * total + 1


@pytest.mark.parametrize("gpu", [0, 0.6, 1, 2])
def test_a_card_of_ones_own_is_not_limited(gpu):
    assert share_fraction(gpu, 80 * GIB) is None


def test_a_share_leaves_room_for_the_context():
    assert share_fraction(0.25, 80 * GIB) == pytest.approx(0.25 - 0.5 / 80)
    assert share_fraction(0.25, 2 * GIB) == pytest.approx(0.125)  # of a small card, half


@pytest.fixture
def limits(monkeypatch):
    """A card of 80 GiB, and the limits that a process sets itself there."""
    found: list[tuple[float, int]] = []
    card = SimpleNamespace(total_memory=80 * GIB)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda *given: found.append(given)
    )
    return found


def test_a_process_limits_itself_to_its_share(limits):
    limit_memory(0)
    limit_memory(1)
    assert limits == []
    limit_memory(0.25)
    assert limits == [(share_fraction(0.25, 80 * GIB), 0)]


def test_without_a_gpu_there_is_no_limit(limits, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    limit_memory(0.25)
    assert limits == []


@pytest.mark.parametrize(
    ("booked", "expected"), [(None, 0.0), ({"CPU": 1}, 0.0), ({"GPU": 0.5}, 0.5)]
)
def test_a_trial_knows_what_ray_has_booked_for_it(booked, expected):
    trial = UnlearningTrial.__new__(UnlearningTrial)
    resources = SimpleNamespace(required_resources=booked)
    trial._trial_info = booked and SimpleNamespace(trial_resources=resources)
    assert trial._gpu == expected


def test_the_peak_of_a_block_is_measured_anew():
    with peak_memory("cpu") as first:
        held = torch.ones(40 * 2**20)  # 160 MiB, written
    with peak_memory("cpu") as second:
        assert held.sum() > 0
    del held
    with peak_memory("cpu") as third:
        pass
    assert first.bytes > 160 * 2**20
    assert second.bytes >= 0.9 * first.bytes
    if module._RESET.exists():
        assert third.bytes < first.bytes - 100 * 2**20


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bytes"), (1536, "1.5 KiB"), (3 * 2**20, "3.0 MiB"), (GIB, "1.0 GiB")]
)
def test_bytes_are_readable(count, said):
    assert gibibytes(count) == said


class _Worker:
    """Stands for a worker on a card: says what it was given."""

    def __init__(self, result: CardUse) -> None:
        self.result = result
        self.booked: Resources | None = None
        self.given: tuple = ()
        self.options: dict = {}

    def __call__(self, function, arguments, resources, *_):
        assert function.func is measure_trial
        self.options = function.keywords
        self.booked, (self.given,) = resources, arguments.values()
        return dict.fromkeys(arguments, self.result)


@pytest.fixture
def worker(monkeypatch):
    def pretend(result: CardUse) -> _Worker:
        found = _Worker(result)
        monkeypatch.setattr(module, "outcomes", found)
        return found

    return pretend


class _Told(Progress):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def stage(self, text: str) -> None:
        self.told.append(text)


def shared(space: dict, gpu: float) -> SweepSpec:
    return SweepSpec.from_mapping(space | {"resources": {"cpu": 1, "gpu": gpu}})


def test_one_worker_measures_before_the_trials(worker, space):
    found, told = worker(use(10)), _Told()
    spec = shared(space, 0.25)
    require_gpu_room(spec, "task", {}, told, {"upgrad/kl_uniform": 2})
    assert found.booked == spec.resources
    assert found.options == {"together": True, "sizes": {"upgrad/kl_uniform": 2}}
    task, _, replicates, batch, plans = found.given
    assert task == "task"
    assert len(replicates) == 2
    assert batch == 32
    assert [plan.config["method"] for plan in plans] == ["jacobian_descent", "fine_tune"]
    assert told.told == [
        "GPU memory: to be measured, a step and an evaluation of every method",
        "GPU memory: a trial needs 10.5 GiB, 4 at a time on a card of 80.0 GiB",
    ]


def test_a_share_that_is_too_small_ends_the_sweep_before_it_begins(worker, space):
    worker(use(30))
    spec = shared(space, 0.25)
    with pytest.raises(InputError, match=r"book 0\.5,"):
        require_gpu_room(spec, "task", {}, _Told())


def test_without_gpus_nothing_is_measured(worker, space):
    found, spec = worker(use(30)), shared(space, 0)
    require_gpu_room(spec, "task", {}, _Told())
    assert found.given == ()


def test_families_that_differ_in_the_forget_loss_alone_are_measured_once(worker, space):
    family = {"method": "jacobian_descent", "aggregator": ["upgrad", "mgda"]}
    family["forget_loss"] = ["kl_uniform", "kl_heldout"]
    found, spec = worker(use(1)), shared(space | {"families": [family]}, 0.5)
    require_gpu_room(spec, "task", {}, _Told())
    assert len(found.given[-1]) == 2


def test_a_representative_has_every_knob(space):
    spec = SweepSpec.from_mapping(space)
    for plan in representatives(spec.family_list()):
        assert isinstance(plan.config["lr"], float)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_trial_is_measured_on_a_card(space):
    from pareto_explorer.sweeps.trials.replicate import Landmarks
    from pareto_explorer.tasks import make_task

    task = make_task({"name": "digits"})
    state = task.model().state_dict()
    spec = SweepSpec.from_mapping(space)
    landmarks = {seed: Landmarks(state, state) for seed in spec.replicates.training_seeds}
    plans = representatives(spec.family_list())
    found = measure_trial(task, landmarks, spec.replicate_list(), 32, plans)
    assert 0 < found.peak < found.total
    assert found.exhausted == ""
