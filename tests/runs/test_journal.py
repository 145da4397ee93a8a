import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs.journal import append_record, open_journal, read_journal, write_journal

ONE = {"rows": [{"trial_id": "a", "x": 1.5}]}
TWO = {"end": {"trial_id": "a", "trial_status": "ok", "error": None}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "points.jsonl"


def fill(path, *records):
    with open_journal(path) as file:
        for record in records:
            append_record(file, record)


def test_records_come_back_in_order_across_openings(path):
    fill(path, ONE)
    fill(path, TWO, ONE)
    assert read_journal(path) == [ONE, TWO, ONE]
    assert path.read_bytes().count(b"\n") == 3


def test_no_journal_is_an_empty_one(path):
    assert read_journal(path) == []
    open_journal(path).close()
    assert read_journal(path) == []


def test_values_become_plain_and_nan_becomes_null(path):
    row = {
        "trial_id": "ü",
        "a": np.float64(0.1),
        "b": np.int64(3),
        "c": float("nan"),
        "d": np.float32("nan"),
        "e": (1, np.bool_(True)),
        "f": float("inf"),
        "g": 5e-324,
    }
    fill(path, {"rows": [row]})
    assert b"NaN" not in path.read_bytes()
    (found,) = read_journal(path)[0]["rows"]
    assert found == {
        "trial_id": "ü",
        "a": 0.1,
        "b": 3,
        "c": None,
        "d": None,
        "e": [1, True],
        "f": float("inf"),
        "g": 5e-324,
    }


def test_a_journal_cut_at_any_byte_reads_as_its_whole_lines_and_goes_on(path):
    fill(path, ONE, TWO)
    content = path.read_bytes()
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        whole = [ONE, TWO][: content[:size].count(b"\n")]
        assert read_journal(path) == whole
        fill(path, TWO)
        assert read_journal(path) == [*whole, TWO]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"rows": {}}',
        b'{"rows": [1]}',
        b'{"rows": [], "more": 1}',
        b'{"end": null}',
        b'{"end": {"trial_id": "a"}}',
        b"\x00\x00\x00",
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("before", [0, 1])
def test_damage_elsewhere_is_refused_with_its_line_and_nothing_changes(path, line, before):
    whole = json.dumps(ONE).encode()
    content = b"\n".join([whole] * before + [line, whole, b"torn"])
    path.write_bytes(content)
    for attempt in (read_journal, open_journal):
        with pytest.raises(InputError, match=rf"line {before + 1} of '.*points\.jsonl' is damaged"):
            attempt(path)
    assert path.read_bytes() == content


def test_a_write_that_fails_half_way_leaves_the_journal_as_it_was(path):
    fill(path, ONE)

    class FullDisk:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            return self.file.write(data[:5])

    with open_journal(path) as file:
        with pytest.raises(OSError, match="space"):
            append_record(FullDisk(file), TWO)
        append_record(file, TWO)
    assert read_journal(path) == [ONE, TWO]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.rename(path.with_name("b"))])
def test_a_journal_that_was_taken_away_is_not_written_to(path, change):
    with open_journal(path) as file:
        append_record(file, ONE)
        change(path)
        with pytest.raises(FileNotFoundError, match=r"points\.jsonl"):
            append_record(file, TWO)


def test_another_file_in_the_place_of_the_journal_is_noticed(path):
    with open_journal(path) as file:
        write_journal(path, [ONE])
        with pytest.raises(FileNotFoundError, match=r"points\.jsonl"):
            append_record(file, TWO)
    assert read_journal(path) == [ONE]


def test_a_folder_that_may_no_longer_be_written_is_noticed(path, monkeypatch):
    fill(path, ONE)
    with open_journal(path) as file:
        monkeypatch.setattr("os.access", lambda place, _: place != path.parent)
        with pytest.raises(PermissionError, match=r"points\.jsonl"):
            append_record(file, TWO)
    assert read_journal(path) == [ONE]


def test_a_full_disk_is_told_with_the_journals_name(path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    fill(path, ONE)
    with open_journal(path) as file:
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match=r"No space left on device: '.*points\.jsonl'"):
            append_record(file, TWO)
    assert read_journal(path) == [ONE]


def test_the_whole_journal_can_be_replaced(path):
    fill(path, ONE, ONE)
    write_journal(path, [TWO])
    assert read_journal(path) == [TWO]
