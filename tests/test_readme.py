from __future__ import annotations

from pathlib import Path

import pytest

from pareto_explorer.unlearning import FORGET_LOSSES, METHODS, PRESETS, WEIGHTINGS

README = (Path(__file__).parents[1] / "README.md").read_text()
TABLES = {"method": METHODS, "aggregator": WEIGHTINGS, "loss": FORGET_LOSSES, "preset": PRESETS}


@pytest.mark.parametrize(
    ("name", "source"),
    [(name, entry.source) for table in TABLES.values() for name, entry in table.items()],
)
def test_every_name_is_in_the_tables_with_its_source(name, source):
    rows = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    assert any(source in row for row in rows)
