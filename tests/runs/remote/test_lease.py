from __future__ import annotations

import json
import socket

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs.remote.lease import LEASE, RENEWAL, WRITER, Lease, SupersededError
from tests.runs.flaky import Flaky


class Machines:
    """Drivers on several machines with one clock, which only moves when one of them waits."""

    def __init__(self, folder):
        self.folder, self.now = folder, 1000.0
        self.told: list[str] = []
        self.meanwhile = lambda: None

    def pause(self, seconds):
        self.now += seconds
        self.meanwhile()

    def lease(self, skew=0.0):
        return Lease(
            Flaky().storage(self.folder),
            "s3://bucket/run",
            pause=self.pause,
            clock=lambda: self.now + skew,
            tell=self.told.append,
        )


@pytest.fixture
def machines(tmp_path) -> Machines:
    return Machines(tmp_path)


def test_an_untouched_place_is_free(machines):
    assert machines.lease().wait("") is None
    assert machines.now == 1000


def test_the_object_says_who_writes(machines, tmp_path):
    machines.lease().take("mine")
    writer = json.loads((tmp_path / WRITER).read_text())
    assert writer["host"] == socket.gethostname()
    assert writer["time"] == 1000
    assert not writer["closed"]


def test_a_driver_that_left_is_followed_at_once(machines):
    first = machines.lease()
    first.take("first")
    first.leave()
    assert machines.lease().wait("second") == "first"
    assert machines.now == 1000


def test_a_driver_follows_itself_at_once(machines):
    machines.lease().take("first")
    assert machines.lease().wait("first") == "first"
    assert machines.now == 1000


@pytest.mark.parametrize("skew", [0.0, 20.0, -20.0, -1e6])
def test_a_lost_driver_is_followed_when_its_lease_is_over(machines, skew):
    machines.lease().take("first")
    machines.now += 10
    assert machines.lease(skew).wait("second") == "first"
    age = min(max(10 + skew, 0), LEASE)
    assert machines.now - 1010 == pytest.approx(LEASE - age, abs=RENEWAL)
    assert "waiting for" in machines.told[0]
    assert socket.gethostname() in machines.told[0]


def test_a_driver_that_was_lost_long_ago_is_followed_at_once(machines):
    machines.lease().take("first")
    machines.now += LEASE
    assert machines.lease().wait("second") == "first"
    assert machines.now == 1000 + LEASE
    assert not machines.told


def test_a_driver_that_renews_is_not_followed(machines):
    first = machines.lease()
    first.take("first")
    machines.meanwhile = first.keep
    with pytest.raises(InputError, match=r"another sweep is writing to 's3://bucket/run' \(proc"):
        machines.lease().wait("second")


def test_a_driver_that_leaves_meanwhile_is_followed(machines):
    first = machines.lease()
    first.take("first")
    machines.meanwhile = first.leave
    assert machines.lease().wait("second") == "first"
    assert machines.now <= 1000 + RENEWAL


def test_the_object_is_renewed_when_it_is_time_to(machines, tmp_path):
    lease = machines.lease()
    lease.take("first")
    machines.now += RENEWAL - 1
    lease.keep()
    assert json.loads((tmp_path / WRITER).read_text())["time"] == 1000
    machines.now += 1
    lease.keep()
    assert json.loads((tmp_path / WRITER).read_text())["time"] == 1000 + RENEWAL


def test_the_one_that_was_followed_writes_no_more(machines, tmp_path):
    first, second = machines.lease(), machines.lease()
    first.take("first")
    second.take("second")
    machines.now += RENEWAL
    content = (tmp_path / WRITER).read_bytes()
    with pytest.raises(SupersededError, match="has taken it over"):
        first.keep()
    assert (tmp_path / WRITER).read_bytes() == content
    with pytest.raises(SupersededError):
        first.keep()
    with pytest.raises(SupersededError):
        first.leave()
    second.keep()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": "x"}'])
def test_a_damaged_object_keeps_nobody_out(machines, tmp_path, content):
    (tmp_path / WRITER).write_bytes(content)
    assert machines.lease().wait("") is None


@pytest.mark.parametrize(
    "change",
    [{"time": "now"}, {"time": float("nan")}, {"time": None}, {"id": [1]}, {"closed": "no"}],
)
def test_an_object_that_no_driver_wrote_says_nothing(machines, tmp_path, change):
    machines.lease().take("first")
    writer = json.loads((tmp_path / WRITER).read_text())
    (tmp_path / WRITER).write_text(json.dumps(writer | change))
    assert machines.lease().wait("second") is None
    for text in ("[" * 10_000, "[]", "{}"):
        (tmp_path / WRITER).write_text(text)
        assert machines.lease().wait("second") is None
    assert machines.now == 1000
