"""Every YAML block of README and documentation is a search space, a part of one, or a mapping."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from pareto_explorer.interchange import load_mapping
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.tasks import RECIPES, TASKS, parse_forget, parse_model, parse_recipe
from pareto_explorer.trust.files import parse_yaml
from tests.docs.conftest import SPACE
from tests.docs.pages import Block, all_blocks, blocks


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=str)
def test_block_is_valid(block: Block, reader: Path) -> None:
    content: Any = parse_yaml(block.text, str(block))
    if "columns" in content:
        path = reader / "mapping.yaml"
        path.write_text(block.text)
        load_mapping(path)
        return
    spec = SweepSpec.from_mapping({**SPACE, **content}, str(block))
    _check_task(spec.task)


def _check_task(task: dict[str, Any]) -> None:
    """What a file says of its task fits it, as far as can be known without its data."""
    options = {name: value for name, value in task.items() if name != "name"}
    inspect.signature(TASKS[task["name"]].build).bind_partial(**options)
    if "forget" in options:
        parse_forget(options["forget"])
    parse_model(options.get("model", "resnet18"))
    parse_recipe(options.get("recipe"), RECIPES["fast"])


def test_the_values_that_are_called_defaults_are_the_defaults() -> None:
    (block,) = (b for b in blocks("docs/search-spaces.md", "yaml") if "loggers" in b.text)
    shown: Any = parse_yaml(block.text, str(block))
    assert shown.keys() == {
        "early_stopping", "stop", "checkpoints", "retries", "resources", "loggers"
    }  # fmt: skip
    defaults = SweepSpec.from_mapping(SPACE).to_mapping()
    assert {name: defaults[name] for name in shown} == shown
