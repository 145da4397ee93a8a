"""What the table and the journal say together, and what of the two is read."""

import json
import os
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    finished_trials,
    forget_unfinished,
    points,
    read_landmarks,
    read_plans,
    read_points,
)
from pareto_explorer.runs.journal import encode
from pareto_explorer.runs.recorded import read_further, read_recorded
from tests.runs.test_points import row


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def write(run, *trials, ends=True):
    with PointsWriter(run) as writer:
        for trial in trials:
            writer.plan(trial, "f", {"lr": 0.1})
            writer.append([row(trial, step=step, **{"config.lr": 0.1}) for step in (1, 2)])
            if ends:
                writer.finish(trial, "ok")


def append(run, *records):
    with run.journal.open("ab") as file:
        file.write(b"".join(map(encode, records)))


def lines_read(run, monkeypatch):
    """How many lines of the journal a reading parses."""
    parsed = []
    monkeypatch.setattr(
        "pareto_explorer.runs.journal.parse_json",
        lambda text, _: parsed.append(text) or json.loads(text),
    )
    read_recorded(run)
    monkeypatch.undo()
    return len(parsed)


def test_what_is_compacted_is_not_read_from_the_journal(run, monkeypatch):
    write(run, "a", "b")
    assert lines_read(run, monkeypatch) == 0
    before = read_recorded(run)
    append(run, {"rows": [row("c")]}, {"end": {"trial_id": "c", "trial_status": "failed"}})
    assert lines_read(run, monkeypatch) == 2
    after = read_recorded(run)
    assert after.points["trial_id"].tolist() == ["a", "a", "b", "b", "c"]
    assert list(after.ended.items()) == [("a", "ok"), ("b", "ok"), ("c", "failed")]
    assert after.plans == before.plans
    pd.testing.assert_frame_equal(
        after.points.head(4)[before.points.columns].astype(before.points.dtypes), before.points
    )


def test_reading_both_files_equals_reading_the_journal_alone(run):
    write(run, "a", "b")
    append(run, {"rows": [row("c", extra=0.5, **{"config.n": 3})]}, {"forget": ["c"]})
    append(run, {"rows": [row("c", extra=0.7)]}, {"end": {"trial_id": "c", "trial_status": "ok"}})
    both = read_recorded(run)
    run.points.unlink()
    alone = read_recorded(run)
    pd.testing.assert_frame_equal(both.points, alone.points)
    assert (both.ends, both.plans, both.mark) == (alone.ends, alone.plans, alone.mark)
    assert both.points["extra"].tolist()[-1] == 0.7
    assert "config.n" not in both.points


def test_the_table_alone_has_the_ends_in_their_order_and_the_plans(run):
    write(run, "b", "a")
    with PointsWriter(run) as writer:
        writer.plan("c", "f", {"lr": 0.5})
        writer.finish("no-rows", "failed", "died at once")
    before = finished_trials(run), read_plans(run)
    assert list(before[0]) == ["b", "a", "no-rows"]
    run.journal.unlink()
    assert (finished_trials(run), read_plans(run)) == before
    with PointsWriter(run) as writer:
        writer.append([row("c")])
    assert (finished_trials(run), read_plans(run)) == before
    assert read_points(run)["trial_id"].nunique() == 3


@pytest.mark.parametrize("change", ["inserted", "removed", "replaced", "value"])
def test_an_edited_journal_is_read_again_and_compared(run, change):
    write(run, "a", "b")
    lines = run.journal.read_bytes().splitlines(keepends=True)
    if change == "inserted":
        lines.insert(2, encode({"rows": [row("z")]}))
    elif change == "removed":
        lines = [line for line in lines if b'"b"' not in line]
    elif change == "replaced":
        lines = [encode({"rows": [row("z")]})]
    else:
        lines[1] = lines[1].replace(b"0.5", b"0.7")
    run.journal.write_bytes(b"".join(lines))
    if change == "value":
        with pytest.raises(InputError, match=r"gap 0\.7 and 0\.5, the first in points\.jsonl"):
            read_points(run)
        return
    found = set(read_points(run)["trial_id"])
    assert found == ({"a", "b"} if change == "removed" else {"a", "b", "z"})


def test_a_tail_that_contradicts_the_table_is_told_with_its_line(run):
    write(run, "a", ends=False)
    append(run, {"rows": [row("a", value=0.9, **{"config.lr": 0.1})]})
    with pytest.raises(InputError, match=r"0\.5 and 0\.9, the first in points\.parquet and"):
        read_points(run)
    append(run, {"end": {"trial_id": "a", "trial_status": "ok"}})


def test_a_damaged_journal_does_not_cost_the_table_beside_it(run):
    write(run, "a", "b")
    whole = read_points(run)
    with run.journal.open("ab") as file:
        file.write(b"{not json\n")
    append(run, {"rows": [row("c")]})
    for attempt in (read_points, forget_unfinished, PointsWriter):
        with pytest.raises(InputError, match=r"line 7 of '.*points\.jsonl' is damaged"):
            attempt(run)
    with pytest.raises(InputError) as caught:
        read_points(run)
    assert "move points.jsonl away" in str(caught.value)
    assert "4 points of 2 trials" in str(caught.value)
    run.journal.rename(run.path / "aside")
    pd.testing.assert_frame_equal(read_points(run), whole)
    assert forget_unfinished(run).ended == {"a": "ok", "b": "ok"}
    write(run, "c")
    assert read_points(run)["trial_id"].unique().tolist() == ["a", "b", "c"]
    assert list(finished_trials(run)) == ["a", "b", "c"]
    assert [plan["trial_id"] for plan in read_plans(run)] == ["a", "b", "c"]


def test_damage_before_the_mark_is_not_met(run, monkeypatch):
    monkeypatch.setattr("pareto_explorer.runs.journal._WINDOW", 64)
    write(run, "a", "b")
    whole = read_points(run)
    run.journal.write_bytes(b"?" + run.journal.read_bytes()[1:])
    pd.testing.assert_frame_equal(read_points(run), whole)
    write(run, "c")
    assert read_points(run)["trial_id"].nunique() == 3


def test_compacting_while_the_sweep_runs_takes_linear_time(run, monkeypatch):
    monkeypatch.setattr(points, "ROOM", 2000)
    sizes, compact = [], PointsWriter.compact

    def counted(writer):
        sizes.append(run.journal.stat().st_size)
        compact(writer)

    monkeypatch.setattr(PointsWriter, "compact", counted)
    with PointsWriter(run) as writer:
        for number in range(200):
            writer.append([row(f"t{number:03d}")])
            if number == 100:
                assert len(pd.read_parquet(run.points)) > 50
    assert len(sizes) < 10
    assert sum(sizes[:-1]) < 2 * run.journal.stat().st_size
    assert len(read_points(run)) == 200


def test_a_trial_runs_again_by_one_line_and_nothing_else_is_rewritten(run):
    write(run, "a")
    write(run, "b", ends=False)
    before = run.journal.read_bytes()
    recorded = forget_unfinished(run)
    assert recorded.points["trial_id"].unique().tolist() == ["a"]
    assert run.journal.read_bytes() == before + encode({"forget": ["b"]})
    assert pd.read_parquet(run.points)["trial_id"].unique().tolist() == ["a"]
    assert forget_unfinished(run).mark == recorded.mark
    write(run, "b")
    run.points.unlink()
    assert read_points(run)["trial_id"].tolist() == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (
            {"rows": [row("a", step=3, family="other")]},
            "'f' and 'other' as family, the second in",
        ),
        ({"rows": [row("a", step=3, **{"config.lr": 0.2})]}, r"0\.1 and 0\.2 as config\.lr"),
        ({"plan": {"trial_id": "a", "family": "f", "knobs": {"lr": 0.2}}}, "differ on trial 'a'"),
        ({"end": {"trial_id": "a", "trial_status": "failed"}}, "differ on trial 'a'"),
    ],
)
@pytest.mark.parametrize("compacted", [True, False])
def test_lines_of_another_run_are_refused(run, record, problem, compacted):
    write(run, "a")
    append(run, record)
    if not compacted:
        run.points.unlink()
        problem = problem.replace("differ on trial 'a'", "trial 'a' has (been drawn|ended)")
    with pytest.raises(InputError, match=problem):
        read_points(run)


@pytest.mark.parametrize(
    "record",
    [
        b"[" * 1000,
        b"[]",
        b"{}",
        b"\xff",
        json.dumps({"ends": [], "plans": [], "journal": {"bytes": -1}}).encode(),
        json.dumps({"ends": [1], "plans": [], "journal": {}}).encode(),
        json.dumps({"ends": [], "plans": [{}], "journal": {}}).encode(),
        json.dumps({"ends": [], "plans": [], "journal": {"bytes": "1"}}).encode(),
    ],
)
def test_a_record_that_is_none_is_one_sentence(run, record):
    write(run, "a")
    table = pq.read_table(run.points)
    table = table.replace_schema_metadata({b"pareto_explorer": record})
    pq.write_table(table, run.points)
    with pytest.raises(InputError, match=r"points\.parquet' is damaged \(") as caught:
        read_points(run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("name", ["points", "journal", "landmarks"])
def test_a_pipe_a_folder_or_a_device_in_place_of_a_file_is_refused(run, name, make):
    write(run, "a")
    path = getattr(run, name)
    path.unlink(missing_ok=True)
    make(path)
    with pytest.raises(InputError, match=f"{path.name}.* is no ordinary file"):
        read_landmarks(run) if name == "landmarks" else read_recorded(run)


def test_a_pipe_in_place_of_a_journal_that_was_read_is_refused(run):
    write(run, "a")
    known = read_recorded(run)
    run.journal.unlink()
    os.mkfifo(run.journal)
    with pytest.raises(InputError, match=r"points\.jsonl.* is no ordinary file"):
        read_further(run, known)


def test_a_journal_that_cannot_be_read_is_one_sentence(run):
    write(run, "a")
    run.journal.unlink()
    run.journal.symlink_to(run.journal.name)
    with pytest.raises(InputError, match=r"points: .*points.jsonl' cannot be read \(Too many"):
        read_recorded(run)
