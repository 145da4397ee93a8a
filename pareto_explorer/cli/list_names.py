"""``pareto-explorer list``: what a search-space file can name, and what is known of one name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from pareto_explorer.errors import InputError, brief
from pareto_explorer.terminal import Terminal

if TYPE_CHECKING:
    from pareto_explorer.cli.catalogue import Listed

__all__ = ["list_names"]

_RULE = 80


def list_names(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A kind: tasks, models, recipes, methods, aggregators, forget-losses, presets, "
            "metrics, objectives, search-spaces. Or a name, which is explained.",
            metavar="KIND|NAME",
            show_default="everything",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every registered name with its knobs, default domains, meaning and source.

    One name is explained, with a part of a search space that has it.
    """
    from pareto_explorer.cli.catalogue import KINDS, catalogue

    if what is None or what in KINDS:
        found = catalogue(None if what is None else [what])
    else:
        found = _named(what, catalogue())
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False, allow_nan=False))
    elif what is None or what in KINDS:
        _print(found)
    else:
        _explain(found)


def _named(name: str, everything: Mapping[str, Sequence[Listed]]) -> dict[str, list[Listed]]:
    """What has a name, by kind.

    Raises:
        InputError: Nothing has it.
    """
    found = {kind: [one for one in each if one.name == name] for kind, each in everything.items()}
    found = {kind: each for kind, each in found.items() if each}
    if not found:
        names = sorted({one.name for each in everything.values() for one in each}.union(everything))
        near = difflib.get_close_matches(name[:200], names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise InputError(
            f"list: {brief(name)} is no name and no kind of names; {hint}"
            "`pareto-explorer list` prints all."
        )
    return found


def _plain(found: Mapping[str, Sequence[Listed]]) -> dict[str, list[dict[str, Any]]]:
    """Everything but the lines that are printed."""
    return {
        kind: [{k: v for k, v in asdict(one).items() if k != "lines"} for one in each]
        for kind, each in found.items()
    }


def _print(found: Mapping[str, Sequence[Listed]]) -> None:
    console = Terminal()
    for heading, entries in found.items():
        rule = Rule(Text(heading.replace("-", " ")), align="left")
        console.print(rule, width=min(console.width, _RULE))
        for entry in entries:
            console.print(Text(entry.name, style="bold"))
            source = f" [{entry.source}]" if entry.source else ""
            _indented(console, 2, f"{entry.summary}{source}")
            for line in entry.lines:
                _indented(console, 4, line, style="dim")


def _explain(found: Mapping[str, Sequence[Listed]]) -> None:
    from pareto_explorer.cli.catalogue import KINDS

    console = Terminal()
    for kind, entries in found.items():
        for entry in entries:
            console.print(Text(f"{entry.name} ({KINDS[kind].one})", style="bold"))
            _indented(console, 2, entry.summary)
            _indented(console, 2, f"source: {entry.source}")
            if defects := entry.facts.get("defects_of_published_code"):
                _indented(console, 2, f"defects of published code: {defects}")
            for line in _details(entry):
                _indented(console, 2 + 2 * line.startswith(" "), line.strip())
            _indented(console, 2, "run it:" if kind == "search-spaces" else "in a search space:")
            for line in entry.example.splitlines():
                console.print(Text(f"    {line}", style="cyan"), soft_wrap=True)


def _details(entry: Listed) -> list[str]:
    """Knobs with what they mean below them, or the lines of the list."""
    from pareto_explorer.cli.catalogue import knob_line

    if not entry.knobs:
        return list(entry.lines)
    lines = []
    for knob in entry.knobs:
        lines.append(knob_line(knob))
        if meaning := knob.get("meaning"):
            lines.append(f" {meaning}")
    return lines


def _indented(console: Terminal, columns: int, text: str, style: str = "") -> None:
    console.print(Padding.indent(Text(text, style=style), columns))
