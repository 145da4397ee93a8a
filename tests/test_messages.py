"""Messages below the command line name arguments of Python, never options."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pareto_explorer

PACKAGE = Path(pareto_explorer.__file__).parent
OPTION = re.compile(r"--[a-z]")
OTHERS = re.compile(r"`ray [^`]*`")
"""Commands of other programs, as a message quotes them."""

ALLOWED = {
    "reports/shared/commands.py": "a whole command, which a report shows to be copied",
    "reports/shared/more_replicates.py": "likewise, for a run that a command started",
    "trackers/to_mlflow.py": "a command of MLflow's",
    "trackers/to_tensorboard.py": "a command of TensorBoard's",
    "reports/shared/next_steps.py": "likewise",
    "reports/pdf.py": "options of Chromium",
    "reports/shared/legend.py": "properties of style sheets",
}


def options_in(code: str) -> list[str]:
    texts = (
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return [text for text in texts if OPTION.search(OTHERS.sub("", text))]


def test_only_cli_knows_the_words_of_the_command_line():
    found = {
        name: texts
        for path in sorted(PACKAGE.rglob("*.py"))
        if not (name := path.relative_to(PACKAGE).as_posix()).startswith("cli/")
        and (texts := options_in(path.read_text(encoding="utf-8")))
    }
    strangers = {name: texts for name, texts in found.items() if name not in ALLOWED}
    assert not strangers, "write `argument`, see cli/wording.py"
    assert found.keys() == ALLOWED.keys()


def test_an_option_in_a_message_is_found():
    assert options_in('raise InputError(f"--out: {path} is taken")') == ["--out: "]
    assert options_in('"""Give `--trust`."""') == ["Give `--trust`."]
    assert not options_in('text = "`out`: start one with `ray start --head` -- or not"')
