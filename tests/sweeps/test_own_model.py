"""From one's own data and model to a front: as the README shows it, and with a trained model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pareto_explorer import InputError, SweepSpec, run_sweep
from pareto_explorer.sweeps import reproduce
from pareto_explorer.tasks import task_from, train_model
from tests.docs.pages import blocks
from tests.tasks.small import clouds, small_task


@pytest.mark.ray
def test_thirty_lines_of_the_readme_lead_to_a_front(
    cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = blocks("README.md", "python")[0].text
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARETO_EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("plotly.graph_objects.Figure.show", lambda _: None)
    small = {
        '"epochs": 100': '"epochs": 2',
        "families=": (
            'budget={"steps": 2, "evaluate_every": 2}, search={"configurations": 1}, '
            'replicates={"training_seeds": [0]}, families='
        ),
    }
    for wanted, quick in small.items():
        assert code.count(wanted) == 1
        code = code.replace(wanted, quick)
    namespace: dict = {"__name__": "__main__"}
    exec(code, namespace)  # noqa: S102
    run = namespace["run"]
    assert set(run.points["family"]) == {"upgrad/kl_uniform", "mgda/kl_uniform", "fine_tune"}
    assert (tmp_path / "runs" / "breast_cancer" / "report" / "index.html").exists()


@pytest.mark.ray
def test_a_trained_model_of_ones_own_is_swept_and_reproduced(cluster, tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = train_model(small_task(epochs=8), clouds(90, 0), 0)
    task = task_from(
        "mine",
        train=clouds(90, 0),
        test=clouds(60, 1),
        forget=torch.arange(0, 90, 9),
        model=trained,
        recipe={"epochs": 2, "batch_size": 16},
    )
    settings = {
        "task": {"name": "mine"},
        "replicates": {"training_seeds": [0], "unlearning_seeds": [0, 1]},
        "budget": {"steps": 4, "batch_size": 8, "evaluate_every": 4},
        "families": [{"method": "fine_tune", "lr": 0.01}],
        "search": {"configurations": 1},
    }
    out = tmp_path / "run"
    run = run_sweep(SweepSpec.from_mapping(settings), out, task=task, cache_dir=tmp_path / "cache")
    assert run.points["status"].tolist() == ["ok", "ok"]
    assert run.manifest["spec"]["task"] == {"name": "mine"}
    with torch.no_grad():
        logits = trained.eval()(task.test.inputs)
    accuracy = (logits.argmax(1) == task.test.labels).float().mean().item()
    original = run.landmarks[run.landmarks["landmark"] == "original"]
    assert original["test_accuracy"].tolist() == pytest.approx([accuracy] * 2)

    trial = run.points["trial_id"].iloc[0]
    again = reproduce(out, trial, 1, 4, task=task, cache_dir=tmp_path / "cache")
    assert again.largest_difference == 0
    with pytest.raises(InputError, match=r"task: 'mine' was built in Python"):
        reproduce(out, trial, 1, 4, cache_dir=tmp_path / "cache")
    several = SweepSpec.from_mapping({**settings, "replicates": {"training_seeds": [0, 1]}})
    with pytest.raises(InputError, match=r"brings its own original, so there is one training seed"):
        run_sweep(several, tmp_path / "other", task=task, cache_dir=tmp_path / "cache")
