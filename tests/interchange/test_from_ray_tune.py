import json

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.interchange import is_foreign, read_foreign
from tests.interchange.tables import OBJECTIVES, mapping, ray_trial

REPORTS = [{"loss": 0.5, "eval": {"gain": 0.2}}, {"loss": 0.4, "eval": {"gain": 0.3}}]
NESTED = [OBJECTIVES[0], {**OBJECTIVES[1], "metric": "eval/gain"}]


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "exp"
    for seed in (0, 1):
        config = {"lr": 0.1, "width": 8, "opt": {"name": "sgd"}, "seed": seed}
        ray_trial(path / f"a{seed}", config, REPORTS)
        ray_trial(path / f"b{seed}", {**config, "lr": 0.2}, REPORTS[:1], "RuntimeError: boom")
    ray_trial(path / "c0", {"lr": 0.3, "opt": {"name": "adam"}, "seed": 0}, [], "OSError: disk")
    (path / "tuner.pkl").touch()
    return path


def test_trials_parameters_and_nested_metrics_are_read(experiment):
    assert is_foreign(experiment)
    found = read_foreign(experiment, mapping(objectives=NESTED))
    points = found.points
    assert points["trial_id"].tolist() == ["a0", "a0", "a1", "a1", "b0", "b0", "b1", "b1", "c0"]
    assert points["step"].tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 0]
    assert points["seconds"].tolist() == [0.5, 1.0, 0.5, 1.0, 0.5, 0.5, 0.5, 0.5, 0.0]
    assert points["eval/gain"].tolist()[:2] == [0.2, 0.3]
    assert points["config.width"].dropna().tolist() == [8] * 8
    assert points["config.width"].dtype == "Int64"  # c0 lacks it
    assert points["config.opt/name"].tolist()[-2:] == ["sgd", "adam"]
    assert points["family"].unique().tolist() == ["exp"]
    assert found.manifest["imported"]["kind"] == "Ray Tune experiment"
    assert found.manifest["imported"]["ignored_columns"] == []


def test_failures_leave_a_row_with_their_reason(experiment):
    points = read_foreign(experiment, mapping(objectives=NESTED)).points
    of_b = points[points["trial_id"] == "b0"]
    assert of_b["status"].tolist() == ["ok", "failed"]
    assert of_b["trial_status"].tolist() == ["failed", "failed"]
    assert of_b["error"].unique().tolist() == ["RuntimeError: boom"]
    assert points.iloc[-1]["error"] == "OSError: disk"


def test_trials_that_differ_in_a_seed_are_replicates(experiment):
    columns = {"replicate": "config/seed", "family": "config/opt/name"}
    points = read_foreign(experiment, mapping(objectives=NESTED, columns=columns)).points
    assert sorted(points["trial_id"].unique()) == ["adam-000", "sgd-000", "sgd-001"]
    first = points[points["trial_id"] == "sgd-000"]
    assert first["replicate"].tolist() == [0, 0, 1, 1]
    assert first["step"].tolist() == [1, 2, 1, 2]
    assert "config.seed" not in points
    columns["trial_id"] = "trial_id"  # said aloud, it wins
    points = read_foreign(experiment, mapping(objectives=NESTED, columns=columns)).points
    assert sorted(points["trial_id"].unique()) == ["a0", "a1", "b0", "b1", "c0"]


def test_reports_of_something_else_are_left_out(tmp_path):
    reports = [{"train": 1.0}, {"loss": 0.5, "gain": 0.5}, {"train": 2.0}]
    ray_trial(tmp_path / "exp" / "a", {}, reports)
    points = read_foreign(tmp_path / "exp", mapping()).points
    assert points["step"].tolist() == [2]
    assert points["status"].tolist() == ["ok"]


def test_a_trial_that_never_gives_the_objectives_stays_visible(tmp_path):
    ray_trial(tmp_path / "exp" / "a", {}, [{"loss": 0.5, "gain": 0.5}])
    ray_trial(tmp_path / "exp" / "b", {}, [{"train": 1.0}])
    points = read_foreign(tmp_path / "exp", mapping()).points
    assert points["status"].tolist() == ["ok", "failed"]
    assert points["error"].tolist()[1] == "no value of loss"


def test_steps_are_the_trials_own_or_numbered_after_a_restore(tmp_path):
    own = [{"loss": 0.5, "gain": 0.5, "step": 10}, {"loss": 0.4, "gain": 0.5, "step": 20}]
    ray_trial(tmp_path / "own" / "a", {}, own)
    assert read_foreign(tmp_path / "own", mapping()).points["step"].tolist() == [10, 20]
    restored = [{"loss": 0.5, "gain": 0.5, "training_iteration": i} for i in (1, 2, 1)]
    ray_trial(tmp_path / "restored" / "a", {}, restored)
    assert read_foreign(tmp_path / "restored", mapping()).points["step"].tolist() == [1, 2, 3]


def test_nan_is_a_model_that_went_wrong(tmp_path):
    ray_trial(tmp_path / "exp" / "a", {}, [{"loss": float("nan"), "gain": 0.5}])
    ray_trial(tmp_path / "exp" / "b", {}, [{"loss": 0.5, "gain": 0.5}])
    assert read_foreign(tmp_path / "exp", mapping()).points["status"].tolist() == ["failed", "ok"]


def test_parameters_come_from_the_results_where_params_json_is_gone(tmp_path):
    ray_trial(tmp_path / "exp" / "a", {"lr": 0.5}, [{"loss": 0.5, "gain": 0.5}])
    (tmp_path / "exp" / "a" / "params.json").unlink()
    assert read_foreign(tmp_path / "exp", mapping()).points["config.lr"].tolist() == [0.5]


def test_a_torn_last_line_is_dropped_and_other_damage_refused(tmp_path):
    ray_trial(tmp_path / "exp" / "a", {}, [{"loss": 0.5, "gain": 0.5}])
    path = tmp_path / "exp" / "a" / "result.json"
    whole = path.read_text()
    path.write_text(whole + '{"loss": 0.')
    assert len(read_foreign(tmp_path / "exp", mapping()).points) == 1
    path.write_text("[1]\n" + whole)
    with pytest.raises(InputError, match=r"result\.json': line 1 is no JSON object; restore"):
        read_foreign(tmp_path / "exp", mapping())
    (tmp_path / "exp" / "a" / "params.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match=r"no JSON object"):
        read_foreign(tmp_path / "exp", mapping())


def test_a_directory_without_trials_and_without_objectives_is_refused(tmp_path, experiment):
    with pytest.raises(InputError, match=r"holds no Ray Tune trial"):
        read_foreign(tmp_path, mapping())
    with pytest.raises(InputError, match=r"says nothing of its objectives; name two or three"):
        read_foreign(experiment)


def test_the_folder_of_a_run_directory_points_to_the_run(experiment, tmp_path):
    inside = tmp_path / "run" / "tune"
    inside.parent.mkdir()
    experiment.rename(inside)
    (inside.parent / "sweep.yaml").write_text("format: 1")
    with pytest.raises(InputError, match=r"tune': is part of the run directory '.*run'; give that"):
        read_foreign(inside, mapping())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[" * 10**5, "more than 50 lists or mappings lie inside each other"),
        ('{"loss": 1, "loss": 2}', "the key 'loss' stands twice in one object"),
        ("[1]", "is no JSON object"),
        ("\x00", "is no JSON"),
        ('{"loss": "\\ud800"}', "holds half a character"),
        ('{"loss": ' + "9" * 5000 + "}", "more than 40 digits"),
        (b"\xff", "line 1: is no UTF-8 text, or remove the trial's folder"),
    ],
)
def test_damaged_results_are_named_with_their_line(experiment, line, message):
    path = experiment / "a0" / "result.json"
    content = line if isinstance(line, bytes) else line.encode()
    path.write_bytes(content + b"\n" + path.read_bytes())
    with pytest.raises(InputError, match=message) as caught:
        read_foreign(experiment, mapping(objectives=NESTED))
    assert "a0/result.json" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_result_without_end_is_refused(experiment, monkeypatch):
    monkeypatch.setattr("pareto_explorer.interchange.from_ray_tune._LONGEST", 100)
    with pytest.raises(InputError, match=r"result\.json': a line has more than"):
        read_foreign(experiment, mapping(objectives=NESTED))


def test_iterations_that_are_no_numbers_give_way_to_the_number_of_the_report(experiment):
    path = experiment / "a0" / "result.json"
    path.write_text(
        path.read_text().replace('"training_iteration": 1', '"training_iteration": "x"')
    )
    points = read_foreign(experiment, mapping(objectives=NESTED)).points
    assert points["step"].tolist()[:2] == [1, 2]


def test_whole_numbers_of_any_size_are_kept(experiment):
    for number, folder in enumerate(sorted(experiment.glob("*/"))):
        path = folder / "params.json"
        path.write_text(path.read_text().replace('"width": 8', f'"width": {2**64 + number}'))
    points = read_foreign(experiment, mapping(objectives=NESTED)).points
    assert points["config.width"].tolist()[:3] == [str(2**64), str(2**64), str(2**64 + 1)]
