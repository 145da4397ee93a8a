"""The same address again for the same user and runs, and for nobody else."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.serving.address import HOST, address_of, listen


def test_the_same_runs_have_the_same_address_however_they_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = address_of(["runs/a"], tmp_path / "state")
    assert one == address_of([str(tmp_path / "runs" / "b" / ".." / "a")], tmp_path / "state")
    assert one.token not in (
        address_of(["runs/b"], tmp_path / "state").token,
        address_of(["runs/a"], tmp_path / "another user").token,
        address_of(["runs/a", "runs/b"], tmp_path / "state").token,
        address_of(["s3://runs/a"], tmp_path / "state").token,
    )
    assert len(one.token) >= 32  # 192 bits in base64


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no POSIX")
def test_the_key_is_the_users_alone_and_one_that_is_not_is_replaced(tmp_path):
    first = address_of(["a"], tmp_path)
    key = tmp_path / "serving.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    second = address_of(["a"], tmp_path)
    assert second.token != first.token
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_bytes(b"")
    assert address_of(["a"], tmp_path).token not in (first.token, second.token)
    assert [path.name for path in tmp_path.iterdir()] == ["serving.key"]


def test_without_a_place_for_the_key_every_address_is_new(tmp_path):
    (tmp_path / "file").touch()
    tokens = {address_of(["a"], tmp_path / "file").token for _ in range(2)}
    assert len(tokens) == 2


def test_the_first_port_is_taken_if_it_is_free_and_one_that_was_asked_for_must_be():
    with listen(0, first=0) as taken:
        port = taken.getsockname()[1]
        with listen(0, first=port) as other:
            assert other.getsockname()[0] == HOST
            assert other.getsockname()[1] != port
        with pytest.raises(InputError, match=f"`port`: {HOST}:{port} cannot be used"):
            listen(port, first=0)
    with listen(0, first=port) as again:
        assert again.getsockname()[1] == port


def test_who_comes_early_is_kept_waiting():
    with listen(0, first=0) as early:
        socket.create_connection(early.getsockname(), timeout=5).close()
