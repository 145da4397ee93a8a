"""The commands together, and what becomes of an error that reaches the user."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from pareto_explorer import __version__
from pareto_explorer.cli.audit import audit
from pareto_explorer.cli.check import check
from pareto_explorer.cli.export import export
from pareto_explorer.cli.import_sweep import import_sweep
from pareto_explorer.cli.init import init
from pareto_explorer.cli.list_names import list_names
from pareto_explorer.cli.report import report
from pareto_explorer.cli.reproduce import reproduce
from pareto_explorer.cli.select import select
from pareto_explorer.cli.serve import serve
from pareto_explorer.cli.sweep import sweep
from pareto_explorer.cli.wording import Command
from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.interruption import AGAIN, Interrupted, ended_by_signals
from pareto_explorer.terminal import accept_any_encoding, say
from pareto_explorer.trust.search_path import add_working_directory

__all__ = ["app", "main"]

app = typer.Typer(
    help="Sweep machine-unlearning methods on Ray and see the forget-versus-retain front.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        say(f"pareto-explorer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001 - its callback has shown it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    add_working_directory()


for command in (init, sweep, report, serve, select, audit, check, reproduce, export):
    app.command(cls=Command)(command)
app.command("import", cls=Command)(import_sweep)
app.command("list", cls=Command)(list_names)


def main() -> None:
    """Runs the command line; what goes wrong is one sentence, and the exit code says its kind.

    2 is bad input, 1 a file that can no longer be written, 128 + n the signal number n.
    """
    accept_any_encoding()
    try:
        with ended_by_signals():
            app()
    except Interrupted as stop:
        notes = getattr(stop, "__notes__", [AGAIN])
        say("; ".join(["interrupted", *notes]), stderr=True)
        sys.stdout.flush()
        os._exit(stop.code)  # Ray's own end can take a minute where the signal went to all of it
    except InputError as error:
        say(f"error: {error}", stderr=True)
        sys.exit(1 if isinstance(error, WriteError) else 2)
    except OSError as error:
        if error.errno is None:
            raise
        if error.filename is not None:
            say(f"error: {str(error.filename)!r} cannot be used ({error.strerror}).", stderr=True)
        else:
            say(f"error: reading or writing failed ({error.strerror}).", stderr=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # perhaps it was what is printed
        sys.exit(1)
