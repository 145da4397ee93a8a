"""Serves the page of runs on this machine."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from os import PathLike
from socket import socket as Socket  # noqa: N812 - a type
from typing import NamedTuple

import uvicorn

from pareto_explorer.serving.address import HOST, address_of, listen
from pareto_explorer.serving.app import application
from pareto_explorer.serving.pages import Pages
from pareto_explorer.serving.places import place_of

__all__ = ["Prepared", "prepared", "serve"]

_NICE = 10


class Prepared(NamedTuple):
    """A server that listens and does not answer yet.

    Attributes:
        url: Of its page.
        server: Answers in ``server.run(sockets=[socket])`` until ``server.should_exit``.
        socket: Where it listens.
    """

    url: str
    server: uvicorn.Server
    socket: Socket


def prepared(runs: Sequence[str], box: str | PathLike[str] | None, port: int) -> Prepared:
    """A server of the page of runs; see ``serve``.

    Raises:
        InputError: The port cannot be used.
    """
    address = address_of(runs)
    socket = listen(port, address.port)
    pages = Pages([place_of(run) for run in runs], box)
    config = uvicorn.Config(
        application(pages, address.token),
        log_config=None,  # neither the token nor who asks is to be in a log
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    url = f"http://{HOST}:{socket.getsockname()[1]}/{address.token}/"
    return Prepared(url, uvicorn.Server(config), socket)


def serve(
    runs: Sequence[str],
    *,
    box: str | PathLike[str] | None = None,
    port: int = 0,
    announce: Callable[[str], object] = print,
    with_parent: bool = False,
) -> None:
    """Serves the page of runs until a signal comes.

    Args:
        runs: Run directories, which need not exist yet, or URIs; several are shown together.
        box: Where another box is to be read from.
        port: The port; 0 for the same one each time if it is free, or else any.
        announce: Told the page's address once it can be asked for.
        with_parent: Whether to end when standard input does, which a parent holds open.

    Raises:
        InputError: The port cannot be used.
    """
    url, server, socket = prepared(runs, box, port)
    if with_parent:
        threading.Thread(target=_end_with, args=(server,), daemon=True).start()
    with suppress(OSError, AttributeError):  # the sweep comes first
        os.nice(_NICE)
    announce(url)
    with socket:
        server.run(sockets=[socket])


def _end_with(server: uvicorn.Server) -> None:
    """Ends a server once nobody holds standard input open any more."""
    sys.stdin.buffer.read()
    server.should_exit = True
