"""Joining a Ray cluster, or starting one on this machine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from pareto_explorer.errors import InputError

__all__ = ["connect"]

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # uv would ship the whole working directory
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the points table holds what they would
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@contextmanager
def connect(address: str | None, *, verbose: bool) -> Iterator[None]:
    """Connects this process to a Ray cluster and leaves it as it was found.

    Args:
        address: ``"auto"``, ``"host:port"`` or ``"ray://host:port"``; ``None`` uses the cluster
            that the process is connected to, else starts one on this machine.
        verbose: Shows Ray's log.

    Raises:
        InputError: Nothing answers at the address.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if address is None and ray.is_initialized():
        yield
        return
    level = logging.INFO if verbose else logging.ERROR
    try:
        if address is None:
            ray.init(
                address="local",
                include_dashboard=False,
                logging_level=level,
                log_to_driver=verbose,
            )
        else:
            _probe(address)
            ray.init(address=address, logging_level=level, log_to_driver=verbose)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"--address: no Ray cluster at {address!r} ({reason}); start one with "
            "`ray start --head`, set RAY_AUTH_MODE=token if it asks for a token, or leave "
            "--address out to use this machine."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _probe(address: str) -> None:
    """Fails within seconds where Ray itself would retry for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if separator and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
