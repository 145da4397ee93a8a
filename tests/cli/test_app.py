from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from html import unescape

import pytest
import yaml

from pareto_explorer import __version__
from pareto_explorer.cli.app import main
from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.interruption import Interrupted
from pareto_explorer.reports import write_report
from pareto_explorer.results.run import load_run
from tests.synthetic import write_synthetic_run as write_run


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pareto_explorer", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


@pytest.fixture
def refused(monkeypatch, capsys):
    """Runs a command in this process and returns the one sentence that bad input gets."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["pareto-explorer", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("error: ")
        return lines[0]

    return run


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.yaml"
    families = [{"method": "jacobian_descent", "aggregator": "mgda", "forget_loss": "kl_uniform"}]
    path.write_text(yaml.safe_dump({"task": {"name": "digits"}, "families": families}))
    return str(path)


def test_version_and_help():
    assert command("--version").stdout.strip() == f"pareto-explorer {__version__}"
    shown = command("--help").stdout
    commands = (
        "init",
        "check",
        "sweep",
        "report",
        "select",
        "audit",
        "import",
        "list",
        "reproduce",
        "export",
        "serve",
    )
    assert all(name in shown for name in commands)


@pytest.mark.parametrize("arguments", [("--help",), ("report", "--help"), ("--version",)])
def test_help_imports_neither_torch_nor_ray(arguments):
    code = (
        "import sys\n"
        "from pareto_explorer.cli.app import app\n"
        f"app({list(arguments)!r}, standalone_mode=False)\n"
        "assert not {'torch', 'ray', 'pandas'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("replicates", [2, 8])
def test_a_sweep_ends_with_the_first_sentence_of_its_report(
    tmp_path, monkeypatch, capsys, space, replicates
):
    run = write_run(tmp_path / "run", replicates=replicates)
    write_report(run.path)
    monkeypatch.setattr("pareto_explorer.api.run_sweep", lambda *_, **__: load_run(run.path))
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "sweep", space])
    with pytest.raises(SystemExit):
        main()
    shown = " ".join(capsys.readouterr().out.split())
    summary = (run.path / "report" / "summary.md").read_text(encoding="utf-8")
    first = unescape(summary.replace("\\", "")).partition("## What was found")[2].split("\n")[2]
    assert "has the largest mean hypervolume" in first
    assert first in shown
    assert ('--set "replicates' in shown) == (replicates == 2)


def test_bad_input_ends_with_exit_code_2_and_no_traceback(tmp_path):
    done = command("report", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("families.0.aggregator=upgard", "did you mean 'upgrad'"),
        ("families=[]", "families: "),
        ("budget.steps=-1", "budget.steps: "),
        ("task.forget={kind: mislabelled, fraction: 1.5}", "task.forget.fraction"),
        ("task.forget={kind: class, label: 12}", "task.forget.label"),
        ("task.forget={kind: classes}", "task.forget"),
        ("task.forget={kind: indices, indices: /nowhere.csv}", "/nowhere.csv"),
        ("task.name=digit", "did you mean 'digits'"),
        ("families.0.nonsense=1", "families.0.nonsense"),
    ],
)
def test_bad_values_are_one_sentence(refused, space, tmp_path, change, named):
    out = tmp_path / "run"
    assert named in refused("sweep", space, "--out", str(out), "--set", change)
    assert not out.exists()


def test_an_unwritable_directory_is_one_sentence(refused, space, tmp_path):
    (tmp_path / "file").write_text("")
    message = refused("sweep", space, "--out", str(tmp_path / "file" / "run"))
    assert "--out" in message
    assert "cannot be written" in message


def test_an_unreachable_address_is_one_sentence(refused, space, tmp_path):
    out = str(tmp_path / "run")
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "nonsense"):
        message = refused("sweep", space, "--out", out, "--address", address)
        assert "--address" in message
        assert address in message


def test_a_report_without_a_browser_to_print_it_is_there_all_the_same(
    tmp_path, refused, monkeypatch
):
    run = write_run(tmp_path / "run")
    monkeypatch.delenv("PARETO_EXPLORER_CHROME", raising=False)
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "--pdf: there is neither Chromium nor Chrome" in refused(
        "report", str(run.path), "--pdf"
    )
    assert run.report.joinpath("index.html").is_file()


def test_missing_and_foreign_directories_are_one_sentence(refused, tmp_path):
    assert "is not a directory" in refused("report", str(tmp_path / "nowhere"))
    assert "no sweep.yaml" in refused("report", str(tmp_path))


def test_a_damaged_table_is_one_sentence(refused, tmp_path):
    run = write_run(tmp_path / "run")
    run.points.write_bytes(b"damaged")
    assert "is damaged" in refused("report", str(run.path))


def test_points_that_do_not_exist_are_one_sentence(refused, tmp_path):
    run = str(write_run(tmp_path / "run").path)
    message = refused("reproduce", run, "--trial", "x", "--replicate", "0", "--step", "20")
    assert "--trial" in message


def test_several_runs_share_a_report(tmp_path):
    paths = [str(write_run(tmp_path / name).path) for name in ("one", "two")]
    out = tmp_path / "both"
    done = command("report", *paths, "--out", str(out))
    assert done.returncode == 0, done.stderr
    volumes = json.loads((out / "hypervolume.json").read_text())["families"]
    assert volumes["one: fine_tune"] == volumes["two: fine_tune"]
    assert not (tmp_path / "one" / "report").exists()
    summary = (out / "summary.md").read_text()
    assert f"reproduce {paths[1]} --trial" in summary
    assert "| one | torch |" in summary
    assert (out / "index.html").read_text().count("<h3>Search space</h3>") == 2


def test_another_box_is_used_for_all_numbers(refused, tmp_path):
    run = write_run(tmp_path / "run")
    box = tmp_path / "box.yaml"
    bounds = {"forget_gap": (0, 0.5), "test_accuracy": (1, 0.5)}
    box.write_text(
        yaml.safe_dump(
            {
                "objectives": [
                    {"metric": m, "direction": "min" if a < b else "max", "ideal": a, "nadir": b}
                    for m, (a, b) in bounds.items()
                ]
            }
        )
    )
    assert command("report", str(run.path)).returncode == 0
    own = (run.report / "hypervolume.json").read_text()
    done = command("report", str(run.path), "--box", str(box))
    assert done.returncode == 0, done.stderr
    assert (run.report / "hypervolume.json").read_text() == own
    written = json.loads((run.path / "report-box" / "hypervolume.json").read_text())
    assert "measured in the box of" in (run.path / "report-box" / "summary.md").read_text()
    assert [o["metric"] for o in written["box"]["objectives"]] == list(bounds)
    box.write_text(box.read_text().replace("test_accuracy", "test_acuracy"))
    assert "'test_accuracy'" in refused("report", str(run.path), "--box", str(box))


def test_a_sweep_made_elsewhere_is_imported_with_its_report(refused, tmp_path):
    table = tmp_path / "results.csv"
    table.write_text("model,seed,loss,gain\na,0,0.1,0.9\na,1,0.2,0.8\nb,0,0.3,0.95\nb,1,0.2,0.9\n")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "columns: {trial_id: model, family: model, replicate: seed}\n"
        "objectives:\n"
        "- {metric: loss, direction: min, ideal: 0, nadir: 1}\n"
        "- {metric: gain, direction: max, ideal: 1, nadir: 0}\n"
    )
    out = tmp_path / "run"
    done = command("import", str(table), str(out), "--mapping", str(mapping))
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "report" / "hypervolume.json").read_text())["families"]
    assert found["a"]["hypervolume"] == pytest.approx((0.9 * 0.9 + 0.8 * 0.8) / 2)
    assert "pareto-explorer reproduce" not in (out / "report" / "index.html").read_text()
    chosen = command("select", str(out))
    assert chosen.returncode == 0
    assert "export" not in chosen.stdout
    assert "already holds" in refused("import", str(table), str(out), "--mapping", str(mapping))


def test_an_interrupted_command_says_how_it_goes_on(monkeypatch, capsys):
    def interrupted():
        stop = Interrupted(signal.SIGTERM)
        stop.add_note("12 of 45 trials done; run the same command again to continue")
        raise stop

    codes = []
    monkeypatch.setattr("pareto_explorer.cli.app.app", interrupted)
    monkeypatch.setattr("os._exit", codes.append)
    main()
    assert codes == [143]
    assert capsys.readouterr().err == (
        "interrupted; 12 of 45 trials done; run the same command again to continue\n"
    )


def test_a_signal_reaches_a_command_through_typer(tmp_path):
    """The real command, in which a signal arrives while it reads; a second one ends it at once."""
    code = (
        "import os, signal, sys\n"
        "from pareto_explorer import results\n"
        "from pareto_explorer.cli import app\n"
        "def load_runs(*_):\n"
        "    signal.raise_signal(getattr(signal, sys.argv.pop()))\n"
        "results.load_runs = load_runs\n"
        "app.main()\n"
    )
    for name, number in (("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)):
        words = [sys.executable, "-c", code, "report", str(tmp_path), name]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == number
        assert done.stdout == ""
        assert done.stderr == "interrupted; run the same command again to continue\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("budget.steps: is -1."), 2, "error: budget.steps: is -1."),
        (WriteError("'a' cannot be written."), 1, "error: 'a' cannot be written."),
        (
            PermissionError(errno.EACCES, "Permission denied", "space.yaml"),
            1,
            "error: 'space.yaml' cannot be used (Permission denied).",
        ),
    ],
)
def test_the_exit_code_says_what_went_wrong(monkeypatch, capsys, error, code, said):
    def fail():
        raise error

    monkeypatch.setattr("pareto_explorer.cli.app.app", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert capsys.readouterr().err == f"{said}\n"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_report_that_cannot_be_written_names_the_option_that_helps(
    tmp_path, monkeypatch, capsys, number
):
    run = write_run(tmp_path / "run")

    def refuse(path, _):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("pareto_explorer.reports.report.write_text", refuse)
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "report", str(run.path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: report: '{run.path}/report/index.html' cannot be written")
    assert os.strerror(number) in said
    assert "--out" in said
    assert len(said.splitlines()) == 1
