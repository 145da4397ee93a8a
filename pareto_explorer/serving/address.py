"""The address of a page: the same whenever a user serves the same runs, and nobody else's to guess.

So a page that stays open while its server is away finds the next one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_state_path

from pareto_explorer.errors import InputError
from pareto_explorer.runs import is_uri

__all__ = ["HOST", "Address", "address_of", "listen"]

HOST = "127.0.0.1"

_PORTS = range(20_000, 32_000)
"""Below those that systems give to connections."""

_KEY_BYTES = 32


class Address(NamedTuple):
    """Where runs are served.

    Attributes:
        token: The first segment of the path, which only the user knows.
        port: The port to try first.
    """

    token: str
    port: int


def address_of(runs: Sequence[str], folder: Path | None = None) -> Address:
    """The address of a page about runs.

    Args:
        runs: As the user names them; paths count where they lead to.
        folder: Where the user's key is; by default the user's folder for such.
    """
    places = [run if is_uri(run) else str(Path(run).resolve()) for run in runs]
    key = _key(folder or user_state_path("pareto-explorer"))
    digest = hmac.new(key, "\n".join(places).encode(), hashlib.sha256).digest()
    token = base64.urlsafe_b64encode(digest[:24]).decode()
    return Address(token, _PORTS[int.from_bytes(digest[24:]) % len(_PORTS)])


def listen(port: int, first: int) -> socket.socket:
    """Listens on this machine only.

    Args:
        port: The port; 0 for any.
        first: Which one to try first, if any will do.

    Raises:
        InputError: The port is taken, or none may be used.
    """
    for wanted in (port,) if port else (first, 0):
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":  # there it would let others listen as well
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, wanted))
            found.listen()  # who comes before the server answers is kept waiting
        except OSError as error:
            found.close()
            refused = error.strerror
        else:
            return found
    raise InputError(f"`port`: {HOST}:{port} cannot be used ({refused}); give another one, or 0.")


def _key(folder: Path) -> bytes:
    """The user's secret, made when it is first asked for; another one each time if it cannot be."""
    path = folder / "serving.key"
    try:
        if not _is_secret(path):
            folder.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
            fresh.replace(path)
        return path.read_bytes()
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)


def _is_secret(path: Path) -> bool:
    """Whether a file holds a key that is the user's alone."""
    try:
        stat = path.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or (stat.st_uid == os.getuid() and not stat.st_mode & 0o077)
    return mine and path.is_file() and not path.is_symlink() and stat.st_size == _KEY_BYTES
