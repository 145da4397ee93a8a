import math
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.trust import files
from pareto_explorer.trust.files import dump_yaml, parse_json, parse_yaml, read_json, read_yaml

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
DEEP = "&a " + "[" * 30 + "]" * 30

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]))
    | st.sampled_from(
        ["2026-01-01", "1:30", "010", "1e3", "no", "null", "<<", "=", "0x1", "0o7", "²"]
    ),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc<=~1. "), inner),
    max_leaves=10,
)


@given(plain)
def test_what_is_written_is_read_back(value):
    assert parse_yaml(dump_yaml(value), "f") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("1e-3", 0.001),
        ("1.5E+3", 1500.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("[yes, Off, ~, NULL]", [True, False, None, None]),
        ("0x1f", 31),
        ("1_000", 1000),
        ("18446744073709551615", 2**64 - 1),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("010", "010"),
        ("²", "²"),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("! 5", "5"),
        ("'5'", "5"),
        ("{1: a, on: b, ~: c}", {"1": "a", "on": "b", "~": "c"}),
        ("{a: &x {b: 1, c: 2}, d: {<<: *x, c: 3}}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
    ],
)
def test_yaml_scalars_are_what_a_reader_takes_them_for(text, value):
    read = parse_yaml(text, "f")
    assert read == value
    assert type(read) is type(value)


def test_an_alias_gives_a_copy():
    read = parse_yaml("a: &x [1]\nb: *x", "f")
    read["b"].append(2)
    assert read == {"a": [1], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: !!timestamp x", "f: line 2: the tag '!!timestamp' is not read"),
        ("!!binary aGk=", "the tag '!!binary' is not read"),
        ("!!set {a}", "the tag '!!set' is not read"),
        ("!!python/object/apply:os.system [ls]", "the tag '!!python/object/apply:os.system'"),
        ("!own {a: 1}", "the tag '!own' is not read"),
        ("!!int ten", "'ten' is no int"),
        ("!!map [a]", "the tag '!!map' is not read"),
        ("a: 1\na: 2", "line 2: the key 'a' stands twice"),
        ("? [1, 2]\n: 3", "a key is no text"),
        ("{a: &x 1, *x : 2}", "a key is no text"),
        ("<<: 3", "'<<' takes over the keys of a mapping"),
        ("a: &x [*x]", "the alias .x stands inside what it names"),
        ("a: *x", "the alias .x has no anchor"),
        ("--- 1\n--- 2", "line 2: a second document begins"),
        ("a: [1", "f: is no YAML"),
        ("a: 1\nb: [1", "line 2: is no YAML"),
        ("a: b: c", "f: is no YAML"),
        ('"\\ud800"', "is no YAML|half a character"),
        ("\x00", "is no YAML"),
        ("\ud800", "is no YAML|half a character"),
        ("9" * 400, "too many digits"),
        ("9" * 41, "more than 40 digits"),
        ("1e400", "larger than any number that fits"),
        ("[" * 200 + "]" * 200, "more than 50 lists or mappings"),
        ("- " * 200, "more than 50 lists or mappings"),
        ("[" * 100_000, "more than 50 lists or mappings|nesting depth"),
        (f"[{DEEP}, {'[' * 30}*a{']' * 30}]", "more than 50 lists or mappings"),
        (BOMB, "line 6: holds more than 200,000 values"),
    ],
)
def test_yaml_that_is_refused_is_one_sentence(text, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_yaml(text, "f")
    assert str(caught.value).startswith("f: ")
    assert len(str(caught.value)) < 300
    assert re.search(r"[^.]\.$", str(caught.value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: is no JSON"),
        ("[1,\n2", "line 2: is no JSON"),
        ("[" * 100_000, "more than 50 lists or mappings"),
        ("[" * 60 + "]" * 60, "more than 50 lists or mappings"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("9" * 5000, "more than 40 digits"),
        ('{"a": "\\ud800"}', "half a character"),
    ],
)
def test_json_that_is_refused_is_one_sentence(text, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_json(text, "f")
    assert len(str(caught.value)) < 300


def test_json_keeps_exact_integers_and_joined_halves_of_characters():
    assert parse_json('{"seed": 18446744073709551615}', "f") == {"seed": 2**64 - 1}
    assert parse_json('"\\ud83d\\ude00"', "f") == "😀"


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    for name, size, read in (
        ("a.yaml", files.MAX_YAML_BYTES, read_yaml),
        ("a.json", files.MAX_JSON_BYTES, read_json),
    ):
        path = tmp_path / name
        path.touch()
        os.truncate(path, size + 1)
        with pytest.raises(InputError, match="MB is the most that is read"):
            read(path)


def test_what_is_no_readable_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path / "none.yaml", "cannot be read .No such file"),
        (tmp_path, "is no ordinary file"),
        (tmp_path / "pipe", "is no ordinary file"),
        (tmp_path / ("x" * 500), "cannot be read .File name too long"),
        ("a\0b", "is no name of a file"),
    ):
        with pytest.raises(InputError, match=message):
            read_yaml(path, "mapping")


def test_encodings_of_editors_are_read_and_others_named(tmp_path):
    path = tmp_path / "a.yaml"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_text("a: é", encoding=encoding)
        assert read_yaml(path) == {"a": "é"}
    path.write_text("a: 1\nb: é", encoding="latin-1")
    with pytest.raises(InputError, match="line 2: is no UTF-8 text"):
        read_yaml(path)


def test_messages_stay_short():
    assert len(brief(["x" * 1000] * 1000)) < 1000
    assert len(brief(10**5000)) < 200
    assert len(str(unknown("column", "x" * 10**6, map(str, range(10**4))))) < 500
