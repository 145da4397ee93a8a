"""``pareto-explorer check``: look at a sweep before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from pareto_explorer.cli.options import CacheOption, OverridesOption, SpaceArgument
from pareto_explorer.cli.tables import plain_table
from pareto_explorer.cli.wording import in_options
from pareto_explorer.errors import InputError
from pareto_explorer.terminal import Terminal, say, visible
from pareto_explorer.text import plural

if TYPE_CHECKING:
    from rich.table import Table

    from pareto_explorer.sweeps.checks.check import CheckResult
    from pareto_explorer.sweeps.checks.estimate import Estimate

__all__ = ["check"]

_CARDS = (8, 12, 16, 24, 32, 40, 48, 80, 141)  # GiB, as they are sold


def check(
    context: typer.Context,
    space: SpaceArgument,
    overrides: OverridesOption = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Ray cluster whose room is counted: auto, host:port or ray://host:port.",
            show_default="this machine",
        ),
    ] = None,
    cache_dir: CacheOption = None,
) -> None:
    """Look at a sweep's data and model, try a few steps of every family, estimate its time.

    Nothing is trained and nothing is written. Exit code: 0 nothing is wrong (warnings may be
    shown), 2 something is.
    """
    from pareto_explorer.sweeps import SweepSpec
    from pareto_explorer.sweeps.checks.check import check as look

    console = Terminal()
    try:
        spec = SweepSpec.load(space, overrides or [])
    except InputError:
        _refuse_run(Path(space))
        raise
    if console.is_terminal:
        with console.status("checking") as status:
            result = look(
                spec,
                address=address,
                cache_dir=cache_dir,
                tell=lambda text: status.update(Text(f"checking: {text}")),
            )
    else:
        result = look(
            spec,
            address=address,
            cache_dir=cache_dir,
            tell=lambda text: say(f"checking: {text}"),
        )
        console.print()
    _print(console, result)
    _print_findings(console, result, context)
    if not result.ok:
        raise typer.Exit(2)


def _refuse_run(path: Path) -> None:
    """Says what to give instead of a run or a folder, if that is what was given."""
    from pareto_explorer.runs import RunDirectory
    from pareto_explorer.trust.files import read_yaml

    run = RunDirectory(path if path.is_dir() else path.parent)
    if run.sweep_yaml.is_file() and path in (run.path, run.sweep_yaml):
        try:
            content = read_yaml(run.sweep_yaml, "search space")
        except InputError:
            content = None
        if isinstance(content, dict) and "spec" in content:
            raise InputError(
                f"search space: {str(path)!r} belongs to a run; give the file that was swept, or "
                f"save what {str(run.sweep_yaml)!r} holds under 'spec' as one."
            )
    if path.is_dir():
        raise InputError(
            f"search space: {str(path)!r} is a directory; give a search-space file or the name of "
            "a shipped one, such as digits."
        )


def _print(console: Terminal, result: CheckResult) -> None:
    from pareto_explorer.sweeps.trials.memory import gibibytes

    console.print(_sets(result))
    if result.model is not None:
        model = result.model
        frozen = f", {model.frozen:,} frozen" if model.frozen else ""
        output = f"; {model.batch} inputs give an output of shape {model.output}"
        console.tell(
            f"model: {model.name}, {model.parameters:,} parameters{frozen}, "
            f"{gibibytes(model.state_bytes)}{output if model.output else ''}"
        )
    if result.memory is not None:
        parts = ", ".join(f"{name} {gibibytes(n)}" for name, n in result.memory.parts.items() if n)
        console.tell(
            f"memory of a step by arithmetic, on the longest sequences: {parts}; "
            f"{gibibytes(result.memory.total)} in all, {_card(result.memory.total)}"
        )
    if result.families:
        console.print()
        console.print(_families(result))
        shrunk = [
            f"1/{round(ratio, 1):g} of {what}"
            for what, ratio in (("the data", result.shrunk), ("a batch", result.batch_shrunk))
            if ratio > 1
        ]
        scale = f", on {' and with '.join(shrunk)} and scaled up" if shrunk else ""
        larger = ", which grows with the batch" if result.batch_shrunk > 1 else ""
        console.tell(
            f"one replicate on {result.device}, {result.weights} weights{scale}; setup: before "
            "the first step; memory: the most that "
            + ("PyTorch holds on the card" if result.device != "cpu" else "this process holds")
            + larger
        )
    if result.estimate is not None:
        console.print()
        _print_estimate(console, result.estimate)


def _card(total: int) -> str:
    """The smallest usual card that has room for so many bytes and PyTorch's own half a GiB."""
    fitting = [size for size in _CARDS if total + 2**29 <= size * 2**30]
    return f"which fits a card of {fitting[0]} GB" if fitting else "more than one card has"


def _print_findings(console: Terminal, result: CheckResult, context: typer.Context) -> None:
    console.print()
    for heading, texts, style in (
        ("error", result.errors, "bold red"),
        ("warning", result.warnings, "yellow"),
    ):
        for text in texts:
            said = visible(in_options(text, context.command))
            console.print(Text.assemble((f"{heading}: ", style), said))
    say(_verdict(result))


def _sets(result: CheckResult) -> Table:
    tokens = any(own.labelled for own in result.sets)
    kind = "labels" if tokens else "classes"
    heads = ("samples", kind, "inputs", "from", "to", "repeated")
    table = plain_table(f"Data of {visible(result.task)}", "set", *heads)
    for own in result.sets:
        shape = "x".join(map(str, own.shape)) or "scalar"
        table.add_row(
            visible(own.name),
            f"{own.samples:,}",
            f"{own.labelled:.1f} each" if tokens else str(len(own.classes)),
            f"{own.dtype} {shape}",
            f"{own.lowest:g}",
            f"{own.highest:g}",
            str(own.repeated),
        )
    return table


def _families(result: CheckResult) -> Table:
    from pareto_explorer.sweeps.trials.memory import gibibytes

    heads = ("setup", "step", "evaluation", "memory")
    table = plain_table("A few real steps of every family", "family", *heads)
    for own in result.families:
        if own.failed:
            table.add_row(visible(own.name), Text("failed", style="red"), "", "", "")
            continue
        table.add_row(
            visible(own.name),
            duration(own.setup_seconds),
            duration(own.step_seconds) if own.step_seconds else "none",
            duration(own.evaluation_seconds),
            gibibytes(own.memory),
        )
    return table


def _print_estimate(console: Terminal, found: Estimate) -> None:
    table = plain_table("Estimate of the sweep", "part", "how many", "one after the other")
    for line in found.lines:
        table.add_row(line.what, f"{line.count:,}", duration(line.seconds))
    console.print(table)
    bound = "at most about" if found.at_most else "about"
    span = duration(found.low)
    if duration(found.high) != span:
        span = f"{span} to {duration(found.high)}, as far as trials on one card take turns"
    console.tell(
        f"{found.slots} at a time: {bound} {span}. An estimate from the steps above, without "
        "Ray's own start (some seconds) and whatever else the machine does."
    )


def _verdict(result: CheckResult) -> str:
    errors, warnings = len(result.errors), len(result.warnings)
    return (
        f"{result.task}: {errors or 'no'} {plural(errors, 'error')}, "
        f"{warnings or 'no'} {plural(warnings, 'warning')}"
    )


def duration(seconds: float) -> str:
    """A time as a person reads it, to two or three digits."""
    if seconds < 0.9995e-3:
        return f"{1e6 * seconds:.0f} us" if seconds else "0 s"
    if seconds < 0.9995:
        return f"{1e3 * seconds:.3g} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.3g} h" if hours < 999.5 else f"{hours:,.0f} h"
