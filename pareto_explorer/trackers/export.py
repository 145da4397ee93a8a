"""From a run to the tracker that is asked for."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from pareto_explorer.errors import InputError, WriteError, unknown
from pareto_explorer.results import Run, load_run
from pareto_explorer.runs.files.storage import is_storage
from pareto_explorer.trackers.gather import sweep_record
from pareto_explorer.trackers.records import Sent
from pareto_explorer.trackers.to_mlflow import to_mlflow
from pareto_explorer.trackers.to_tensorboard import to_tensorboard
from pareto_explorer.trackers.to_wandb import to_wandb

__all__ = ["TRACKERS", "export_run"]

TRACKERS = ("mlflow", "tensorboard", "wandb")
"""The trackers that runs can be sent to."""


def export_run(
    run: Run | str | PathLike[str],
    to: str,
    destination: str | PathLike[str] | None = None,
    *,
    name: str | None = None,
    models: bool = True,
) -> Sent:
    """Sends a run, finished or not, to a tracker of experiments.

    A trial's replicates are runs of the tracker with the trial's knobs as parameters, every metric
    over the steps under its own name, and their seeds. In MLflow they are nested below their trial,
    which has the means and standard deviations, and that below the sweep; W&B groups them by trial,
    as does TensorBoard's table of hyperparameters. The sweep itself has the hypervolumes by family
    and the report. The kept models of the front go along with their model cards.

    Exporting again brings what is there up to date and doubles nothing. Data are read, and nothing
    that they name is run. Unless the destination is the address of a server, nothing leaves the
    machine.

    Args:
        run: A run, or the path or URI of its directory.
        to: ``mlflow``, ``tensorboard`` or ``wandb``.
        destination: A folder, by default ``trackers/<to>`` in the working directory, which may hold
            several runs; or for MLflow a tracking URI. W&B's runs are written as its offline mode
            does, for ``wandb sync``.
        name: The experiment of MLflow, the project of W&B, the folder of TensorBoard's: by default
            as the run is called.
        models: Whether kept models are sent too.

    Returns:
        Where everything is, and how to look at it.

    Raises:
        InputError: An unknown tracker, one that is not installed or does not take the run, a
            destination that it has no use for, or a damaged run.
        WriteError: The destination cannot be written.
    """
    if to not in TRACKERS:
        raise unknown("`to`", to, TRACKERS)
    address = str(destination or "")
    if to != "mlflow" and "://" in address:
        raise InputError(
            f"`destination`: {to} is written into a folder, and {address!r} is none; name a folder "
            + ("and send it with `wandb sync`." if to == "wandb" else "that its server reads.")
        )
    loaded = run if isinstance(run, Run) else load_run(run)
    storage = str(run) if not isinstance(run, Run) and is_storage(str(run)) else ""
    sweep = sweep_record(loaded, storage, models=models)
    folder = Path(destination or Path("trackers") / to)
    called = name or loaded.name
    try:
        if to == "mlflow":
            return to_mlflow(sweep, address or folder, called)
        if to == "tensorboard":
            return to_tensorboard(sweep, folder, called)
        return to_wandb(sweep, folder, called)
    except OSError as error:
        raise WriteError(
            f"`destination`: {str(error.filename or folder)!r} cannot be written "
            f"({error.strerror}); choose another folder."
        ) from None
