import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    finished_trials,
    forget_unfinished,
    read_points,
)
from pareto_explorer.runs.journal import encode
from pareto_explorer.schema.columns import IDENTITY
from tests.synthetic import HOSTILE_ERROR, HOSTILE_KNOB, write_synthetic_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def row(trial="a", replicate=0, step=1, value=0.5, **more):
    return {
        "trial_id": trial,
        "family": "f",
        "method": "m",
        "aggregator": None,
        "forget_loss": None,
        "replicate": replicate,
        "training_seed": replicate,
        "unlearning_seed": 7,
        "step": step,
        "samples": 64 * step,
        "seconds": 0.25,
        "status": "ok",
        "forget_gap": value,
        **more,
    }


def keys(points):
    return list(zip(points["trial_id"], points["replicate"], points["step"], strict=True))


def forgotten(run):
    """The trials that forgetting took out of the table."""
    before = set(read_points(run)["trial_id"])
    return before - set(forget_unfinished(run).points["trial_id"])


def test_points_are_readable_while_the_sweep_runs_and_the_same_afterwards(run):
    writer = PointsWriter(run)
    writer.append([row("b", 1), row("b", 0)])
    writer.append([row("a", 0)])
    writer.finish("b", "ok")
    running = read_points(run)
    assert not run.points.exists()
    assert keys(running) == [("a", 0, 1), ("b", 0, 1), ("b", 1, 1)]
    assert running["trial_status"].tolist() == ["running", "ok", "ok"]
    writer.close()
    writer.close()
    pd.testing.assert_frame_equal(read_points(run), running)
    pd.testing.assert_frame_equal(pd.read_parquet(run.points), running)
    run.journal.unlink()
    pd.testing.assert_frame_equal(read_points(run), running)
    assert finished_trials(run) == {"b": "ok"}


def test_a_point_that_is_reported_again_changes_nothing(run):
    with PointsWriter(run) as writer:
        writer.append([row(value=0.1), row(step=2), row(value=0.1, seconds=9.0)])
        content = run.journal.read_bytes()
        writer.append([row(value=0.1 + 1e-9, seconds=7.0)])
        writer.append([row(step=2)])
        assert run.journal.read_bytes() == content
    with PointsWriter(run) as writer:  # which knows nothing of the first
        writer.append([row(value=0.1 + 1e-9, seconds=7.0)])
        assert run.journal.read_bytes() != content
    for _ in range(2):
        points = read_points(run)
        assert points["forget_gap"].tolist() == [0.1, 0.5]
        assert points["seconds"].tolist() == [0.25, 0.25]
        run.journal.unlink(missing_ok=True)


@pytest.mark.parametrize("ends", [False, True])
def test_a_point_is_never_replaced(run, ends):
    with PointsWriter(run) as writer:
        writer.append([row(value=0.1)])
        content = run.journal.read_bytes()
        again = [row(step=2), row(value=0.2)]
        with pytest.raises(InputError, match=r"step 1 was reported twice, .* 0\.1 and 0\.2;"):
            writer.finish("a", "ok", None, again) if ends else writer.append(again)
        assert run.journal.read_bytes() == content
        with pytest.raises(InputError, match="step 3 was reported twice"):
            writer.append([row(step=3, value=0.1), row(step=3, value=0.2)])
        writer.append([row(step=2)])
    assert read_points(run)["forget_gap"].tolist() == [0.1, 0.5]


def test_what_of_a_report_counts_is_known_before_it_is_written(run):
    with PointsWriter(run) as writer:
        first, worse = row(value=0.1), row(value=0.9)
        writer.append([first])
        settled = writer.settle([row(value=0.1, seconds=8.0), new := row(step=2), worse])
        assert [one is other for one, other in zip(settled.rows, (first, new), strict=True)]
        [found] = settled.contradictions
        assert (found.column, found.first, found.again) == ("forget_gap", first, worse)
        writer.append(settled.rows)
        assert keys(read_points(run)) == [("a", 0, 1), ("a", 0, 2)]


@pytest.mark.parametrize("rows", [[0, 1], [1, 0]])
def test_a_failure_gives_way_to_what_was_measured(run, rows):
    """Also in a journal of a version that replaced the point by the failure."""
    both = [row(step=0), row(step=0, status="failed", value=None, error="died")]
    with PointsWriter(run) as writer:
        for index in rows:
            writer.append([both[index]])
        writer.finish("a", "failed", "died")
    end = {"trial_id": "a", "trial_status": "failed", "error": "died"}
    lines = [*({"rows": [both[i]]} for i in rows), {"end": end}]
    run.journal.write_bytes(b"".join(map(encode, lines)))
    [found] = read_points(run).to_dict("records")
    assert (found["status"], found["forget_gap"]) == ("ok", 0.5)
    pd.read_parquet(run.points).assign(status="failed", forget_gap=np.nan).to_parquet(run.points)
    [found] = read_points(run).to_dict("records")
    assert (found["status"], found["trial_status"], found["error"]) == ("ok", "failed", "died")


def test_reading_refuses_a_point_with_two_contents_and_changes_nothing(run):
    for value in (0.1, 0.2):
        PointsWriter(run).append([row(value=value)])
    before = run.journal.read_bytes()
    for read in (read_points, forget_unfinished):
        with pytest.raises(InputError, match=r"0\.1 and 0\.2; .*out of '.*points\.jsonl'"):
            read(run)
    assert run.journal.read_bytes() == before


@pytest.mark.parametrize("change", [{"forget_gap": 0.2}, {"config.k": "four"}, {"extra": 1.0}])
def test_reading_refuses_two_files_that_contradict_each_other(run, change):
    with PointsWriter(run) as writer:
        writer.append([row("a", **{"config.k": 3}), row("b", **{"config.k": 4})])
        writer.finish("a", "ok")
        writer.compact()
        writer.finish("b", "failed", "which the compacted table does not know")
        assert len(read_points(run)) == 2
        compacted = pd.read_parquet(run.points)
        column, value = change.popitem()
        compacted[column] = [*compacted.get(column, [np.nan])[:1], value]
        if column == "config.k":
            compacted[column] = ["3", value]  # as a table with a text among its knobs has it
        compacted.to_parquet(run.points)
        with pytest.raises(InputError, match=rf"'b'.* with {column} .*delete points\.parquet"):
            read_points(run)
        run.points.unlink()
    assert read_points(run)["config.k"].tolist() == [3, 4]


def test_reading_refuses_a_table_that_contradicts_itself(run):
    with PointsWriter(run) as writer:
        writer.append([row("a"), row("b")])
    run.journal.unlink()
    once = pd.read_parquet(run.points)
    pd.concat([once, once.assign(seconds=3.0)]).to_parquet(run.points)
    pd.testing.assert_frame_equal(read_points(run), once)
    pd.concat([once, once.assign(forget_gap=0.9)]).to_parquet(run.points)
    with pytest.raises(InputError, match=r"forget_gap 0\.5 and 0\.9; .*points\.parquet"):
        read_points(run)


def test_points_known_to_only_one_of_the_two_files_are_merged(run):
    with PointsWriter(run) as writer:
        writer.append([row("a", value=0.1), row("c")])
        writer.finish("a", "diverged", "no luck")
    run.journal.unlink()
    with PointsWriter(run) as writer:
        writer.append([row("b", **{"config.k": 3}), row("c", seconds=9.0)])
        merged = read_points(run)
    assert merged["trial_id"].tolist() == ["a", "b", "c"]
    assert merged["trial_status"].tolist() == ["diverged", "running", "running"]
    assert merged["forget_gap"].tolist() == [0.1, 0.5, 0.5]
    assert merged["seconds"].tolist() == [0.25, 0.25, 9.0]
    assert merged["error"].isna().tolist() == [False, True, True]
    assert merged["config.k"].dtype == "Int64"
    pd.testing.assert_frame_equal(pd.read_parquet(run.points), merged)


def test_an_end_can_bring_rows_and_its_error_reaches_all_rows_of_its_trial(run):
    with PointsWriter(run) as writer:
        writer.append([row("a", error="my own")])
        last = row("a", step=2, status="failed", value=None)
        writer.finish("a", "failed", HOSTILE_ERROR, [last])
        writer.append([row("b")])
    points = read_points(run)
    assert points["error"].tolist()[:2] == ["my own", HOSTILE_ERROR]
    assert points["error"].isna().tolist() == [False, False, True]
    assert points["status"].tolist() == ["ok", "failed", "ok"]
    assert points["trial_status"].tolist() == ["failed", "failed", "running"]
    assert run.journal.read_bytes().count(b"\n") == 3


def test_nan_and_knobs_survive_both_files(run):
    with PointsWriter(run) as writer:
        knobs = {"config.n": 3, "config.on": True, "config.name": HOSTILE_KNOB, "config.x": 0.1}
        writer.append([row("a", value=float("nan"), **knobs), row("b", extra=np.float32(0.5))])
    points = read_points(run)
    assert points["forget_gap"].isna().tolist() == [True, False]
    assert points["extra"].tolist()[1] == 0.5
    expected = {"config.n": "Int64", "config.on": "boolean", "config.x": "float64"}
    assert {name: str(points[name].dtype) for name in expected} == expected
    assert points["config.name"].tolist()[0] == HOSTILE_KNOB
    assert points["config.n"].tolist()[0] == 3
    assert points["config.n"].isna().tolist() == [False, True]
    compacted = pd.read_parquet(run.points)
    pd.testing.assert_frame_equal(compacted, points)


def test_an_empty_table_has_the_columns_and_types_of_a_full_one(run):
    PointsWriter(run).close()
    empty = read_points(run)
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == IDENTITY
    run.journal.unlink()
    assert read_points(run).dtypes.to_dict() == IDENTITY
    run.points.unlink()
    assert read_points(run).dtypes.to_dict() == IDENTITY
    assert finished_trials(run) == {}
    assert not forgotten(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trial_id": None}, "row 2: trial_id is missing, where a text is needed"),
        ({"step": None, "samples": None}, "row 2: step is missing, where a whole number"),
        ({"status": "fine"}, "status is 'fine', where one of ok, diverged, failed is needed"),
        ({"forget_gap": True}, "forget_gap is True, where a number is needed"),
        ({"forget_gap": "0.5"}, "forget_gap is '0.5', where a number is needed"),
        ({"training_seed": 2**64}, "training_seed is 18446744073709551616, where a whole number"),
    ],
)
def test_a_row_that_would_damage_the_table_is_refused_with_its_report(run, change, message):
    with PointsWriter(run) as writer:
        for refuse in (writer.append, lambda rows: writer.finish("a", "ok", None, rows)):
            with pytest.raises(InputError, match=message):
                refuse([row(), row(step=2) | change])
    assert len(read_points(run)) == 0
    assert finished_trials(run) == {}


@pytest.mark.parametrize("status", ["running", ""])
def test_a_trial_cannot_end_as_running(run, status):
    with PointsWriter(run) as writer, pytest.raises(ValueError, match="trial_status"):
        writer.finish("a", status)


def test_only_finished_trials_survive_forgetting_and_their_rows_stay_as_they_were(run):
    with PointsWriter(run) as writer:
        writer.append([row("a"), row("b")])
        writer.finish("a", "ok")
        writer.finish("no-rows", "failed", "died at once")
        writer.append([row("c")])
    before = read_points(run)
    assert forgotten(run) == {"b", "c"}
    after = read_points(run)
    pd.testing.assert_frame_equal(after, before[before["trial_id"] == "a"])
    assert finished_trials(run) == {"a": "ok", "no-rows": "failed"}
    assert pd.read_parquet(run.points)["trial_id"].tolist() == ["a"]
    assert not forgotten(run)
    with PointsWriter(run) as writer:
        writer.append([row("b", value=0.9)])
        writer.finish("b", "ok")
    assert read_points(run)["forget_gap"].tolist() == [0.5, 0.9]


def test_ended_trials_come_in_the_order_of_their_ends(run):
    with PointsWriter(run) as writer:
        for trial in ("c", "a", "b"):
            writer.append([row(trial)])
        for trial in ("b", "c"):
            writer.finish(trial, "finished")
    with PointsWriter(run) as writer:
        writer.finish("a", "finished")
    forget_unfinished(run)
    assert list(finished_trials(run)) == ["b", "c", "a"]


def test_forgetting_that_was_cut_short_between_the_two_files_can_be_repeated(run, tmp_path):
    with PointsWriter(run) as writer:
        writer.append([row("a"), row("b")])
        writer.finish("a", "ok")
    former = shutil.copy(run.points, tmp_path / "former")
    forget_unfinished(run)
    shutil.copy(former, run.points)
    assert not forgotten(run)  # the journal says so
    assert read_points(run)["trial_id"].tolist() == ["a"]


def test_a_line_torn_by_a_kill_is_dropped_and_the_sweep_goes_on(run):
    with PointsWriter(run) as writer:
        writer.append([row("a")])
        writer.append([row("b")])
    run.points.unlink()
    content = run.journal.read_bytes()
    run.journal.write_bytes(content[:-10])
    assert read_points(run)["trial_id"].tolist() == ["a"]
    with PointsWriter(run) as writer:
        writer.append([row("b")])
    assert read_points(run)["trial_id"].tolist() == ["a", "b"]
    assert run.journal.read_bytes() == content


keys_of_points = st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.integers(0, 2))
operations = st.one_of(
    st.tuples(st.just("append"), st.sets(keys_of_points, min_size=1)),
    st.tuples(st.just("finish"), st.sampled_from("abc")),
    st.tuples(st.sampled_from(["compact", "kill", "lose journal", "forget"]), st.none()),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(operations, max_size=12))
def test_whatever_happens_each_point_is_there_exactly_once(history):
    expected, ended = {}, set()
    with TemporaryDirectory() as folder:
        run = RunDirectory(Path(folder))
        with PointsWriter(run):
            pass
        for what, value in history:
            if what == "forget":
                assert forgotten(run) == {key[0] for key in expected} - ended
                expected = {key: v for key, v in expected.items() if key[0] in ended}
            elif what == "kill":
                with run.journal.open("ab") as file:
                    file.write(b'{"rows": [{"trial_id": "a"')
            elif what == "lose journal":
                PointsWriter(run).close()
                run.journal.unlink()
            else:
                writer = PointsWriter(run)
                if what == "append":
                    again = {(t, r, s): (ord(t) + r + s / 4) / 128 for t, r, s in value}
                    writer.append([row(*key, value=v) for key, v in again.items()])
                    expected |= again
                elif what == "finish":
                    writer.finish(value, "ok")
                    ended.add(value)
                else:
                    writer.compact()
            points = read_points(run)
            if expected:
                assert dict(zip(keys(points), points["forget_gap"], strict=True)) == expected
            assert keys(points) == sorted(expected)
            finished = points["trial_status"] == "ok"
            assert finished.tolist() == [trial in ended for trial in points["trial_id"]]


def damage_middle_of_journal(run):
    content = run.journal.read_bytes().split(b"\n")
    run.journal.write_bytes(b"\n".join([content[0], content[1][:20], *content[1:]]))


def damage_a_row_of_journal(run):
    run.journal.write_bytes(run.journal.read_bytes().replace(b'"step": 1, ', b"", 1))


def damage_a_type_in_journal(run):
    run.journal.write_bytes(
        run.journal.read_bytes().replace(b'"samples": 64', b'"samples": "x"', 1)
    )


def damage_parquet(run):
    run.points.write_bytes(run.points.read_bytes()[:100])


def empty_parquet(run):
    run.points.write_bytes(b"")


def foreign_parquet(run):
    pd.DataFrame({"a": [1]}).to_parquet(run.points)


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (damage_middle_of_journal, "points.jsonl"),
        (damage_a_row_of_journal, "points.jsonl"),
        (damage_a_type_in_journal, "points.jsonl"),
        (damage_parquet, "points.parquet"),
        (empty_parquet, "points.parquet"),
        (foreign_parquet, "points.parquet"),
    ],
)
def test_damage_is_refused_by_name_and_nothing_is_overwritten(run, damage, name):
    with PointsWriter(run) as writer:
        writer.append([row("a")])
        writer.append([row("b")])
        writer.finish("a", "ok")
    damage(run)
    before = (run.journal.read_bytes(), run.points.read_bytes())

    def continue_sweep():
        with PointsWriter(run):
            pass

    for attempt in (lambda: read_points(run), lambda: forget_unfinished(run), continue_sweep):
        with pytest.raises(InputError, match=f"points: .*{name}' is damaged"):
            attempt()
    assert (run.journal.read_bytes(), run.points.read_bytes()) == before
    assert sorted(p.name for p in run.path.iterdir()) == ["points.jsonl", "points.parquet"]


def test_no_directory_is_no_run(run):
    with pytest.raises(InputError, match="is not a directory"):
        read_points(RunDirectory(run.path / "absent"))


def test_every_acknowledged_report_survives_a_kill(run):
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from pareto_explorer.runs import PointsWriter, RunDirectory
        from tests.runs.test_points import row
        writer = PointsWriter(RunDirectory(Path(sys.argv[1])))
        for step in range(10**6):
            writer.append([row(replicate=r, step=step) for r in range(3)])
            print(step, flush=True)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(run.path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        for _ in range(20):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split("\n")[:-1])])
    points = read_points(run)
    steps = points["step"].unique()
    assert set(range(acknowledged + 1)) <= set(steps)
    assert len(points) == 3 * len(steps)
    assert forgotten(run) == {"a"}
    assert len(read_points(run)) == 0


def test_appending_does_not_read_or_rewrite_what_is_there(run):
    with PointsWriter(run) as writer:
        writer.append([row("a")])
        first = run.journal.stat().st_size
        for step in range(2, 30):
            writer.append([row("a", step=step)])
            assert not run.points.exists()
        content = run.journal.read_bytes()
        run.journal.write_bytes(b"\x00" * len(content))  # what was written is not looked at again
        writer.append([row("b")])
        assert run.journal.stat().st_size - len(content) == first
        run.journal.write_bytes(content)


def test_the_synthetic_run_shows_every_ending(tmp_path):
    points = read_points(write_synthetic_run(tmp_path))
    assert points["family"].nunique() == 7
    assert set(points["status"]) == {"ok", "diverged", "failed"}
    assert set(points["trial_status"]) == {"finished", "diverged", "failed"}
    assert points.groupby("trial_id")["replicate"].nunique().eq(3).all()
    assert not points.duplicated(["trial_id", "replicate", "step"]).any()
    assert HOSTILE_KNOB in set(points["config.note"].dropna())
