"""Texts from files: JSON lines of questions and answers, and plain documents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pareto_explorer.errors import InputError, brief

__all__ = ["read_documents", "read_lines"]

_MOST = 2**31  # bytes of a file of texts


def read_lines(path: Path, texts: Sequence[str], lists: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Reads a file with a JSON object on every line.

    Args:
        path: The file. One JSON list of objects does as well.
        texts: Fields that every object has, each a text that is not empty.
        lists: Fields that every object has, each a list of such texts.

    Returns:
        The objects; other fields are left out.

    Raises:
        InputError: A line is none, or lacks a field; the sentence names file and line.
    """
    content = _text(path)
    if content.lstrip().startswith("["):
        rows = [(f"{path}, entry {i}", each) for i, each in enumerate(_json(content, path), 1)]
    else:
        rows = [
            (f"{path}, line {i}", _json(line, f"{path}, line {i}"))
            for i, line in enumerate(content.splitlines(), 1)
            if line.strip()
        ]
    return [_checked(where, row, texts, lists) for where, row in rows]


def read_documents(path: Path) -> list[str]:
    """Reads plain documents, in the order of their names.

    Args:
        path: A text file, which is one document; a ``.json`` file with a list of texts; a
            ``.jsonl`` file with a field ``text`` on every line; or a folder of such files.

    Raises:
        InputError: There are none, or a file is not what its name says.
    """
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix in (".txt", ".json", ".jsonl"))
        found = [text for file in files for text in read_documents(file)]
    elif path.suffix == ".jsonl":
        found = [str(row["text"]) for row in read_lines(path, ["text"])]
    elif path.suffix == ".json":
        listed = _json(_text(path), path)
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise InputError(f"{path}: is no list of texts; give one, or plain text as .txt.")
        found = listed
    else:
        found = [_text(path)]
    found = [text for text in found if text.strip()]
    if not found:
        raise InputError(f"{path}: has no text; give .txt, .json or .jsonl files that have.")
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            raise InputError(f"{path}: is larger than {_MOST // 2**30} GiB; give less text.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text in UTF-8; save it as such.") from None


def _json(content: str, where: object) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: is no JSON; correct or remove it.") from None


def _checked(where: str, row: Any, texts: Sequence[str], lists: Sequence[str]) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InputError(f"{where}: {brief(row)} is no object with the field {texts[0]}.")
    for name in texts:
        if not _is_text(row.get(name)):
            raise InputError(f"{where}: {name} is {brief(row.get(name))}; give a text.")
    for name in lists:
        found = row.get(name)
        if not isinstance(found, list) or not found or not all(map(_is_text, found)):
            raise InputError(f"{where}: {name} is {brief(found)}; give a list of texts.")
    return {name: row[name] for name in (*texts, *lists)}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
