"""The live page beside a sweep: a process of its own that ends with this one."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from pareto_explorer.interruption import Interrupted
from pareto_explorer.runs import is_uri
from pareto_explorer.runs.remote.staging import staging_folder
from pareto_explorer.terminal import Terminal

__all__ = ["LivePage"]


class LivePage:
    """Serves a run directory, from now on until this process ends, however it does.

    Args:
        out: The run directory or its URI, of which the folder is served that a sweep works on.
        console: Is told the page's address, from another thread.
        open_it: Whether to open the page in the browser.
    """

    def __init__(self, out: str | Path, console: Terminal, *, open_it: bool) -> None:
        folder = staging_folder(str(out)) if is_uri(str(out)) else out
        command = [sys.executable, "-m", "pareto_explorer", "serve", str(folder), "--with-parent"]
        self._console = console
        self._server = subprocess.Popen(  # noqa: S603
            [*command, *["--open"] * open_it],
            stdin=subprocess.PIPE,  # which ends with this process
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the sweep
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def stay(self) -> None:
        """Goes on until Ctrl-C."""
        self._console.tell("the page is served until Ctrl-C")
        try:
            self._server.wait()
        except Interrupted as stop:
            if stop.code != 128 + signal.SIGINT:
                raise

    def _listen(self) -> None:
        for line in self._server.stdout or ():
            self._console.print(line.strip(), highlight=False, soft_wrap=True)
