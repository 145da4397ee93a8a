import sqlite3
from contextlib import closing

import optuna
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import front
from pareto_explorer.interchange import is_foreign, read_foreign, to_optuna
from tests.interchange.tables import mapping


def objective(trial):
    lr = trial.suggest_float("lr", 0.01, 0.1, log=True)
    name = trial.suggest_categorical("optimizer", ["sgd", "adam"])
    if name == "sgd":
        trial.suggest_int("momentum", 0, 9)
    trial.set_user_attr("size", 3.5)
    trial.set_user_attr("note", "text")
    if trial.number == 2:
        raise RuntimeError("boom")
    return lr, 1 - lr * lr


def fill(storage, name="s", n=6, directions=("minimize", "maximize")):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        directions=directions,
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    study.optimize(objective, n_trials=n, catch=RuntimeError)
    return study


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("optuna") / "study.db"
    return path, fill(f"sqlite:///{path}")


def test_a_study_brings_its_own_objectives(database):
    path, study = database
    assert is_foreign(path)
    found = read_foreign(path)
    points = found.points
    assert [(o.metric, o.direction) for o in found.box.objectives] == [
        ("objective_0", "min"),
        ("objective_1", "max"),
    ]
    assert points["trial_id"].tolist() == [f"trial-{i:05d}" for i in range(6)]
    assert points["status"].tolist() == ["ok", "ok", "failed", "ok", "ok", "ok"]
    assert points["config.lr"].tolist() == [trial.params["lr"] for trial in study.trials]
    assert points["config.momentum"].dtype == "Int64"
    assert (points["config.momentum"].notna() == (points["config.optimizer"] == "sgd")).all()
    assert points["size"].tolist() == [3.5] * 6
    assert (points["seconds"] > 0).all()
    best = sorted(f"trial-{trial.number:05d}" for trial in study.best_trials)
    assert sorted(front(points, found.box)["trial_id"]) == best
    imported = found.manifest["imported"]
    assert imported["study"] == "s"
    assert imported["trials_left_out"] == 0
    assert imported["ignored_columns"] == ["note"]
    assert imported["bounds"]["objective_0"]["nadir"] == "from the data"


def test_address_and_file_are_the_same_storage(database):
    path, _ = database
    by_address = read_foreign(f"sqlite:///{path}").points
    assert by_address.equals(read_foreign(path).points)


def test_a_journal_is_read(tmp_path):
    path = tmp_path / "journal.log"
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    fill(optuna.storages.JournalStorage(backend))
    assert len(read_foreign(path).points) == 6


def test_a_mapping_makes_families_of_parameters_and_other_objectives(database):
    path, _ = database
    objectives = [
        {"metric": "objective_0", "direction": "min"},
        {"metric": "size", "direction": "max", "ideal": 4, "nadir": 0},
    ]
    columns = {"family": "config/optimizer"}
    found = read_foreign(path, mapping(objectives=objectives, columns=columns))
    assert set(found.points["family"]) == {"sgd", "adam"}
    assert "config.optimizer" not in found.points
    assert found.box.metrics == ("objective_0", "size")


def test_several_studies_need_a_name(tmp_path):
    path = tmp_path / "two.db"
    fill(f"sqlite:///{path}", "one", 3)
    study = fill(f"sqlite:///{path}", "two", 3)
    study.ask()  # a running trial
    with pytest.raises(InputError, match=r"holds 2 studies \(one, two\); name one"):
        read_foreign(path)
    with pytest.raises(InputError, match=r"'tow' is not known; did you mean 'two'\?"):
        read_foreign(path, study="tow")
    found = read_foreign(path, study="two")
    assert found.manifest["name"] == "two"
    assert found.manifest["imported"]["trials_left_out"] == 1


def test_one_objective_is_no_front(tmp_path):
    path = tmp_path / "one.db"
    storage = f"sqlite:///{path}"
    study = optuna.create_study(study_name="s", storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    with pytest.raises(InputError, match=r"has 1 objective; name two or three in a mapping"):
        read_foreign(path)


def test_what_optuna_did_not_write_is_refused_and_left_alone(tmp_path):
    missing = tmp_path / "none.db"
    with pytest.raises(InputError, match=r"is no SQLite database"):
        read_foreign(f"sqlite:///{missing}")
    assert not missing.exists()
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE things (x)")
    before = other.read_bytes()
    with pytest.raises(InputError, match=r"holds no study of Optuna"):
        read_foreign(other)
    assert other.read_bytes() == before
    with pytest.raises(InputError, match=r"is no storage of Optuna; leave it out"):
        read_foreign(tmp_path, mapping(), study="s")


def test_passwords_stay_out_of_messages():
    with pytest.raises(InputError, match=r"'nosuch://host/db': cannot be read") as caught:
        read_foreign("nosuch://me:secret@host/db")
    assert "secret" not in str(caught.value)


def test_a_run_survives_the_way_through_optuna(run, tmp_path):
    path = tmp_path / "copy.db"
    original = to_optuna(run)
    storage = f"sqlite:///{path}"
    optuna.copy_study(
        from_study_name=original.study_name, from_storage=original._storage, to_storage=storage
    )
    objectives = run.box.to_dict()["objectives"]
    found = read_foreign(path, mapping(objectives=objectives, columns={"family": "family"}))
    expected = run.front()[["forget_gap", "retain_gap"]]
    assert found.box == run.box
    again = front(found.points, found.box)[["forget_gap", "retain_gap"]]
    assert again.to_numpy().tolist() == expected.to_numpy().tolist()


def contents(folder):
    """Every file of a folder with its content and the time of its last change."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.iterdir())
    }


@pytest.fixture(params=["plain", "write-ahead", "write-ahead, in use", "journal"])
def source(request, tmp_path, database):
    """A storage in a folder of its own."""
    if request.param == "journal":
        path = tmp_path / "study.log"
        files = optuna.storages.journal
        fill(optuna.storages.JournalStorage(files.JournalFileBackend(str(path))), n=2)
        yield path
        return
    path = tmp_path / "100% mine?.db"
    path.write_bytes(database[0].read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        if request.param != "plain":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("UPDATE trials SET state = 'FAIL' WHERE number = 5")
        connection.commit()
        if request.param.endswith("in use"):
            assert path.with_name(f"{path.name}-wal").stat().st_size
            yield path
            return
    yield path


def test_reading_a_storage_leaves_it_as_it_is(source):
    before = contents(source.parent)
    points = read_foreign(source).points
    assert contents(source.parent) == before
    if source.suffix == ".db":
        assert points["status"].tolist() == ["ok", "ok", "failed", "ok", "ok", "failed"]


@pytest.mark.parametrize("others", [(), ("study_directions", "trial_params", "trial_values")])
@pytest.mark.parametrize("lacking", ["alembic_version", "version_info", "rows"])
def test_a_database_that_is_not_optunas_is_left_as_it_is(tmp_path, others, lacking):
    path = tmp_path / "lab.db"
    tables = {"studies", "trials", "alembic_version", "version_info", *others} - {lacking}
    with closing(sqlite3.connect(path)) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (x)")
        connection.commit()
    before = contents(tmp_path)
    for name in (path, f"sqlite:///{path}"):
        with pytest.raises(InputError, match=r"lab\.db'?: holds no study of Optuna"):
            read_foreign(name)
    assert contents(tmp_path) == before


def test_a_database_of_another_version_is_not_upgraded(tmp_path, database):
    path = tmp_path / "old.db"
    path.write_bytes(database[0].read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
        connection.commit()
    before = contents(tmp_path)
    with pytest.raises(InputError, match="cannot be read as a storage of Optuna"):
        read_foreign(path)
    assert contents(tmp_path) == before
