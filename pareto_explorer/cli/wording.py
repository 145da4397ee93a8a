"""Arguments that messages name, in the words of the command that runs.

Messages below this package name an argument as Python has it, between backticks: `` `out` ``, or
`` `trust=True` ``. A command's parameters are called as the arguments of the library that they
become, so that each of them tells the option that stands for its argument.
"""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

from pareto_explorer.errors import InputError

__all__ = ["Command", "in_options"]

_NAMED = re.compile(r"`([\w()]+)(=True)?`")

_ELSEWHERE = {
    "load_runs(box)": "`pareto-explorer report --box`",
    "write_report(out)": "`pareto-explorer report --out`",
}
"""Arguments of calls that another command than the one that runs may make."""


class Command(TyperCommand):
    """A command that names its own options where a message names arguments."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            error.args = (in_options(str(error), self),)
            raise


def in_options(text: str, command: Any) -> str:
    """A message in which options of a command stand for the arguments that they give.

    Args:
        text: The message.
        command: The command; arguments that it does not take stay as they are.
    """
    options = {
        one.name: next((word for word in one.opts if word.startswith("--")), one.name.upper())
        for one in command.params
    }
    return _NAMED.sub(
        lambda found: _ELSEWHERE.get(found[1]) or options.get(found[1], found[0]), text
    )
