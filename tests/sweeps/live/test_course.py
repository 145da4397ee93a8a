from __future__ import annotations

import io

import pytest
from rich.console import Console

from pareto_explorer.sweeps.live import progress as module
from pareto_explorer.sweeps.live.course import Course, clock
from pareto_explorer.sweeps.live.progress import LiveProgress, PlainProgress, Progress


def test_a_course_tells_epochs_loss_and_the_time_that_is_left():
    course = Course("original/seed 1", 10, 100.0)
    course.take(10, 30, 2.302, 100.0)
    assert str(course) == "epoch 10 of 30, loss 2.3"
    course.take(12, 30, 0.3141, 110.0)
    assert str(course) == "epoch 12 of 30, loss 0.31, about 1:30 left"
    course.take(30, 30, 0.001, 190.0)
    assert str(course) == "epoch 30 of 30, loss 0.001"
    assert course.ended


def test_a_training_that_starts_again_is_timed_anew():
    course = Course("a", 5, 0.0)
    course.take(9, 10, 1.0, 4.0)
    course.take(6, 10, 1.0, 50.0)
    assert str(course) == "epoch 6 of 10, loss 1"
    course.take(8, 10, 1.0, 70.0)
    assert str(course).endswith("about 0:20 left")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "60:00")])
def test_clocks_count_minutes(seconds, text):
    assert clock(seconds) == text


def watch(progress, monkeypatch, *, seconds, epochs=20, name="original/seed 0"):
    """Lets a training of so many seconds per epoch go by."""
    for epoch in range(1, epochs + 1):
        monkeypatch.setattr(module, "perf_counter", lambda now=epoch * seconds: now)
        progress.landmark(name, epoch, epochs, 1 / epoch)


def lines(monkeypatch, seconds):
    file = io.StringIO()
    watch(PlainProgress(Console(file=file, width=200)), monkeypatch, seconds=seconds)
    return file.getvalue().splitlines()


def test_a_log_says_nothing_of_a_short_training(monkeypatch):
    assert lines(monkeypatch, 0.5) == []


def test_a_log_tells_each_tenth_of_a_long_training(monkeypatch):
    told = lines(monkeypatch, 30.0)
    assert told[0] == "landmark original/seed 0: epoch 2 of 20, loss 0.5, about 9:00 left"
    assert len(told) == 10
    assert told[-1] == "landmark original/seed 0: epoch 20 of 20, loss 0.05"


def test_a_log_tells_the_end_of_what_it_told_of_before(monkeypatch):
    told = lines(monkeypatch, 0.7)
    assert len(told) == 2
    assert told[0].startswith("landmark original/seed 0: epoch 16 of 20")
    assert told[-1] == "landmark original/seed 0: epoch 20 of 20, loss 0.05"


def test_the_panel_holds_the_trainings_that_go_on(monkeypatch):
    file = io.StringIO()
    progress = LiveProgress(Console(file=file, force_terminal=True, width=100))
    with progress:
        progress.landmark("original/seed 0", 3, 4, 0.5)
        progress.landmark("retrained/seed 0", 1, 4, 0.7)
        drawn = file.getvalue()
        assert "epoch 3 of 4, loss 0.5" in drawn
        assert "epoch 1 of 4, loss 0.7" in drawn
        progress.landmark("original/seed 0", 4, 4, 0.4)
        last = file.getvalue().removeprefix(drawn)
        assert "retrained/seed 0" in last
        assert "original/seed 0" not in last
        before = len(file.getvalue())
        progress.landmark("retrained/seed 0", 4, 4, 0.4)
        assert "landmark" not in file.getvalue()[before:]


def test_a_quiet_display_follows_too():
    progress = Progress()
    progress.landmark("original/seed 0", 1, 3, 0.5)
    assert list(progress.training) == ["original/seed 0"]
    progress.landmark("original/seed 0", 3, 3, 0.5)
    assert not progress.training
