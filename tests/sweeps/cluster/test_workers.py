from __future__ import annotations

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.cluster import workers as module
from pareto_explorer.sweeps.cluster.workers import Patience, WorkerError, outcomes
from pareto_explorer.sweeps.spec.parts import Resources
from tests.sweeps.failing import call

BOOKED = Resources(cpu=0.5, custom={"fast": 2})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_minute_without_a_worker_is_told_and_then_every_minute(monkeypatch):
    monkeypatch.setattr(module, "log_folder", lambda: "/ray/logs")
    clock, told = Clock(), []
    patience = Patience(BOOKED, told.append, clock)
    for seconds in range(0, 150, 10):
        clock.now = 100.0 + seconds
        patience.look(0)
    assert told == [
        f"no worker has started for {time}; waiting for one with cpu 0.5, fast 2; "
        "Ray's logs are in /ray/logs"
        for time in ("1:00", "2:00")
    ]


def test_the_minute_begins_when_the_last_worker_ends(monkeypatch):
    monkeypatch.setattr(module, "log_folder", lambda: "/ray/logs")
    clock, told = Clock(), []
    patience = Patience(BOOKED, told.append, clock)
    for now, running in ((130, 1), (500, 2), (559, 0)):
        clock.now = now
        patience.look(running)
    assert told == []
    clock.now = 560
    patience.look(0)
    assert told[0].startswith("no worker has started for 1:00; ")


def failure(kind: str) -> InputError:
    with pytest.raises(InputError) as caught:
        outcomes(call, {0: (kind,)}, Resources(), "model: fails in training", [].append)
    return caught.value


@pytest.mark.ray
def test_results_of_workers_come_back_by_their_key(cluster):
    arguments = {"a": ("one",), "b": ("two",)}
    found = outcomes(call, arguments, Resources(cpu=0.5), "it fails", [].append)
    assert found == {"a": "one", "b": "two"}


@pytest.mark.ray
def test_bad_input_that_a_worker_finds_is_told_as_it_is(cluster):
    error = failure("input")
    assert type(error) is InputError
    assert str(error) == "recipe.lr: training diverged; lower it."


@pytest.mark.ray
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("type", "TypeError: argument 'input' must be Tensor,"),
        ("empty", "AssertionError"),
        ("unpicklable", "UnpicklableError: of its own kind"),
    ],
)
def test_what_else_goes_wrong_on_a_worker_is_one_sentence_with_a_traceback(cluster, kind, reason):
    error = failure(kind)
    assert isinstance(error, WorkerError)
    assert str(error) == f"model: fails in training ({reason})"
    assert "in call\n" in error.text
    assert "ray" not in error.text
