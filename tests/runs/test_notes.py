"""Notes as they are written are read; what is no note is said in a sentence."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.notes import (
    LONGEST_NOTE,
    MOST_BYTES,
    Note,
    add_line,
    cleaned,
    note_line,
    notes_file,
    parse_notes,
    read_notes,
    removal_line,
    with_line,
)

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_notes_are_read_in_their_order_without_those_taken_back(tmp_path):
    run = RunDirectory(tmp_path)
    assert read_notes(run) == {}
    for seconds, (point, text) in enumerate(
        [("a@1", "first"), ("b@2@0.5", "x"), ("a@1", "second")]
    ):
        add_line(run, note_line(point, text, after(seconds)))
    found = read_notes(run)
    assert {point: [note.text for note in notes] for point, notes in found.items()} == {
        "a@1": ["first", "second"],
        "b@2@0.5": ["x"],
    }
    assert found["a@1"][0].time == "2031-05-06T07:08:09.000000+00:00"
    add_line(run, removal_line("a@1", found["a@1"][0].time))
    add_line(run, removal_line("b@2@0.5", found["b@2@0.5"][0].time))
    add_line(run, removal_line("c@3", NOW.isoformat()))  # never made
    assert read_notes(run) == {
        "a@1": (Note("second", after(2).isoformat(timespec="microseconds")),)
    }


@given(st.text(max_size=LONGEST_NOTE))
def test_any_text_comes_back_clean_or_is_refused(text):
    try:
        line = note_line("a@1", text, NOW)
    except InputError:
        assert not cleaned(text).strip()
        return
    ((note,),) = parse_notes(line, "notes").values()
    assert note.text == cleaned(text).strip()
    assert not {unicodedata.category(letter) for letter in note.text if letter != "\n"} & {
        "Cc",
        "Cs",
    }
    assert not set(note.text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
    assert line.count(b"\n") == 1


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing(text):
    assert cleaned(cleaned(text)) == cleaned(text)


@given(
    st.lists(
        st.text(min_size=1, max_size=20).filter(lambda t: cleaned(t).strip()),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_wherever_the_file_is_torn_the_whole_lines_are_read_and_written_on(texts, data):
    lines = [note_line("a@1", text, after(i)) for i, text in enumerate(texts)]
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    whole = content[:cut].count(b"\n")
    found = parse_notes(content[:cut], "notes").get("a@1", ())
    assert len(found) == whole
    again = parse_notes(with_line(content[:cut], note_line("a@1", "more", after(99))), "notes")
    assert [*again["a@1"][:-1]] == [*found]
    assert again["a@1"][-1].text == "more"


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00\x1b", "x" * (LONGEST_NOTE + 1)])
def test_a_note_has_a_text_of_some_length(text):
    with pytest.raises(InputError, match="write between 1 and 2,000"):
        note_line("a@1", text)


@pytest.mark.parametrize("point", ["", "a", "a@", "@1", "a@1.5", "a@1@x"])
def test_a_note_is_on_a_point(point):
    with pytest.raises(InputError, match="not the id of a checkpoint"):
        note_line(point, "x")


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"point": "a@1", "text": "x"}',
        b'{"point": "a@1", "text": "x", "time": "yesterday"}',
        b'{"point": "a@1", "text": "x", "time": "2031-05-06T07:08:09"}',
        b'{"point": "a", "text": "x", "time": "2031-05-06T07:08:09Z"}',
        b'{"point": "a@1", "text": 1, "time": "2031-05-06T07:08:09Z"}',
        b'{"point": "a@1", "removed": null}',
        json.dumps({"point": "a@1", "text": "x" * 2001, "time": "2031-05-06T07:08:09Z"}).encode(),
    ],
)
def test_what_is_no_note_is_named_with_its_line(tmp_path, line):
    run = RunDirectory(tmp_path)
    notes_file(run).write_bytes(note_line("a@1", "x", NOW) + line + b"\n")
    with pytest.raises(
        InputError, match=r"notes\.jsonl.*: line 2 is damaged \(.*\); take it out\."
    ):
        read_notes(run)


def test_what_others_wrote_is_cleaned_and_its_time_is_in_utc():
    line = b'{"point": "a@1", "text": "a\\u001b[2Jb", "time": "2031-05-06T09:08:09+02:00"}\n'
    assert parse_notes(line, "notes") == {
        "a@1": (Note("a[2Jb", "2031-05-06T07:08:09.000000+00:00"),)
    }


def test_the_file_has_a_largest_size(tmp_path):
    run = RunDirectory(tmp_path)
    line = note_line("a@1", "x" * LONGEST_NOTE, NOW)
    full = line * (MOST_BYTES // len(line))
    with pytest.raises(InputError, match="is full"):
        with_line(full, line)
    notes_file(run).write_bytes(full + line)
    with pytest.raises(InputError, match="5 MB is the most"):
        read_notes(run)
