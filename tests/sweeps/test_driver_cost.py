"""What the driver does and holds for each trial does not grow with the trials before it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pareto_explorer.interruption import Held
from pareto_explorer.sweeps.driver.callbacks import SweepCallback
from pareto_explorer.sweeps.live.progress import Progress
from tests.sweeps.driver import test_callbacks


class Sweep:
    """A callback that Ray would call, and what it says about the trials."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        progress = Progress()
        progress.refresh = self.shown.append  # type: ignore[method-assign]
        patience = SimpleNamespace(look=lambda _: None)
        driver: Any = SimpleNamespace(progress=progress, patience=patience, held=Held())
        self.callback = SweepCallback(driver)

    def tell(self, event: str, trial: Any) -> int:
        """Tells of an event and gives the number of running trials after it."""
        getattr(self.callback, f"on_trial_{event}")(0, [], trial)
        self.callback.on_step_begin(0, [])
        return self.shown[-1]


def ray_trial(name: str) -> Any:
    from ray.tune.experiment import Trial

    trial = Trial(name, stub=True, trial_id=name)
    trial.config = {"trial_id": name}
    return trial


def test_running_trials_are_counted():
    sweep, a, b = Sweep(), ray_trial("a"), ray_trial("b")
    assert sweep.tell("start", a) == 1
    assert sweep.tell("start", b) == 2
    assert sweep.tell("recover", a) == 1
    assert sweep.tell("start", a) == 2
    assert sweep.tell("complete", a) == 1
    assert sweep.tell("complete", b) == 0


def test_a_lost_trial_is_not_running(tmp_path):
    sweep = test_callbacks.Sweep(tmp_path)
    lost = sweep.trial(test_callbacks.A)
    for event, running in (("start", 1), ("error", 0)):
        getattr(sweep.callback, f"on_trial_{event}")(0, [], lost)
        sweep.callback.on_step_begin(0, [])
        assert sweep.progress.running == running


def test_statistics_of_an_ended_trial_are_dropped_and_its_last_report_stays():
    sweep, a = Sweep(), ray_trial("a")
    a.update_last_result({"training_iteration": 1, "forget_gap": 0.5, "rows": []})
    assert "forget_gap" in a.metric_analysis
    sweep.tell("complete", a)
    assert not a.metric_analysis
    assert not a.metric_n_steps
    assert a.last_result["forget_gap"] == 0.5
