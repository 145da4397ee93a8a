"""``pareto-explorer export``: a run for a tracker of experiments."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pareto_explorer.cli.options import RunArgument
from pareto_explorer.terminal import say
from pareto_explorer.text import count

__all__ = ["export"]


class Tracker(StrEnum):
    """Where a run goes."""

    mlflow = "mlflow"
    tensorboard = "tensorboard"
    wandb = "wandb"


def export(
    run: RunArgument,
    to: Annotated[Tracker, typer.Option(help="The tracker.", show_default=False)],
    destination: Annotated[
        str | None,
        typer.Option(
            help="A folder, which may hold several runs; for mlflow also a tracking URI.",
            show_default="trackers/TRACKER",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="MLflow's experiment, W&B's project, TensorBoard's folder.",
            show_default="the run's name",
        ),
    ] = None,
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Send the front's kept models too.")
    ] = True,
) -> None:
    """Send a run, finished or not, to MLflow, TensorBoard or W&B; needs neither torch nor Ray.

    Exporting again brings what is there up to date. Nothing leaves the machine unless the
    destination is the address of a server.
    """
    from pareto_explorer.trackers import export_run

    sent = export_run(run, to.value, destination, name=name, models=models)
    say(f"{to.value}: {count(sent.new, 'run')} written, {sent.unchanged:,} unchanged: {sent.where}")
    if sent.left_out:
        say(sent.left_out)
    say(f"look: {sent.look}")
