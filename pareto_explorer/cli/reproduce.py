"""``pareto-explorer reproduce``: one point run again, beside its row."""

from __future__ import annotations

from typing import Annotated

import typer

from pareto_explorer.cli.options import CacheOption, RunArgument, SweptOption, TrustOption
from pareto_explorer.cli.tables import plain_table
from pareto_explorer.terminal import Terminal, say, visible

__all__ = ["reproduce"]


def reproduce(
    run: RunArgument,
    trial_id: Annotated[str, typer.Option("--trial", help="The trial's id.", show_default=False)],
    replicate: Annotated[int, typer.Option(help="The replicate's number.", show_default=False)],
    step: Annotated[int, typer.Option(help="The point's step.", show_default=False)],
    position: Annotated[
        float, typer.Option(help="Its position, where there are several models at the step.")
    ] = 0.0,
    cache_dir: CacheOption = None,
    tolerance: Annotated[
        float, typer.Option(help="Largest difference that still counts as the same.")
    ] = 1e-6,
    spec: SweptOption = None,
    trust: TrustOption = False,
) -> None:
    """Run one point again and compare it with its row. Exit code: 0 it agrees, 1 it differs."""
    from pareto_explorer.schema.columns import place
    from pareto_explorer.sweeps import SweepSpec
    from pareto_explorer.sweeps import reproduce as run_again

    swept = SweepSpec.load(spec) if spec else None
    point = (run, trial_id, replicate, step, position)
    found = run_again(*point, cache_dir=cache_dir, trust=trust, spec=swept)
    title = f"{visible(trial_id)}, replicate {replicate}, {place(step, position)}"
    table = plain_table(title, "quantity", "recorded", "again")
    for name, recorded, again in found.values.itertuples():
        table.add_row(visible(str(name)), f"{recorded:.6g}", f"{again:.6g}")
    console = Terminal()
    console.print(table)
    agrees = found.largest_difference <= tolerance
    say(
        f"{'agrees' if agrees else 'differs'}: "
        f"the largest difference is {found.largest_difference:.2g}"
    )
    if not agrees:
        console.tell(found.explanation(tolerance))
        raise typer.Exit(1)
