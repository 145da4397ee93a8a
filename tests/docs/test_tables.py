"""The reference says of every registered name and of every field what the code says of it."""

from __future__ import annotations

import re

import pytest

from docs._tables import TABLES
from pareto_explorer.fronts import OBJECTIVES
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.tasks import MODELS, TASKS
from pareto_explorer.unlearning import AGGREGATORS, FORGET_LOSSES, METHODS, PRESETS
from tests.docs.pages import PAGES

PARTS = {"methods": METHODS, "aggregators": AGGREGATORS, "forget_losses": FORGET_LOSSES}
REGISTRIES = {
    **PARTS,
    "presets": PRESETS,
    "metrics": METRICS,
    "objectives": OBJECTIVES,
    "tasks": TASKS,
    "models": MODELS,
}


@pytest.mark.parametrize("name", REGISTRIES)
def test_every_name_is_there_with_its_sentence_and_its_source(name: str) -> None:
    text = TABLES[name]().replace("\\|", "|").replace("&lt;", "<")
    for key, entry in REGISTRIES[name].items():
        assert f"`{key}`" in text
        assert (entry.meaning if name == "metrics" else entry.summary) in text
        assert entry.source in text
        assert getattr(entry, "defects", "") in text


@pytest.mark.parametrize("name", PARTS)
def test_every_knob_is_in_the_section_of_its_part(name: str) -> None:
    sections = re.split(r"^## ", TABLES[name](), flags=re.MULTILINE)[1:]
    assert [re.search(r"`(\w+)`", section)[1] for section in sections] == list(PARTS[name])
    for section, entry in zip(sections, PARTS[name].values(), strict=True):
        assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == [k.name for k in entry.knobs]


@pytest.mark.parametrize("name", PARTS)
def test_methods_are_compared_with_their_sources(name: str) -> None:
    rows = TABLES["comparison"]().splitlines()
    for key, entry in PARTS[name].items():
        (row,) = (r for r in rows if r.startswith(f"| [`{key}`]"))
        assert entry.source in row


def test_every_field_of_the_search_space_has_a_default_and_a_meaning() -> None:
    rows = [row for row in TABLES["search_space"]().splitlines() if row.startswith("| `")]
    schema = SweepSpec.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    assert len(rows) == sum(len(part["properties"]) for part in parts)
    for row in rows:
        _, field, kind, default, meaning, _ = re.split(r"(?<!\\)\|", row)
        assert all(cell.strip() not in ("", "-") for cell in (field, kind, default, meaning)), row


def test_ranges_and_choices_are_as_the_schema_has_them() -> None:
    text = TABLES["search_space"]()
    assert "| `tolerance` | number, above 0, at most 1 | `0.1` |" in text
    assert "| `keep` | `front` or `final` or `all` or `none` | `front` |" in text
    assert "| `grace` | whole number, above 0, at most 1,000,000,000 | required |" in text


def test_every_option_of_the_command_line_is_there() -> None:
    text = TABLES["command_line"]()
    assert "| `--max` | Largest value allowed: retain_gap=0.01. May be repeated. | - |" in text
    sections = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    commands = {"sweep", "report", "select", "audit", "check", "import", "reproduce", "list"}
    commands.add("export")
    assert commands == set(sections)


def test_pages_ask_for_all_tables_and_for_no_others() -> None:
    mark = r"^<!-- table: (\w+) -->\n.+\n<!-- /table -->$"
    asked = [name for text in PAGES.values() for name in re.findall(mark, text, re.MULTILINE)]
    assert sorted(asked) == sorted(TABLES)


def test_tables_have_as_many_cells_in_every_row() -> None:
    for name, table in TABLES.items():
        width = 0
        for line in table().splitlines():
            cells = len(re.split(r"(?<!\\)\|", line))
            assert not line.startswith("|") or cells == (width or cells), f"{name}: {line}"
            width = cells if line.startswith("|") else 0


def test_doctests_of_docstrings_become_code() -> None:
    pytest.importorskip("griffe", reason="needs the extra docs")
    from docs._docstrings import markdown

    shown = markdown("A front.\n\n>>> 1 + 1  # doctest: +SKIP\n2\n\nSee :class:`~fronts.Box`.")
    assert shown == "A front.\n\n```python\n>>> 1 + 1\n2\n```\n\nSee `fronts.Box`."
