"""Joining a Ray cluster, or starting one on this machine."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ray
from ray._common.utils import get_default_ray_temp_dir

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.interruption import Interrupted, held_back
from pareto_explorer.sweeps.cluster.shipping import job_options, runtime_env

if TYPE_CHECKING:  # rich and the fronts, which no worker needs
    from pareto_explorer.sweeps.live.progress import Progress

__all__ = ["connect", "log_folder"]

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # uv would ship the whole working directory
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the points table holds what they would
    "TUNE_GLOBAL_CHECKPOINT_S": "inf",  # nor is anything ever restored from its snapshots
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # which would end a sweep as if it had finished
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

PRELOADED = "RAY_preload_python_modules"
"""Where Ray reads what workers import that nobody has asked for yet."""

THREADS = "OMP_NUM_THREADS"

LOCALHOST = "127.0.0.1"
MERGE = "RAY_OVERRIDE_JOB_RUNTIME_ENV"  # else Ray refuses modules beside those of a submitted job


@contextmanager
def connect(
    address: str | None,
    *,
    verbose: bool,
    dashboard: bool = False,
    modules: Sequence[Path] = (),
    ahead: Sequence[str] = (),
    progress: Progress | None = None,
) -> Iterator[bool]:
    """Connects this process to a Ray cluster and leaves it as it was found.

    The workers of a cluster that is joined get this package's code as it is here, whatever version
    they have installed.

    Args:
        address: ``"auto"``, ``"host:port"`` or ``"ray://host:port"``; ``None`` uses the cluster
            that the process is connected to, else starts one on this machine.
        verbose: Shows Ray's log.
        dashboard: Starts Ray's dashboard, for this machine only; a cluster that is joined has its
            own, if any.
        modules: The user's own modules for the workers of a cluster that is joined; those of a
            cluster on this machine find what this process finds. See `shipping.modules_of`.
        ahead: Modules that workers of a cluster on this machine import while this process goes on;
            there is one for each CPU, which holds them in memory whether it is needed or not.
        progress: Told what is waited for, and where the dashboard is.

    Yields:
        Whether the cluster was started here and ends with the block.

    Raises:
        InputError: Nothing answers at the address, Ray cannot start here, or its dashboard is not
            installed.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if address is None and ray.is_initialized():
        yield False
        return
    if address is None and dashboard:
        _require_dashboard()
    level = logging.INFO if verbose else logging.ERROR
    options = {"logging_level": level, "log_to_driver": verbose}
    connected = ray.is_initialized()
    if progress is not None:
        place = "on this machine" if address is None else f"at {address}"
        progress.stage(f"Ray: {'starts' if address is None else 'is joined'} {place}")
    try:
        with _interruptible():
            if address is None:
                with _early(os.environ.get(PRELOADED) or ",".join(ahead)):
                    context = _start(include_dashboard=dashboard, **options)
            else:
                context = _join(address, modules, **options)
    except BaseException:
        if not connected:
            ray.shutdown()  # what has started of it
        raise
    try:
        if dashboard and progress is not None:
            url = getattr(context, "dashboard_url", None)
            progress.stage(f"dashboard: http://{url}" if url else "dashboard: the cluster has none")
        yield address is None
    except Interrupted:
        if address is not None:
            ray.shutdown()
        raise  # ours ends with the process; it would wait for parts that had the signal, too
    except BaseException:
        ray.shutdown()
        raise
    else:
        ray.shutdown()


def log_folder() -> str:
    """Where Ray's own logs are, for messages."""
    node = ray._private.worker._global_node
    return str(node.get_logs_dir_path()) if node else "its session's folder on the head node"


@contextmanager
def _interruptible() -> Iterator[None]:
    """Keeps who listens to signals, while Ray starts and installs handlers of its own."""
    try:
        with held_back():
            yield
    except SystemExit as ended:
        if ended.code == signal.SIGTERM:
            signal.raise_signal(signal.SIGTERM)  # Ray has heard it in the place of who listens
        raise


def _start(**options: Any) -> Any:
    """Starts a cluster on this machine."""
    # Ray hands the interpreter's path to a shell as it is. A runtime environment costs workers that
    # have been started ahead, hence none where the path needs no quotes.
    quoted = shlex.quote(sys.executable)
    if quoted != sys.executable:
        options["runtime_env"] = {"py_executable": quoted}
    try:
        with suppress(_LateError):
            return _launch(options)
        return _launch(options)  # on a busy machine, once more
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise InputError(_not_started(error)) from None


class _LateError(RuntimeError):
    """Ray's own parts were not there within the half minute that it waits for them."""


def _launch(options: Mapping[str, Any]) -> Any:
    try:
        with _deaf_children():
            return ray.init(
                address="local", dashboard_host=LOCALHOST, **job_options(None), **options
            )
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise _LateError(*error.args) from None


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Spares processes that are started what a terminal or a scheduler sends to the whole group.

    Ray does so for SIGINT, and needs SIGTERM itself. This process hears of it at the end of the
    block.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGUSR1})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _not_started(error: Exception) -> str:
    folder: str = get_default_ray_temp_dir()  # type: ignore[no-untyped-call]
    near = str(getattr(error, "filename", "")).startswith(str(Path(folder).parent))
    if near or "AF_UNIX" in str(error):
        return (
            f"RAY_TMPDIR: Ray cannot use its temporary folder {folder!r} ({_reason(error)}); set "
            "RAY_TMPDIR to a folder of yours with a short path."
        )
    return (
        f"Ray cannot start on this machine ({_reason(error)}); see the newest logs below "
        f"{folder!r}, or give the `address` of a cluster that runs."
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or first_line(error)


def _join(address: str, modules: Sequence[Path], **options: Any) -> Any:
    try:
        _probe(address)
        with _environment(MERGE, "1"), TemporaryDirectory() as folder:
            env = runtime_env(modules, Path(folder))
            options |= job_options(address)
            return ray.init(address=address, runtime_env=env, **options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"`address`: no Ray cluster at {address!r} ({_reason(error)}); start one with "
            "`ray start --head`, set RAY_AUTH_MODE=token if it asks for a token, or leave "
            "`address` out to use this machine."
        ) from None


@contextmanager
def _early(modules: str) -> Iterator[None]:
    """Lets workers that start in the block import modules early, and use one thread until told.

    Ray tells a worker how many as late as its first task, when libraries have already looked.
    """
    with ExitStack() as held:
        if modules:
            held.enter_context(_environment(PRELOADED, modules))
            if THREADS not in os.environ:
                held.enter_context(_environment(THREADS, "1"))
        yield


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Sets a variable that Ray reads, for the block."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _require_dashboard() -> None:
    try:
        import ray.dashboard.optional_deps  # noqa: F401
    except ImportError:
        raise InputError(
            "`dashboard`: Ray's dashboard is not installed; install it with "
            "`pip install 'ray[default]'`."
        ) from None


def _probe(address: str) -> None:
    """Fails within seconds where Ray itself would retry for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if separator and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
