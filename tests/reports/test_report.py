from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import hypervolume_json
from pareto_explorer.reports import write_report
from pareto_explorer.reports.cards import finding_card
from pareto_explorer.reports.html import plotly_script
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import load_run
from pareto_explorer.runs import PointsWriter, RunDirectory
from tests.synthetic import (
    HOSTILE_ERROR,
    HOSTILE_KNOB,
    write_oracle_free_run,
    write_synthetic_run,
)


@pytest.fixture(scope="module")
def page(run_path: Path) -> str:
    return (run_path / "report" / "index.html").read_text(encoding="utf-8")


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_report_has_four_files_and_no_leftovers(run_path: Path) -> None:
    names = sorted(path.name for path in (run_path / "report").iterdir())
    assert names == ["front.csv", "hypervolume.json", "index.html", "summary.md"]


def test_hypervolumes_are_those_of_the_run(run_path: Path) -> None:
    run = load_run(run_path)
    written = json.loads((run_path / "report" / "hypervolume.json").read_text(encoding="utf-8"))
    assert written == hypervolume_json(run.points, run.box, landmarks=run.landmarks)


def test_front_csv_is_the_front(run_path: Path) -> None:
    written = pd.read_csv(run_path / "report" / "front.csv")
    front = load_run(run_path).front()
    assert written["trial_id"].tolist() == front["trial_id"].tolist()
    assert written["forget_gap"].tolist() == pytest.approx(front["forget_gap"].tolist())


def test_page_embeds_plotly_once_and_names_no_other_file(page: str) -> None:
    assert page.count("plotly.js v") == 1
    html = without_scripts(page)
    assert re.findall(r"<link[^>]*href=\"(?!data:)", html) == []
    assert re.findall(r"(?<![-\w])(?:src|srcset|action|poster)=\"", html) == []
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_page_adds_little_to_plotly(page: str) -> None:
    assert len(page) - len(plotly_script()) < 450_000


def test_hostile_text_is_escaped_everywhere(page: str) -> None:
    assert HOSTILE_KNOB not in page
    assert 'onerror="' not in page
    assert "<b>loss</b>" not in page
    assert "&lt;b&gt;loss&lt;/b&gt;" in page
    assert HOSTILE_ERROR in unescape(page)


def test_summary_has_the_command_of_every_front_point(run_path: Path) -> None:
    text = (run_path / "report" / "summary.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if "pareto-explorer reproduce" in line]
    front = load_run(run_path).front()
    for line, trial, step in zip(table, front["trial_id"], front["step"], strict=True):
        command = line.strip("| ").rsplit("| ", 1)[1].replace("\\", "")
        assert shlex.split(command) == [
            *["pareto-explorer", "reproduce", str(run_path), "--trial", trial],
            *["--replicate", "0", "--step", str(step), "--space", "SPACE.yaml"],
        ]


def test_page_tells_failures_and_points_beyond_the_box(page: str, run_path: Path) -> None:
    text = unescape(page)
    assert "Of 19 trials, 2 failed and 1 diverged." in text
    means = load_run(run_path).means()
    beyond = f"{means['beyond_box'].sum()} of {len(means)} points lie at or beyond"
    assert beyond in text
    assert f"of {len(means)} points, of which {means['on_front'].sum()} are on" in text
    assert "mgda-<wbr>kl" not in text  # only slashes and underscores allow a break
    assert "the loss is not finite at step 57" in text


def test_summary_has_the_finding_and_the_families(run_path: Path) -> None:
    text = (run_path / "report" / "summary.md").read_text(encoding="utf-8")
    first = finding_card(Material(load_run(run_path))).sentence
    assert first in text.replace("\\", "")
    assert "| upgrad/kl_heldout |" in text
    assert "<script" not in text.replace("\\<script", "")


def test_report_is_reproducible_byte_for_byte(run_path: Path, page: str) -> None:
    assert write_report(run_path).read_text(encoding="utf-8") == page


def test_running_sweep_without_points_gets_a_report(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run")
    for path in (run.points, run.journal, run.landmarks):
        path.unlink()
    text = write_report(run.path).read_text(encoding="utf-8")
    assert "no front to show" in text


def test_sweep_in_which_everything_failed_gets_a_report(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run")
    run.points.unlink()
    run.journal.unlink()
    row = {
        "trial_id": "t", "family": "none", "method": "none", "replicate": 0, "training_seed": 0,
        "unlearning_seed": 0, "step": 0, "samples": 0, "seconds": 0.0, "status": "failed",
        "error": "ValueError: x",
    }  # fmt: skip
    with PointsWriter(RunDirectory(run.path)) as writer:
        writer.finish("t", "failed", "ValueError: x", [row])
    text = write_report(run.path).read_text(encoding="utf-8")
    assert "no front to show" in text
    assert "ValueError: x" in text


def test_one_replicate_gives_a_report_without_spread(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", replicates=1)
    text = write_report(run.path).read_text(encoding="utf-8")
    assert "in the only replicate" in text
    assert "nan" not in without_scripts(text).lower().replace("nanmean", "")


def test_a_report_folder_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", replicates=1, configurations=1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run.report.symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"`out`: .*report' is a symbolic link"):
        write_report(run.path)
    assert not any(elsewhere.iterdir())


def test_not_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_report_needs_neither_torch_nor_ray(run_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'torchjd', 'ray'): sys.modules[name] = None\n"
        "from pareto_explorer.reports import write_report\n"
        "write_report(sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, run_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_run_that_retrained_nothing_has_a_report_of_its_own_objectives(tmp_path: Path) -> None:
    run = load_run(write_oracle_free_run(tmp_path / "run").path)
    page = without_scripts(write_report(run).read_text(encoding="utf-8"))
    report = run.directory.report
    written = json.loads((report / "hypervolume.json").read_text(encoding="utf-8"))
    assert written["floor"] is None
    assert [o["metric"] for o in written["box"]["objectives"]] == list(run.box.metrics)
    summary = (report / "summary.md").read_text(encoding="utf-8")
    assert "No model was retrained" in summary
    for text in (page, summary):
        assert "Retrained model" not in text
        assert "nan" not in text.lower().split()
        assert "retain gap" not in text.lower()
