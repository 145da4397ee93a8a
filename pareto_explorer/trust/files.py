"""What files may hold: YAML and JSON as plain values, within limits, or one sentence why not."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml

from pareto_explorer.errors import InputError, bare, brief

__all__ = [
    "MAX_DEPTH",
    "MAX_JSON_BYTES",
    "dump_yaml",
    "parse_json",
    "parse_yaml",
    "read_bytes",
    "read_json",
    "read_yaml",
    "require_ordinary",
]

MAX_YAML_BYTES = 5_000_000
MAX_JSON_BYTES = 50_000_000
MAX_NODES = 200_000
"""Values in a YAML file, those that an alias repeats counted each time."""
MAX_DEPTH = 50
"""Lists and mappings inside each other."""
MAX_DIGITS = 40
"""Digits of an integer; 128 bits take 39."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where it was built
_CORE = "tag:yaml.org,2002:"


def read_yaml(path: str | PathLike[str], what: str = "") -> Any:
    """Reads a YAML file as plain values; see ``parse_yaml``.

    Args:
        path: The file.
        what: What it is to the user, put before messages, such as ``"mapping"``.

    Raises:
        InputError: It cannot be read, is too large, or holds what ``parse_yaml`` refuses.
    """
    where = _place(path, what)
    return parse_yaml(_decoded(read_bytes(path, what, MAX_YAML_BYTES), where), where)


def read_json(path: str | PathLike[str], what: str = "") -> Any:
    """Reads a JSON file as plain values; see ``parse_json``.

    Args:
        path: The file.
        what: What it is to the user, put before messages.

    Raises:
        InputError: It cannot be read, is too large, or holds what ``parse_json`` refuses.
    """
    where = _place(path, what)
    return parse_json(_decoded(read_bytes(path, what, MAX_JSON_BYTES), where), where)


def read_bytes(path: str | PathLike[str], what: str, limit: int) -> bytes:
    """Reads an ordinary file of at most ``limit`` bytes.

    Raises:
        InputError: It is none (a pipe would never end), is larger, or cannot be read.
    """
    where = _place(path, what)
    try:
        require_ordinary(path, where)
        size = Path(path).stat().st_size
        if size > limit:
            raise InputError(
                f"{where}: has {size / 1e6:,.1f} MB, and {limit / 1e6:,.0f} MB is the "
                "most that is read; check that it is the file that you mean."
            )
        with Path(path).open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise InputError(
            f"{where}: cannot be read ({error.strerror or type(error).__name__}); check the path "
            "and its permissions."
        ) from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: is no name of a file; correct it.") from None


def require_ordinary(path: str | PathLike[str], where: str) -> None:
    """Refuses what is there but no ordinary file: a pipe or a device may never end.

    Raises:
        InputError: It is a folder, a pipe or a device.
        OSError: It cannot be looked at.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{where}: is no ordinary file; give one.")


def parse_yaml(text: str, where: str) -> Any:
    """Reads one YAML document as ``None``, bool, int, float, str, list and dict with text keys.

    Keys stay the text that is written. ``1e-3`` is a number as in YAML 1.2, dates are text, and
    ``.nan`` and ``.inf`` are floats that whoever reads on has to judge.

    Args:
        text: The document.
        where: What stands before messages: the file, or the option that holds the text.

    Returns:
        The value, no part of which is shared; ``None`` for an empty text.

    Raises:
        InputError: It is no YAML, a key stands twice or is no text, a tag asks for other types, or
            it is nested too deeply or too large, its aliases written out.
    """
    document = _Document(where, lines=text.strip().count("\n") + 1)
    try:
        return document.read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InputError(
            f"{document.place(mark)}: is no YAML ({error.problem}); correct it."
        ) from None
    except (yaml.YAMLError, UnicodeEncodeError):
        raise InputError(
            f"{where}: is no YAML, as it holds characters that no text has; save it as UTF-8 text."
        ) from None


def dump_yaml(value: Any) -> str:
    """Writes plain values as YAML that ``parse_yaml`` reads back as the same values.

    Raises:
        yaml.representer.RepresenterError: A value is not plain data.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def parse_json(text: str, where: str) -> Any:
    """Reads one JSON value; ``NaN`` and ``Infinity`` are floats for whoever reads on to judge.

    Args:
        text: The JSON.
        where: What stands before messages: the file, perhaps with a line.

    Raises:
        InputError: It is no JSON, a key stands twice, a number is too long, a text is half a
            character, or it is nested too deeply.
    """
    try:
        value = _JSON.decode(text)
    except RecursionError:
        raise _too_deep(where) from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}: " if "\n" in text else ""
        raise InputError(
            f"{where}: {line}is no JSON ({error.msg} at column {error.colno}); correct it."
        ) from None
    if text.count("[") + text.count("{") > MAX_DEPTH or "\\u" in text:
        _check_nested(value, where)
    return value


@dataclass
class _Open:
    """A list or mapping that is being read.

    Attributes:
        value: What it holds so far.
        anchor: Its name for aliases.
        first: Number of the first node inside it.
        height: Most lists and mappings inside each other, itself included.
        key: In a mapping, the key whose value comes next.
        merging: Whether that key is ``<<``, which takes over the keys of other mappings.
        merged: What ``<<`` names.
    """

    value: list[Any] | dict[str, Any]
    anchor: str | None
    first: int
    height: int = 1
    key: str | None = None
    merging: bool = False
    merged: list[Any] = field(default_factory=list)


class _Anchored(NamedTuple):
    value: Any
    nodes: int
    height: int


class _Document:
    """Builds the value of a document from the parser's events, without recursion."""

    def __init__(self, where: str, lines: int) -> None:
        self.where = where
        self.lines = lines
        self.mark: yaml.Mark | None = None
        self.nodes = 0
        self.open: list[_Open] = []
        self.anchors: dict[str, _Anchored | None] = {}
        self.documents: list[Any] = []

    def read(self, events: Iterable[Any]) -> Any:
        for event in events:
            self.mark = event.start_mark
            if isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
        return self.documents[0] if self.documents else None

    def place(self, mark: yaml.Mark | None) -> str:
        """File and line, or the text itself where it has one line only."""
        line = mark.line + 1 if mark and self.lines > 1 else 0
        return f"{self.where}: line {min(line, self.lines)}" if line else self.where

    def refuse(self, reason: str) -> NoReturn:
        raise InputError(f"{self.place(self.mark)}: {reason}.")

    def _node(self, event: Any) -> None:
        if not self.open and self.documents:
            self.refuse("a second document begins; keep one in the file")
        self._count(1)
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor))
        elif isinstance(event, yaml.ScalarEvent):
            value = _scalar(event, self)
            if event.anchor is not None:
                self.anchors[event.anchor] = _Anchored(value, 1, 0)
            self._add(value, 0)
        else:
            self._begin(event)

    def _count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self.refuse(
                f"holds more than {MAX_NODES:,} values, its aliases written out; shorten it"
            )

    def _key(self, mapping: _Open, event: Any) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            self.refuse("a key is no text; write a word before the colon")
        _scalar(event, self)
        mapping.merging = event.value == "<<" and event.implicit[0]
        if mapping.merged if mapping.merging else event.value in mapping.value:
            self.refuse(f"the key {brief(event.value)} stands twice in one mapping; keep one")
        mapping.key = event.value
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(event.value, 1, 0)

    def _alias(self, name: str) -> None:
        if name not in self.anchors:
            self.refuse(f"the alias *{bare(name)} has no anchor before it; correct it")
        anchored = self.anchors[name]
        if anchored is None:
            self.refuse(f"the alias *{bare(name)} stands inside what it names; write the value out")
        self._count(anchored.nodes - 1)
        self._require_depth(anchored.height)
        self._add(copy.deepcopy(anchored.value), anchored.height)

    def _begin(self, event: Any) -> None:
        self._require_depth(1)
        kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
        if event.tag not in (None, "!", _CORE + kind):
            self.refuse_tag(event.tag)
        value: list[Any] | dict[str, Any] = {} if kind == "map" else []
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.open.append(_Open(value, event.anchor, self.nodes))

    def _require_depth(self, more: int) -> None:
        if len(self.open) + more > MAX_DEPTH:
            raise _too_deep(self.place(self.mark))

    def refuse_tag(self, tag: str) -> NoReturn:
        shown = tag.replace(_CORE, "!!")
        self.refuse(f"the tag {brief(shown)} is not read; write plain text, numbers and lists")

    def _close(self) -> None:
        closed = self.open.pop()
        if isinstance(closed.value, dict):
            for merged in closed.merged:
                closed.value |= {k: v for k, v in merged.items() if k not in closed.value}
        if closed.anchor is not None:
            nodes = self.nodes - closed.first + 1
            self.anchors[closed.anchor] = _Anchored(closed.value, nodes, closed.height)
        self._add(closed.value, closed.height)

    def _add(self, value: Any, height: int) -> None:
        if not self.open:
            self.documents.append(value)
            return
        top = self.open[-1]
        top.height = max(top.height, height + 1)
        if isinstance(top.value, list):
            top.value.append(value)
            return
        key, top.key = top.key or "", None
        if not top.merging:
            top.value[key] = value
            return
        top.merged = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in top.merged):
            self.refuse("'<<' takes over the keys of a mapping, and this is none; name one")


def _scalar(event: yaml.ScalarEvent, document: _Document) -> Any:
    """The value of a scalar: ``None``, bool, int, float or str."""
    text = event.value
    if not text.isascii() and _half_character(text):
        document.refuse("a text holds half a character (a surrogate); correct it")
    tag = event.tag
    if tag is None:
        return _plain(text, document) if event.implicit[0] else text
    if tag in ("!", f"{_CORE}str"):
        return text
    if tag not in _TYPES:
        document.refuse_tag(tag)
    value = _plain(text, document)
    if type(value) not in _TYPES[tag]:
        document.refuse(
            f"{brief(text)} is no {tag.removeprefix(_CORE)}; drop its tag or correct it"
        )
    return float(value) if tag == f"{_CORE}float" else value


def _plain(text: str, document: _Document) -> Any:
    """What a text without quotes and tags is: a word of YAML, a number, or else itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    whole = _INTEGER.fullmatch(text)
    if not whole and not _FLOAT.fullmatch(text):
        return text
    if len(text) > 4 * MAX_DIGITS:  # 0b and 32 digits of a hexadecimal included
        document.refuse(f"{brief(text)} has too many digits for a number; shorten it")
    digits = text.replace("_", "")
    value = int(digits, 0) if whole else float(digits)
    if whole and abs(value) >= 10**MAX_DIGITS:
        document.refuse(f"{brief(text)} has more than {MAX_DIGITS} digits; shorten it")
    if abs(value) == math.inf:
        document.refuse(f"{brief(text)} is larger than any number that fits; write .inf for it")
    return value


_TYPES = {
    f"{_CORE}null": (type(None),),
    f"{_CORE}bool": (bool,),
    f"{_CORE}int": (int,),
    f"{_CORE}float": (int, float),
}
_WORDS: dict[str, Any] = {
    form: value
    for words, value in (
        ("null", None),
        ("yes true on", True),
        ("no false off", False),
        (".nan .NaN", math.nan),
        (".inf +.inf", math.inf),
        ("-.inf", -math.inf),
    )
    for word in words.split()
    for form in (word, word.upper(), word.title())
} | {"": None, "~": None}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]*[0-9a-fA-F]|0o[0-7]+|0b[01_]*[01])")
_FLOAT = re.compile(
    r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))([eE][-+]?[0-9]+)?"
)


class _Dumper(yaml.SafeDumper):
    """Puts texts into quotes that this module, unlike PyYAML, reads as numbers."""


_Dumper.add_implicit_resolver(
    f"{_CORE}float", re.compile(rf"({_FLOAT.pattern}|{_INTEGER.pattern})$"), list("-+.0123456789")
)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"the key {brief(twice)} stands twice in one object; keep one.")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS + 1:
        raise InputError(f"{brief(text)} has more than {MAX_DIGITS} digits; shorten it.")
    return int(text)


_JSON = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer)


def _check_nested(value: Any, where: str) -> None:
    """Refuses values that are nested too deeply and texts that no file can hold."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        texts = [each for each in level if isinstance(each, str)]
        nested = [each for each in level if isinstance(each, list | dict)]
        texts += [key for each in nested if isinstance(each, dict) for key in each]
        for text in texts:
            if _half_character(text):
                raise InputError(
                    f"{where}: {brief(text)} holds half a character (a surrogate); correct it."
                )
        if not nested:
            return
        level = [
            inner
            for each in nested
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    raise _too_deep(where)


def _half_character(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _too_deep(where: str) -> InputError:
    return InputError(
        f"{where}: more than {MAX_DEPTH} lists or mappings lie inside each other; flatten it."
    )


def _decoded(content: bytes, where: str) -> str:
    """The text of a file: UTF-8, or UTF-16 where a byte-order mark says so."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{where}: line {line}: is no UTF-8 text (byte 0x{content[error.start]:02x}); save the "
            "file as UTF-8."
        ) from None


def _place(path: str | PathLike[str], what: str) -> str:
    return f"{what}: {str(path)!r}" if what else str(path)
