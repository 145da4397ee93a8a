"""Ray's own loggers, switched on by name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from ray import tune

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory

__all__ = ["loggers_for", "require_packages"]

_PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb", "aim": "aim"}


def require_packages(names: Sequence[str]) -> None:
    """Sees to it that the packages of loggers are there; nothing is imported.

    Args:
        names: As in :func:`loggers_for`.

    Raises:
        InputError: One is not installed.
    """
    for name in names:
        if find_spec(_PACKAGES[name]) is None:
            raise InputError(
                f"loggers: {name!r} needs a package that is not installed; run "
                f"`pip install {_PACKAGES[name]}` or take it out of the list."
            )


def loggers_for(names: Sequence[str], run: RunDirectory) -> list[tune.Callback]:
    """Makes the callbacks that report every trial to other tools.

    TensorBoard's files lie in the trials' folders below ``tune``, MLflow's records in
    ``mlflow.db`` and Aim's in ``.aim`` in the run directory; W&B is used as its own environment
    variables say. Against steps, they draw gradient steps.

    Args:
        names: Of ``tensorboard``, ``mlflow``, ``wandb`` and ``aim``.
        run: The run directory.

    Raises:
        InputError: A package is not installed.
    """
    require_packages(names)
    return [_logger(name, run) for name in names]


def _logger(name: str, run: RunDirectory) -> tune.Callback:
    match name:
        case "tensorboard":
            from ray.tune.logger import TBXLoggerCallback

            return TBXLoggerCallback()  # type: ignore[no-untyped-call]
        case "mlflow":
            from ray.air.integrations.mlflow import MLflowLoggerCallback

            uri = f"sqlite:///{run.path / 'mlflow.db'}"
            return MLflowLoggerCallback(tracking_uri=uri, experiment_name=run.path.name)
        case "wandb":
            from ray.air.integrations.wandb import WandbLoggerCallback

            return WandbLoggerCallback(project=run.path.name)
        case _:
            from ray.tune.logger.aim import AimLoggerCallback

            return AimLoggerCallback(repo=str(run.path), experiment_name=run.path.name)
