import os
import subprocess
import sys

import pytest

from pareto_explorer.runs import atomic_path, write_text
from pareto_explorer.runs.files.atomic import remove_stale


def test_text_replaces_what_was_there(tmp_path):
    target = tmp_path / "summary.md"
    write_text(target, "α")
    write_text(target, "β")
    assert target.read_bytes() == "β".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_former_content_and_no_litter(tmp_path):
    target = tmp_path / "table.bin"
    target.write_text("former")

    def fail():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "former"
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_is_written_through_a_link_of_the_temporary_name(tmp_path):
    target, elsewhere = tmp_path / "summary.md", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / f".summary.md.{os.getpid()}").symlink_to(elsewhere)
    write_text(target, "text")
    assert elsewhere.read_text() == "mine"
    assert target.read_text() == "text"
    assert not target.is_symlink()


def test_what_the_system_refuses_is_told_with_the_files_name(tmp_path):
    target = tmp_path / "gone" / "table.bin"
    with pytest.raises(FileNotFoundError) as caught, atomic_path(target) as temporary:
        temporary.write_bytes(b"x")
    assert caught.value.filename == str(target)


def test_temporary_files_of_killed_processes_are_removed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    stale = [f".points.parquet.{dead.pid}", f".sweep.yaml.{os.getpid()}", f".a.b.{10**10 - 1}"]
    kept = [f".points.parquet.{os.getppid()}", ".mirror.json", "points.parquet.9", ".9", ".a.09"]
    for name in stale + kept:
        (tmp_path / name).touch()
    (tmp_path / f".folder.{dead.pid}").mkdir()
    remove_stale(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {*kept, f".folder.{dead.pid}"}
    remove_stale(tmp_path / "nowhere")
