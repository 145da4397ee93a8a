from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.reports import write_pdf

FAKE = """#!{python}
import sys
from pathlib import Path
Path({log!r}).write_text("\\n".join(sys.argv[1:]))
print("first line\\nno display", file=sys.stderr)
out = [word.split("=", 1)[1] for word in sys.argv if word.startswith("--print-to-pdf=")]
if {prints}:
    Path(out[0]).write_bytes(b"%PDF")
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "it's a report" / "index.html"
    path.parent.mkdir()
    path.write_text("<!doctype html><title>A report</title>", encoding="utf-8")
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "arguments"


def browser(monkeypatch: pytest.MonkeyPatch, log: Path, *, prints: bool = True) -> None:
    path = log.with_name("browser")
    path.write_text(FAKE.format(python=sys.executable, log=str(log), prints=prints))
    path.chmod(0o755)
    monkeypatch.setenv("PARETO_EXPLORER_CHROME", str(path))


def test_the_browser_prints_the_page_with_a_profile_of_its_own(
    page: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(monkeypatch, log)
    assert write_pdf(page) == page.with_name("report.pdf")
    assert page.with_name("report.pdf").read_bytes() == b"%PDF"
    assert sorted(p.name for p in page.parent.iterdir()) == ["index.html", "report.pdf"]
    arguments = log.read_text().splitlines()
    assert arguments[-1] == page.as_uri()
    assert "--headless" in arguments
    (profile,) = re.findall(r"--user-data-dir=(.+)", log.read_text())
    assert not Path(profile).parent.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there is no root")
@pytest.mark.parametrize("root", [True, False])
def test_only_root_runs_the_browser_without_its_sandbox(
    page: Path, log: Path, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    browser(monkeypatch, log)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    write_pdf(page)
    assert ("--no-sandbox" in log.read_text()) == root


def test_a_browser_that_prints_nothing_is_quoted(
    page: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(monkeypatch, log, prints=False)
    with pytest.raises(WriteError, match=r"exit code 0\); it said: no display\."):
        write_pdf(page)
    assert not page.with_name("report.pdf").exists()


def test_without_a_browser_one_sentence_says_what_to_install(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARETO_EXPLORER_CHROME", raising=False)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(InputError, match=r"install one of them .* PARETO_EXPLORER_CHROME\.$"):
        write_pdf(page)
    monkeypatch.setenv("PARETO_EXPLORER_CHROME", "no-such-browser")
    with pytest.raises(InputError, match="'no-such-browser' is no program"):
        write_pdf(page)


def test_a_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'.*nowhere\.html' is no file"):
        write_pdf(tmp_path / "nowhere.html")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
def test_a_report_becomes_a_document_of_several_pages(run_path: Path) -> None:
    printed = write_pdf(run_path / "report" / "index.html")
    content = printed.read_bytes()
    printed.unlink()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", content)) > 4
    assert b"/S /Alpha" not in content  # a canvas that was erased masks the page below it
