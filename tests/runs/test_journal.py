import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs.journal import (
    End,
    Mark,
    append_record,
    encode,
    open_journal,
    read_entries,
)
from tests.runs.test_points import row

ONE = {"rows": [row("a", x=1.5)]}
TWO = {"end": {"trial_id": "a", "trial_status": "ok", "error": None}}
PLAN = {"plan": {"trial_id": "b", "family": "f", "knobs": {"lr": 0.1}}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "points.jsonl"


def fill(path, *records):
    with open_journal(path, read_entries(path).mark.bytes) as file:
        for record in records:
            append_record(file, record)


def test_entries_come_back_in_order_across_openings(path):
    fill(path, ONE)
    fill(path, TWO, PLAN, ONE)
    found = read_entries(path)
    assert found.lines.tolist() == [1, 4]
    assert found.points["x"].tolist() == [1.5, 1.5]
    assert found.ends == {"a": End("ok")}
    assert found.plans == {"b": PLAN["plan"]}
    assert found.mark[:2] == (path.stat().st_size, 4)


def test_no_journal_is_an_empty_one(path):
    assert read_entries(path).mark == Mark()
    open_journal(path, 0).close()
    assert read_entries(path).mark == Mark()


def test_what_follows_a_mark_is_read_alone(path):
    fill(path, ONE, TWO)
    mark = read_entries(path).mark
    assert mark.fits(path)
    fill(path, {"rows": [row("b"), row("c")]}, {"forget": ["b"]})
    assert mark.fits(path)
    found = read_entries(path, mark)
    assert found.points["trial_id"].tolist() == ["b", "c"]
    assert found.lines.tolist() == [3, 3]
    assert found.forgotten == {"b": 4}
    assert not found.ends
    content = path.read_bytes()
    for other in (content[1:], content[: mark.bytes - 1], content.replace(b"1.5", b"2.5"), b""):
        path.write_bytes(other)
        assert not mark.fits(path)
    path.unlink()
    assert not mark.fits(path)


def test_values_become_plain_and_nan_becomes_null(path):
    values = {
        "trial_id": "ü",
        "a": np.float64(0.1),
        "b": np.int64(3),
        "c": float("nan"),
        "d": np.float32("nan"),
        "f": float("inf"),
        "g": 5e-324,
        "config.e": (1, np.bool_(True)),
    }
    fill(path, {"rows": [row() | values]})
    assert b"NaN" not in path.read_bytes()
    (found,) = read_entries(path).points.to_dict("records")
    assert math.isnan(found.pop("c"))
    assert math.isnan(found.pop("d"))
    expected = {"trial_id": "ü", "a": 0.1, "b": 3.0, "f": float("inf"), "g": 5e-324}
    assert expected.items() <= found.items()
    assert found["config.e"] == "[1, true]"


def test_a_journal_cut_at_any_byte_reads_as_its_whole_lines_and_goes_on(path):
    fill(path, ONE, TWO)
    content = path.read_bytes()
    for size in range(0, len(content) + 1, 7):
        path.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        assert read_entries(path).mark.lines == whole
        fill(path, PLAN)
        assert path.read_bytes() == b"".join([*content.splitlines(True)[:whole], encode(PLAN)])
        assert read_entries(path).mark.lines == whole + 1


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
        b'{"rows": [], "rows": []}',
        b'{"end": {"trial_id": "a"}}',
        b'{"end": {"trial_id": ["a"], "trial_status": "ok"}}',
        b'{"end": {"trial_id": "a", "trial_status": "running"}}',
        b'{"end": {"trial_id": "a", "trial_status": "failed"}}',
        b'{"plan": {"trial_id": "b", "family": 1, "knobs": {}}}',
        b'{"plan": {"trial_id": "b", "family": "f", "knobs": {"lr": 0.2}}}',
        b'{"forget": "a"}',
        b"[" * 100_000,
        b'{"rows": [{"a": ' + b"9" * 400 + b"}]}",
        b"\x00\x00\x00",
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("before", [0, 1])
def test_damage_elsewhere_is_refused_with_its_line_and_nothing_changes(path, line, before):
    whole = [json.dumps(TWO).encode(), json.dumps(PLAN).encode()]
    content = b"\n".join([*whole, line, *whole, b"torn"])
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"line 3 of '.*points\.jsonl' is damaged") as caught:
        read_entries(path)
    assert len(str(caught.value)) < 500
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"trial_id": 3}, "trial_id is 3, where a text is needed"),
        ({"trial_id": ""}, "trial_id is '', where a text is needed"),
        ({"family": None}, "family is missing, where a text is needed"),
        ({"error": ["died"]}, "error is ['died'], where a text is needed"),
        ({"step": 1.0}, "step is 1.0, where a whole number from 0 to 2^63 - 1 is needed"),
        ({"step": -1}, "step is -1, where"),
        ({"step": True}, "step is True, where"),
        ({"step": 2**63}, "step is 9223372036854775808, where"),
        ({"replicate": "1"}, "replicate is '1', where"),
        ({"training_seed": -1}, "training_seed is -1, where a whole number from 0 to 2^64 - 1"),
        ({"seconds": float("inf")}, "seconds is inf, where a finite number from 0 on is needed"),
        ({"seconds": None}, "seconds is missing, where"),
        ({"status": "fine"}, "status is 'fine', where one of ok, diverged, failed is needed"),
        ({"forget_gap": "0.5"}, "forget_gap is '0.5', where a number is needed"),
        ({"forget_gap": [0.5]}, "forget_gap is [0.5], where a number is needed"),
        ({"forget_gap": False}, "forget_gap is False, where a number is needed"),
        ({"": 1.0}, "a column's name is '', where a text is needed"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_line(path, change, problem):
    path.write_bytes(b"".join(map(encode, [ONE, TWO, {"rows": [row("b"), row("c") | change]}])))
    with pytest.raises(InputError) as caught:
        read_entries(path)
    assert f"line 3 of {str(path)!r} is damaged ({problem}" in str(caught.value)


def test_a_knob_may_be_infinite_nested_or_large_and_seeds_have_64_bits(path):
    knobs = {"config.clip": float("inf"), "config.list": [1, {"a": [None]}], "config.n": 2**70}
    fill(path, {"rows": [row("a", **knobs, training_seed=2**64 - 1), row("b", training_seed=3)]})
    points = read_entries(path).points
    assert points["config.clip"].tolist()[0] == float("inf")
    assert points["config.list"].tolist()[0] == '[1, {"a": [null]}]'
    assert points["config.n"].tolist()[0] == str(2**70)
    assert points["training_seed"].tolist() == [2**64 - 1, 3]


def test_a_write_that_fails_half_way_leaves_the_journal_as_it_was(path):
    fill(path, ONE)

    class FullDisk:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            return self.file.write(data[:5])

    with open_journal(path, path.stat().st_size) as file:
        with pytest.raises(OSError, match="space"):
            append_record(FullDisk(file), TWO)
        append_record(file, TWO)
    assert path.read_bytes() == encode(ONE) + encode(TWO)


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.rename(path.with_name("b"))])
def test_a_journal_that_was_taken_away_is_not_written_to(path, change):
    with open_journal(path, 0) as file:
        append_record(file, ONE)
        change(path)
        with pytest.raises(FileNotFoundError, match=r"points\.jsonl"):
            append_record(file, TWO)


def test_another_file_in_the_place_of_the_journal_is_noticed(path):
    with open_journal(path, 0) as file:
        path.unlink()
        path.write_bytes(encode(ONE))
        with pytest.raises(FileNotFoundError, match=r"points\.jsonl"):
            append_record(file, TWO)
    assert path.read_bytes() == encode(ONE)


def test_a_folder_that_may_no_longer_be_written_is_noticed(path, monkeypatch):
    fill(path, ONE)
    with open_journal(path, path.stat().st_size) as file:
        monkeypatch.setattr("os.access", lambda place, _: place != path.parent)
        with pytest.raises(PermissionError, match=r"points\.jsonl"):
            append_record(file, TWO)
    assert path.read_bytes() == encode(ONE)


def test_a_full_disk_is_told_with_the_journals_name(path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    fill(path, ONE)
    with open_journal(path, path.stat().st_size) as file:
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match=r"No space left on device: '.*points\.jsonl'"):
            append_record(file, TWO)
    assert path.read_bytes() == encode(ONE)
