"""``--open``: a browser, or the page to open."""

from __future__ import annotations

import webbrowser

import pytest
import yaml
from typer.testing import CliRunner

from pareto_explorer import load_run
from pareto_explorer.cli.app import app
from pareto_explorer.reports import write_report
from tests.docs.conftest import SPACE
from tests.synthetic import write_synthetic_run


@pytest.fixture
def opened(monkeypatch):
    """The pages that were opened."""
    pages: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: pages.append(url) or True)
    return pages


def command(*arguments: object):
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_a_report_is_opened_on_demand(tmp_path, opened):
    run = write_synthetic_run(tmp_path / "run", configurations=1)
    assert command("report", run.path).exit_code == 0
    assert opened == []
    done = command("report", run.path, "--open")
    assert opened == [(run.report / "index.html").as_uri()]
    assert (done.exit_code, done.stderr) == (0, "")


def test_the_report_of_a_sweep_is_opened_on_demand(tmp_path, opened, monkeypatch):
    run = write_synthetic_run(tmp_path / "run", configurations=1)
    write_report(run.path)
    space = tmp_path / "space.yaml"
    space.write_text(yaml.safe_dump(SPACE))
    monkeypatch.setattr("pareto_explorer.api.run_sweep", lambda *_, **__: load_run(run.path))
    command("sweep", space, "--quiet")
    assert opened == []
    command("sweep", space, "--quiet", "--open")
    assert opened == [(run.report / "index.html").as_uri()]


def test_without_a_browser_the_page_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    run = write_synthetic_run(tmp_path / "run", configurations=1)
    done = command("report", run.path, "--open")
    assert done.exit_code == 0
    assert done.stderr == f"no browser was found; open {run.report / 'index.html'}\n"


def test_a_quiet_sweep_with_a_live_page_prints_its_report_alone(tmp_path, monkeypatch):
    class Page:
        def __init__(self, place, console, **_):
            console.print(f"live page of {place}")

    run = write_synthetic_run(tmp_path / "run", configurations=1)
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(SPACE))
    monkeypatch.setattr("pareto_explorer.cli.live_page.LivePage", Page)
    monkeypatch.setattr("pareto_explorer.api.run_sweep", lambda *_, **__: load_run(run.path))
    arguments = ["sweep", str(tmp_path / "space.yaml"), "--out", str(run.path), "--quiet", "--live"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.stdout == f"{run.report / 'index.html'}\n"
    assert done.stderr == f"live page of {run.path}\n"
