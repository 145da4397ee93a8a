"""A server in a thread, and what one says to it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pareto_explorer.serving import address
from pareto_explorer.serving.server import Prepared, prepared
from tests.synthetic import write_synthetic_run


@pytest.fixture(autouse=True)
def _own_key(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setattr(address, "user_state_path", lambda _: folder)


class Served:
    """A server that answers.

    Attributes:
        run: The run directory that it serves.
        token: The first segment of the path.
        port: Its port.
    """

    def __init__(self, run: Path, served: Prepared) -> None:
        self.run = run
        parts = urlsplit(served.url)
        self.port, self.token = parts.port, parts.path.strip("/")

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Asks exactly this; ``Host`` is added where it is not given."""
        connection = self.connect()
        named = {name.lower() for name, _ in headers}
        connection.putrequest(method, path, skip_host="host" in named, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        content = body.encode() if isinstance(body, str) else body
        if content is not None:
            connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content)
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def note(
        self, method: str, body: bytes | str, *more: tuple[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Sends a note as the page does, but for what is given."""
        headers = {"Origin": self.origin, "Content-Type": "application/json", **dict(more)}
        return self.ask(method, f"/{self.token}/notes", body, tuple(headers.items()))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A finished run."""
    run = tmp_path_factory.mktemp("served") / "run"
    write_synthetic_run(run, configurations=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(address, "user_state_path", lambda _: run.parent)
        ready = prepared([str(run)], None, 0)
    thread = threading.Thread(target=ready.server.run, kwargs={"sockets": [ready.socket]})
    thread.start()
    yield Served(run, ready)
    ready.server.should_exit = True
    thread.join()
