"""README and pages: how long, where links lead, and that what is shown twice is the same."""

from __future__ import annotations

import re
import struct
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from docs import screenshot
from pareto_explorer.results import Run
from pareto_explorer.sweeps import find_space
from tests.docs.pages import LANGUAGES, PAGES, ROOT, blocks

GENERATED = ("changelog.md", "contributing.md", "api/")  # by docs/_hooks.py
README = PAGES["README.md"]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 160


def test_two_commands_set_everything_up() -> None:
    lines = [line for block in blocks("README.md", "sh") for line in block.text.splitlines()]
    assert lines[0] == "pip install -e . && pareto-explorer sweep digits"
    assert "pip install -e '.[dev]' && pytest" in lines
    find_space("digits")


def test_ones_own_model_takes_thirty_lines_and_is_the_same_on_its_page() -> None:
    (shown,) = blocks("README.md", "python")
    assert len([line for line in shown.text.splitlines() if line.strip()]) <= 30
    assert blocks("docs/own-model.md", "python")[0].text == shown.text


def test_every_block_says_its_language() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert block.language in LANGUAGES, str(block)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        path, _, anchor = target.partition("#")
        if target.startswith("https://") or path.startswith(GENERATED):
            continue
        found = folder / path if path else ROOT / page
        assert found.is_file(), target
        if anchor:
            assert anchor in _anchors(found), target


@pytest.mark.parametrize("page", PAGES)
def test_what_a_run_is_said_to_have_it_has(page: str) -> None:
    names = {field.name for field in fields(Run)} | set(dir(Run))
    assert set(re.findall(r"`run\.(\w+)[`(\[]", _prose(page))) <= names


def test_the_site_shows_every_page_once() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    navigation = yaml.safe_load(text)["nav"]
    shown = [page for page in _leaves(navigation) if not page.startswith(GENERATED)]
    assert sorted(shown) == sorted(p.removeprefix("docs/") for p in PAGES if p.startswith("docs/"))


def test_what_readme_and_pages_call_files_exists() -> None:
    named = r"`((?:benchmarks|cluster|docs|notebooks|pareto_explorer|tests)/[\w./-]+\w)`"
    for page in PAGES:
        for path in re.findall(named, _prose(page)):
            assert (ROOT / path).exists(), f"{page}: {path}"


def test_the_rooms_are_those_that_imports_are_held_to() -> None:
    from tests.test_layers import ROOMS

    rows = re.findall(r"^\| `(\w+)/` \| .+ \|(.*)\|$", PAGES["CONTRIBUTING.md"], re.MULTILINE)
    shown = {package: tuple(re.findall(r"`(\w+)`", rooms)) for package, rooms in rows}
    assert {package: rooms for package, rooms in shown.items() if rooms} == dict(ROOMS)


def test_shipped_search_spaces_are_all_named() -> None:
    text = PAGES["docs/first-front.md"]
    for path in (ROOT / "search_spaces").glob("*.yaml"):
        assert f"`{path.stem}`" in text


def test_the_picture_is_that_of_the_script_and_small() -> None:
    data = screenshot.PICTURE.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (screenshot.WIDTH, screenshot.HEIGHT)
    assert len(data) < 300_000


def test_results_stand_between_their_marks() -> None:
    from benchmarks.docs_results import PAGES as MEASURED
    from benchmarks.docs_results import _pattern

    for space, page in MEASURED.items():
        assert len(_pattern(space).findall(page.read_text())) == 1


def _prose(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    named = {match[1] for h in headings if (match := re.search(r"\{#([\w-]+)\}", h))}
    return named | {re.sub(r"[^\w-]+", "-", heading.lower()).strip("-") for heading in headings}


def _leaves(navigation: object) -> list[str]:
    if isinstance(navigation, str):
        return [navigation]
    items = navigation.values() if isinstance(navigation, dict) else navigation
    return [leaf for item in items for leaf in _leaves(item)]
