"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AddressOption",
    "BoxOption",
    "CacheOption",
    "OverridesOption",
    "RunArgument",
    "SpaceArgument",
    "SweptOption",
    "TrustOption",
    "VerboseOption",
]

SpaceArgument = Annotated[
    str,
    typer.Argument(help="A search-space file (code, as a script is), or a shipped one: digits."),
]
OverridesOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a value: families.0.lr=0.01. May be repeated."),
]
RunArgument = Annotated[
    str, typer.Argument(help="The run directory, or the URI of one.", show_default=False)
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder of the landmark cache.",
        envvar="PARETO_EXPLORER_CACHE",
        show_default="the user's cache folder",
    ),
]
SweptOption = Annotated[
    str | None,
    typer.Option(
        "--space",
        help="The search-space file that was swept, for a run that names code of your own.",
        show_default=False,
    ),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Import and call code that the run names; it can do anything."),
]
BoxOption = Annotated[
    Path | None,
    typer.Option(
        help="Recompute in the box of this run, or of this YAML or JSON file.",
        show_default="the run's own, which all must share",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="Ray cluster: auto, host:port or ray://host:port.", show_default="this machine"
    ),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show Ray's own output.")]
