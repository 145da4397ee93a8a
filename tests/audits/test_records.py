"""What an audit leaves behind: kept through anything, and refused where it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.audits.compute import Point, samples_table, statistics_table
from pareto_explorer.audits.records import (
    AuditFiles,
    Journal,
    Shadow,
    read_audit,
    read_samples,
    read_shadows,
    write_audit,
)
from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from tests.audits.shadows import STEP, TRIAL, shadows


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def assert_same(found, expected) -> None:
    assert found.keys() == expected.keys()
    for shadow, arrays in expected.items():
        assert found[shadow].keys() == arrays.keys()
        for name, values in arrays.items():
            assert found[shadow][name].dtype == values.dtype
            np.testing.assert_array_equal(found[shadow][name], values)


def test_nothing_is_there_before_an_audit(run):
    assert read_shadows(run) == {}
    assert read_audit(run) is None
    assert read_samples(run) is None


def test_models_come_back_from_the_journal_and_from_the_margins(run):
    expected = shadows(range(2))
    expected[Shadow("unlearned", 1, TRIAL, STEP)] = {}  # it diverged
    journal = Journal(run)
    for shadow, arrays in list(expected.items())[:4]:
        journal.add(shadow, arrays)
    journal.close()
    assert not AuditFiles(run).journal.exists()
    journal = Journal(run)
    for shadow, arrays in list(expected.items())[4:]:
        journal.add(shadow, arrays)
    assert_same(read_shadows(run), expected)
    journal.close()
    assert_same(read_shadows(run), expected)


def test_a_line_that_was_cut_off_is_lost_and_nothing_else(run):
    expected = shadows(range(1))
    journal = Journal(run)
    for shadow, arrays in expected.items():
        journal.add(shadow, arrays)
    path = AuditFiles(run).journal
    path.write_bytes(path.read_bytes()[:-9])
    (*_, lost) = expected
    del expected[lost]
    assert_same(read_shadows(run), expected)
    Journal(run).add(Shadow("original", 7), {})
    assert_same(read_shadows(run), expected | {Shadow("original", 7): {}})


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b"no json\n",
        b'{"model": ["original", "0", "", 0, ""], "arrays": {}}\n',
        b'{"model": ["king", 0, "", 0, ""], "arrays": {}}\n',
        b'{"model": ["original", 0, "", 0, ""], "arrays": {"forget": ["<f4", [2], "AAAA"]}}\n',
        b'{"model": ["original", 0, "", 0, ""], "arrays": {"forget": ["|O", [1], "AAAA"]}}\n',
        b'{"model": ["original", 0, "", 0, ""], "arrays": []}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_damaged_journal_is_refused(run, line):
    AuditFiles(run).folder.mkdir()
    AuditFiles(run).journal.write_bytes(line)
    with pytest.raises(InputError, match=r"journal\.jsonl' is damaged"):
        read_shadows(run)


def test_damaged_margins_are_refused(run):
    journal = Journal(run)
    for shadow, arrays in shadows(range(1)).items():
        journal.add(shadow, arrays)
    journal.close()
    path = AuditFiles(run).margins
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"margins\.npz' is damaged"):
        read_shadows(run)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_damaged_in_margins_is_told_in_a_sentence(run, seed):
    journal = Journal(run)
    for shadow, arrays in shadows(range(2)).items():
        journal.add(shadow, arrays)
    journal.close()
    path, draws = AuditFiles(run).margins, np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for position in draws.integers(len(content), size=40):
        content[position] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^audit: .*; delete the folder audit"):
        read_shadows(run)


def test_an_array_of_no_model_is_refused(run):
    AuditFiles(run).folder.mkdir()
    np.savez(AuditFiles(run).margins, **{"index": np.array("[]"), "7/forget": np.zeros(2)})
    with pytest.raises(InputError, match=r"margins\.npz' is damaged \(IndexError\)"):
        read_shadows(run)


@pytest.mark.parametrize("name", ["forget", "retain", "test_class", "forget_logits", "ece"])
def test_a_model_that_lacks_an_answer_is_refused(run, name):
    journal = Journal(run)
    for shadow, arrays in shadows(range(1)).items():
        journal.add(shadow, arrays)
    said = dict(journal.models[Shadow("original", 0)])
    journal.add(Shadow("original", 0), said | {name: said[name].reshape(-1)[:0]})
    with pytest.raises(InputError, match="does not fit what models are asked"):
        read_shadows(run)


def test_tables_come_back_as_they_were(run):
    models, points = shadows(range(5)), [Point(TRIAL, STEP)]
    table, samples = statistics_table(models, range(3), points), samples_table(models, points)
    write_audit(run, table, samples)
    pd.testing.assert_frame_equal(read_audit(run), table)
    pd.testing.assert_frame_equal(read_samples(run), samples)


def test_a_value_that_does_not_fit_is_refused(run):
    models, points = shadows(range(5)), [Point(TRIAL, STEP)]
    table, samples = statistics_table(models, range(3), points), samples_table(models, points)
    write_audit(run, table.assign(seeds="hers"), samples)
    with pytest.raises(InputError, match="seeds is 'hers', where one of own, fresh, all"):
        read_audit(run)
