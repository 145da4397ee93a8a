"""What a loaded run does beyond showing its numbers: it writes its report and opens it."""

from __future__ import annotations

import webbrowser

import pytest

import pareto_explorer
from pareto_explorer import reports, results
from pareto_explorer.errors import InputError
from tests.synthetic import write_synthetic_run


@pytest.fixture
def small(tmp_path):
    """A sweep made elsewhere, with two models."""
    (tmp_path / "results.csv").write_text("model,loss,gain\na,0.1,0.9\nb,0.3,0.95\n")
    (tmp_path / "mapping.yaml").write_text(
        "columns: {trial_id: model}\n"
        "objectives:\n"
        "- {metric: loss, direction: min, ideal: 0, nadir: 1}\n"
        "- {metric: gain, direction: max, ideal: 1, nadir: 0}\n"
    )
    return pareto_explorer.load_run(tmp_path / "results.csv", tmp_path / "mapping.yaml")


@pytest.fixture
def opened(monkeypatch):
    pages = []
    monkeypatch.setattr(webbrowser, "open", pages.append)
    return pages


def test_a_report_is_written_where_it_is_told(small, tmp_path, opened):
    page = small.report(tmp_path / "here")
    assert page == tmp_path / "here" / "index.html"
    assert "results.csv" in page.read_text(encoding="utf-8")
    assert opened == []


def test_a_sweep_made_elsewhere_needs_a_folder(small, opened):
    with pytest.raises(InputError, match="no run directory"):
        small.open()
    assert opened == []


def test_opening_writes_the_report_and_shows_it(small, tmp_path, opened, monkeypatch):
    written = []

    def write(run, out):
        written.append((run, out))
        return out / "index.html"

    monkeypatch.setattr(reports, "write_report", write)
    page = small.open(tmp_path / "a folder")
    assert written == [(small, tmp_path / "a folder")]
    assert page == tmp_path / "a folder" / "index.html"
    assert opened == [page.as_uri()]


def test_runs_put_together_have_a_report_as_well(tmp_path):
    paths = [write_synthetic_run(tmp_path / name, configurations=1).path for name in "ab"]
    together = pareto_explorer.combine_runs([pareto_explorer.load_run(path) for path in paths])
    assert isinstance(together, pareto_explorer.Run)
    assert isinstance(together, results.Run)
