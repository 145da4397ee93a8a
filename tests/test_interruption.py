from __future__ import annotations

import os
import signal
import threading

import pytest

from pareto_explorer.interruption import SIGNALS, Interrupted, ended_by_signals, held_back


@pytest.fixture(autouse=True)
def _as_a_new_process_has_them():
    """Signals as Python finds them, and later as they were."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ended(monkeypatch):
    """The exit codes with which the process would have ended at once."""
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


@pytest.mark.parametrize(
    ("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGUSR1", 138)]
)
def test_the_first_signal_interrupts_and_the_second_ends_at_once(number, code, ended):
    with pytest.raises(Interrupted, match=number) as caught, ended_by_signals():
        signal.raise_signal(getattr(signal, number))
    assert caught.value.code == code
    assert not isinstance(caught.value, Exception | KeyboardInterrupt)
    signal.raise_signal(signal.SIGTERM)
    assert ended == [143]


def test_signals_are_left_as_they_were():
    with ended_by_signals():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_or_listened_to_stays_so():
    heard = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    signal.signal(signal.SIGUSR1, lambda *_: heard.append("mine"))
    with ended_by_signals():
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGUSR1)
    assert heard == ["mine"]


def test_a_signal_is_held_back_to_the_end_of_the_block(ended):
    done = []

    def work():
        with ended_by_signals(), held_back() as held:
            assert held.stop is None
            signal.raise_signal(signal.SIGTERM)
            assert isinstance(held.stop, Interrupted)
            done.append("the rest")
            signal.raise_signal(signal.SIGINT)  # the second is not

    with pytest.raises(Interrupted, match="SIGTERM"):
        work()
    assert done == ["the rest"]
    assert ended == [130]


def test_pythons_own_interrupt_is_held_back_once():
    done = []

    def work():
        with held_back():
            signal.raise_signal(signal.SIGINT)
            done.append("the rest")
            signal.raise_signal(signal.SIGINT)
            done.append("nothing more")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the rest"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_takes_signals_over_in_the_block_does_not_keep_them():
    def work():
        with held_back() as held:
            for number in (signal.SIGINT, signal.SIGUSR1):
                signal.signal(number, lambda *_: None)
            held.listen()
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_an_interruption_matters_more_than_what_fails_because_of_it():
    def work():
        with held_back():
            signal.raise_signal(signal.SIGINT)
            raise OSError

    with pytest.raises(KeyboardInterrupt):
        work()
    with pytest.raises(ValueError, match="of its own"), held_back():
        raise ValueError("of its own")


def test_other_threads_leave_signals_alone():
    seen = []

    def work():
        with ended_by_signals(), held_back() as held:
            held.listen()
            seen.append((signal.getsignal(signal.SIGTERM), held.stop))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(signal.SIG_DFL, None)]
