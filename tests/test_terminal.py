"""Whatever a file holds, a terminal gets text; whatever it can show, commands end well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from pareto_explorer import load_run
from pareto_explorer.cli.app import app
from pareto_explorer.runs import read_manifest, write_manifest
from pareto_explorer.sweeps.live.display import progress_for
from pareto_explorer.terminal import Terminal, accept_any_encoding, say, visible
from tests.synthetic import write_synthetic_run

HOSTILE = "a\x1b]0;title\x07\x1b[2J\x9b31m\u202eb\r\n\x7f\u2028[/bold]\ud800"
SEEN = r"a\x1b]0;title\x07\x1b[2J\x9b31m\u202eb\r\n\x7f\u2028[/bold]\ud800"


def only_text(output: str) -> bool:
    return all(line.isprintable() for line in output.split("\n"))


def test_what_a_terminal_would_act_on_is_written_out():
    assert visible(HOSTILE) == SEEN
    assert visible("père · λ ≤ 2\u00a0×\u3000頭") == "père · λ ≤ 2\u00a0×\u3000頭"


def test_lines_and_tables_hold_nothing_else(capsys):
    say(HOSTILE)
    say(HOSTILE, stderr=True)
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE))
    terminal = Terminal()
    terminal.print(table)
    terminal.print(HOSTILE)
    progress_for(terminal, quiet=False).stage(HOSTILE)
    told = capsys.readouterr()
    assert only_text(told.out)
    assert told.err == f"{SEEN}\n"
    assert told.out.startswith(f"{SEEN}\n")
    assert told.out.endswith(f"{SEEN}\n")


@pytest.fixture
def hostile(tmp_path):
    """A run whose families, trials and name try to act on the terminal."""
    run = write_synthetic_run(tmp_path / "run")
    name = HOSTILE.replace("\ud800", "")
    points = load_run(run.path).points
    points["trial_id"] = name + points["trial_id"]
    points["family"] = name + points["family"]
    run.journal.unlink(missing_ok=True)
    points.to_parquet(run.points)
    manifest = read_manifest(run)
    domains = {name + family: knobs for family, knobs in manifest["domains"].items()}
    write_manifest(run, manifest | {"name": name, "domains": domains})
    return run


@pytest.mark.parametrize("command", ["select", "report"])
def test_a_hostile_run_is_shown_as_text(hostile, command):
    done = CliRunner().invoke(app, [command, str(hostile.path)])
    assert done.exit_code == 0, done.output
    assert only_text(done.output)


def test_the_sentence_of_an_error_is_text_too(hostile):
    words = ["--trial", "x", "--replicate", "0", "--step", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "pareto_explorer", "select", str(hostile.path), *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert only_text(done.stdout + done.stderr)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437", "shift_jis"])
def test_what_an_encoding_lacks_is_still_readable(encoding, tmp_path):
    file = tmp_path / "out"
    code = (
        "from pareto_explorer.terminal import Terminal, accept_any_encoding, say\n"
        "accept_any_encoding()\n"
        "say('1/2 trials · KL(U‖p) ≤ 0.5 ± 0.1, José, 頭')\n"
        "Terminal().rule('a · b')\n"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    with file.open("wb") as target:
        subprocess.run([sys.executable, "-c", code], env=environment, stdout=target, check=True)
    first, *_ = file.read_text(encoding=encoding).split("\n")
    if encoding == "ascii":
        assert first == r"1/2 trials - KL(U||p) <= 0.5 +/- 0.1, Jose, \u982d"
    assert first.startswith("1/2 trials ")
    assert "?" not in first


def test_a_command_ends_well_whatever_the_encoding(hostile):
    done = subprocess.run(
        [sys.executable, "-m", "pareto_explorer", "select", str(hostile.path)],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode("ascii")
    assert "Mean +/- standard deviation" in text
    assert only_text(text)


def test_streams_that_are_none_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    accept_any_encoding()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is a device of Linux")
def test_output_to_a_full_disk_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pareto_explorer", "list", "presets"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: reading or writing failed (No space left on device).\n"
