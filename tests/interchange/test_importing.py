import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pareto_explorer.cli.app import app
from pareto_explorer.errors import InputError
from pareto_explorer.interchange import import_run, is_foreign, read_foreign
from pareto_explorer.results.run import load_run
from pareto_explorer.runs import finished_trials
from tests.interchange.tables import OBJECTIVES, mapping, write

ROOT = Path(__file__).parents[2]
TABLE = """
    model,seed,lr,loss,gain
    original,0,,1.0,0.1
    original,1,,1.0,0.2
    a,0,0.1,0.5,0.5
    a,1,0.1,0.4,0.6
    b,0,0.2,0.3,0.4
    b,1,0.2,,
"""
WHOLE = {
    "name": "mine",
    "columns": {"trial_id": "model", "replicate": "seed", "config.lr": "lr"},
    "landmarks": {"column": "model", "original": "original"},
}


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "sweep.csv", TABLE)


def test_an_import_is_an_ordinary_run(table, tmp_path):
    chosen = mapping(**WHOLE)
    directory = import_run(table, tmp_path / "runs" / "mine", chosen, command="import sweep.csv")
    run = load_run(directory.path)
    found = read_foreign(table, chosen)
    pd.testing.assert_frame_equal(run.points, found.points)
    pd.testing.assert_frame_equal(run.landmarks, found.landmarks)
    assert run.box == found.box
    assert run.manifest["imported"] == found.manifest["imported"]
    assert run.manifest["command"] == "import sweep.csv"
    assert run.manifest["spec"]["columns"]["config.lr"] == "lr"
    assert finished_trials(directory) == {"a": "finished", "b": "failed"}
    assert len(run.figure().data) > 0
    assert run.hypervolume()["mine"].per_replicate == pytest.approx({0: 0.33, 1: 0.36})
    assert [path.name for path in directory.path.parent.iterdir()] == ["mine"]


def test_costs_that_were_not_recorded_are_nowhere(table, tmp_path):
    from pareto_explorer.reports.cards.anytime import anytime_card
    from pareto_explorer.reports.cards.hypervolume import hypervolume_card
    from pareto_explorer.reports.shared.explorer_data import explorer_data
    from pareto_explorer.reports.shared.material import Material

    path = import_run(table, tmp_path / "mine", mapping(**WHOLE)).path
    material = Material(load_run(path))
    assert "seconds" not in hypervolume_card(material).data
    keys = [column["key"] for column in explorer_data(material, material.run.means())["columns"]]
    assert "step" in keys
    assert not {"seconds", "samples"} & set(keys)
    assert "spent" not in anytime_card(material).sentence
    done = CliRunner().invoke(app, ["select", str(path)])
    assert done.exit_code == 0
    assert "samples" not in done.output
    with pytest.raises(InputError, match="samples: where this sweep was made"):
        CliRunner().invoke(app, ["select", str(path), "--max", "samples=3"], catch_exceptions=False)


def test_a_mapping_file_is_as_good_as_a_mapping(table, tmp_path):
    path = write(
        tmp_path / "mapping.yaml",
        """
        columns: {trial_id: model, replicate: seed, config.lr: lr}
        objectives: [{metric: loss, direction: min}, {metric: gain, direction: max}]
        """,
    )
    run = load_run(import_run(str(table), str(tmp_path / "out"), str(path)).path)
    assert run.points["trial_id"].nunique() == 3
    assert run.manifest["name"] == "sweep"


def test_nothing_is_overwritten_and_nothing_half_done(table, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious").touch()
    with pytest.raises(InputError, match=r"`out`: '.*out' already holds something"):
        import_run(table, out, mapping(**WHOLE))
    (out / "precious").unlink()
    with pytest.raises(InputError, match="is not known"):
        import_run(table, out, mapping(columns={"step": "no"}))
    assert list(out.iterdir()) == []
    import_run(table, out, mapping(**WHOLE))
    assert (out / "points.parquet").exists()


def test_a_failure_while_writing_leaves_nothing(table, tmp_path, monkeypatch):
    def refuse(*_args):
        raise OSError("disk full")

    monkeypatch.setattr("pareto_explorer.interchange.importing.write_landmarks", refuse)
    with pytest.raises(OSError, match="disk full"):
        import_run(table, tmp_path / "out", mapping(**WHOLE))
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.csv"]


def test_only_foreign_sources_are_foreign(run, table, tmp_path):
    assert is_foreign(table)
    assert is_foreign("mysql://host/db")
    assert not is_foreign(run.directory.path)
    assert not is_foreign(tmp_path)
    assert not is_foreign(tmp_path / "missing")


def test_the_mapping_and_the_manifest_are_plain_data(table):
    manifest = read_foreign(table, mapping(**WHOLE)).manifest
    assert manifest["spec"]["objectives"] == OBJECTIVES
    assert manifest["facts"]["points"] == 4
    assert manifest["imported"]["sha256"]


def test_foreign_sweeps_are_read_without_torch_ray_and_optuna(table):
    program = textwrap.dedent(
        """
        import sys
        for name in ("torch", "torchvision", "torchjd", "ray", "optuna"):
            sys.modules[name] = None
        from pareto_explorer.interchange import ColumnMapping, read_foreign
        objectives = [
            {"metric": "loss", "direction": "min"}, {"metric": "gain", "direction": "max"}
        ]
        columns = {"trial_id": "model", "replicate": "seed"}
        mapping = ColumnMapping.from_dict({"columns": columns, "objectives": objectives})
        assert len(read_foreign(sys.argv[1], mapping).points) == 6
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(table)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


def test_a_source_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    source = tmp_path / "study"
    source.touch()

    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="none of the formats that can be read"):
        read_foreign(source)
