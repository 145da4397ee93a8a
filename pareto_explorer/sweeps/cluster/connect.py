"""Joining a Ray cluster, or starting one on this machine; how many trials fit it at once."""

from __future__ import annotations

import json
import logging
import math
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
from ray._common.utils import get_default_ray_temp_dir

from pareto_explorer.errors import InputError
from pareto_explorer.interruption import Interrupted, held_back
from pareto_explorer.sweeps.cluster.shipping import job_options, runtime_env
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.parts import Resources

__all__ = [
    "connect",
    "fitting",
    "log_folder",
    "pending_trials",
    "slots",
    "trials_per_card",
]

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # uv would ship the whole working directory
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the points table holds what they would
    "TUNE_GLOBAL_CHECKPOINT_S": "inf",  # nor is anything ever restored from its snapshots
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # which would end a sweep as if it had finished
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

LOCALHOST = "127.0.0.1"
PATIENCE = 12  # seconds; Ray's monitor reports every five
MERGE = "RAY_OVERRIDE_JOB_RUNTIME_ENV"  # else Ray refuses modules beside those of a submitted job


@contextmanager
def connect(
    address: str | None,
    *,
    verbose: bool,
    dashboard: bool = False,
    modules: Sequence[Path] = (),
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
        progress: Told where the dashboard is.

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
    try:
        with _interruptible():
            if address is None:
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


def slots(resources: Resources) -> int:
    """How many trials the cluster, as it is now, can run at once if it does nothing else.

    A trial stays on one node and, if it books a share of a GPU, on one card: a card has room for
    ⌊1/gpu⌋ of them. A node that declares no CPUs, as a head node may, has room for none.

    Args:
        resources: What one trial books.

    Returns:
        The number; 0 only where the cluster can still grow.

    Raises:
        InputError: No node has room for a trial, and none can be added by itself.
    """
    wanted = _wanted(resources)
    if wanted.get("GPU", 0) > 1 and wanted["GPU"] % 1:
        raise InputError(
            f"resources.gpu: {wanted['GPU']:g} is more than a card but not a number of whole "
            f"ones; book a share of one, or {math.ceil(wanted['GPU'])}."
        )
    nodes = _nodes()
    total = sum(fitting(node, resources) for node in nodes)
    if total == 0 and not _grows():
        raise InputError(_shortage(nodes, wanted))
    return total


def _nodes() -> list[Mapping[str, float]]:
    """What each living node declares."""
    nodes: Any = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def trials_per_card(gpu: float) -> int:
    """How many trials share one card, where a trial books ``gpu`` of it: at least one."""
    return max(1, _whole(1 / gpu))


def fitting(node: Mapping[str, float], resources: Resources) -> int:
    """How many trials fit one node at once.

    Args:
        node: What the node declares: ``CPU``, ``GPU`` and whatever else.
        resources: What one trial books.
    """
    wanted = _wanted(resources)
    return min(_times(name, node.get(name, 0), amount) for name, amount in wanted.items())


def _wanted(resources: Resources) -> dict[str, float]:
    wanted = {"CPU": resources.cpu, "GPU": resources.gpu, **resources.custom}
    return {name: amount for name, amount in wanted.items() if amount > 0}


def _times(name: str, has: float, amount: float) -> int:
    if name == "GPU" and amount < 1:
        return int(has) * trials_per_card(amount)
    return _whole(has / amount)


def _whole(ratio: float) -> int:
    return math.floor(ratio + 1e-9)  # three thirds are one


def _shortage(nodes: Sequence[Mapping[str, float]], wanted: Mapping[str, float]) -> str:
    def field(name: str) -> str:
        return name.lower() if name in ("CPU", "GPU") else f"custom.{name}"

    most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in wanted}
    scarce = [name for name, amount in wanted.items() if _times(name, most[name], amount) == 0]
    if scarce:
        name = scarce[0]
        return (
            f"resources.{field(name)}: a trial books {wanted[name]:g}, but no node of the cluster "
            f"has more than {most[name]:g}; lower it, or add a node that has."
        )
    booked = ", ".join(f"{field(name)} {amount:g}" for name, amount in wanted.items())
    kinds = {", ".join(f"{field(n)} {node.get(n, 0):g}" for n in wanted) for node in nodes}
    has = "; ".join(sorted(kinds))
    return (
        f"resources: a trial books {booked}, and no node of the cluster has all of it (they have "
        f"{has}); lower one, or add a node."
    )


def _grows() -> bool:
    """Whether an autoscaler may add nodes; where it does not say so in time, it may."""
    for _ in range(PATIENCE):
        grows = _autoscaled()
        if grows is not None:
            return grows
        time.sleep(1)
    return True


def _autoscaled() -> bool | None:
    """Whether an autoscaler runs; ``None`` until Ray's monitor has reported.

    Without an autoscaler, the monitor reports every node as a type of its own, ``node_<id>``.
    """
    from ray.experimental.internal_kv import _internal_kv_get

    if _internal_kv_get(b"__autoscaler_cluster_config", namespace=b"__autoscaler") is not None:
        return True
    status = json.loads(_internal_kv_get(b"__autoscaling_status") or b"{}")
    types = (status.get("autoscaler_report") or {}).get("node_type_mapping")
    return any(kind != f"node_{node}" for node, kind in types.items()) if types else None


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
        with _deaf_children():
            return ray.init(
                address="local", dashboard_host=LOCALHOST, **job_options(None), **options
            )
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise InputError(_not_started(error)) from None


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
    text = getattr(error, "strerror", None) or str(error)
    return (text.strip() or type(error).__name__).splitlines()[0]


def _join(address: str, modules: Sequence[Path], **options: Any) -> Any:
    merge = os.environ.get(MERGE)
    os.environ[MERGE] = "1"
    try:
        _probe(address)
        with TemporaryDirectory() as folder:
            env = runtime_env(modules, Path(folder))
            options |= job_options(address)
            return ray.init(address=address, runtime_env=env, **options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"`address`: no Ray cluster at {address!r} ({_reason(error)}); start one with "
            "`ray start --head`, set RAY_AUTH_MODE=token if it asks for a token, or leave "
            "`address` out to use this machine."
        ) from None
    finally:
        if merge is None:
            del os.environ[MERGE]
        else:
            os.environ[MERGE] = merge


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


VARIABLE = "TUNE_MAX_PENDING_TRIALS_PG"
FEWEST = 16


@contextmanager
def pending_trials(room: int) -> Iterator[None]:
    """Lets Ray start as many workers at a time as there is room for, and have the next ready.

    Otherwise it waits for each worker, for seconds, before it asks a search for another trial. The
    least number lets a cluster that can grow know of more than one trial. A value that the user
    has set stays.

    Args:
        room: How many trials fit the cluster.
    """
    if VARIABLE in os.environ:
        yield
        return
    os.environ[VARIABLE] = str(max(room, FEWEST))
    try:
        yield
    finally:
        del os.environ[VARIABLE]
