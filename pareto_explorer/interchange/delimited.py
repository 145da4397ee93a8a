"""Tables of text, perhaps compressed: every cell as it is written, within limits."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pandas as pd

from pareto_explorer.errors import InputError, brief
from pareto_explorer.interchange.progress import Tell, told

__all__ = ["COMPRESSIONS", "read_delimited"]

MAX_BYTES = 1_000_000_000
"""Bytes of a table, once it is decompressed."""
MAX_COLUMNS = 10_000
_LINE = 10_000_000  # characters

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zip")
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DAMAGES = (
    EOFError,
    NotImplementedError,
    RuntimeError,  # an encrypted archive
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_delimited(path: Path, separator: str, tell: Tell) -> pd.DataFrame:
    """Reads a table whose first line names the columns.

    Args:
        path: The file; with a suffix of ``COMPRESSIONS`` it is decompressed on the way.
        separator: What stands between two cells.
        tell: Hears how far a long reading is.

    Returns:
        Texts, and ``None`` for empty cells. Columns without a name are called ``Unnamed: 0``, by
        their place.

    Raises:
        InputError: It cannot be read or decompressed, is no UTF-8 or UTF-16 text, a row has more or
            fewer cells than the header, or a column stands twice.
    """
    lines = _Lines(path)
    rows: list[list[str | None]] = []
    header: list[str] = []
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for row in told(reader, "rows read", tell):
            if not row:
                continue
            if not header:
                header = _header(path, row)
            elif len(row) == len(header):
                rows.append([cell or None for cell in row])
            else:
                raise InputError(
                    f"{str(path)!r}: line {reader.line_num} has {len(row)} cells where the header "
                    f"has {len(header)}; correct it."
                )
    except csv.Error as error:
        raise InputError(
            f"{str(path)!r}: line {reader.line_num} cannot be read ({error}); correct its quotes."
        ) from None
    except UnicodeError:
        raise InputError(
            f"{str(path)!r}: is no UTF-8 text near line {reader.line_num + 1}; save it as UTF-8."
        ) from None
    except OSError as error:
        raise InputError(f"{str(path)!r}: cannot be read ({error.strerror or error}).") from None
    except _DAMAGES as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"{str(path)!r}: cannot be decompressed ({reason}); pack it again."
        ) from None
    return pd.DataFrame(rows, columns=pd.Index(header, dtype=object), dtype=object)


def _header(path: Path, row: list[str]) -> list[str]:
    if len(row) > MAX_COLUMNS:
        raise InputError(
            f"{str(path)!r}: has {len(row):,} columns, and {MAX_COLUMNS:,} are the most; leave "
            "some out."
        )
    if len(row) == 1 and ";" in row[0]:
        raise InputError(
            f"{str(path)!r}: has one column, {brief(row[0])}; if its cells are separated by "
            "semicolons, put separator: ';' into the mapping, and decimal: ',' if its numbers have "
            "commas."
        )
    names = [name or f"Unnamed: {place}" for place, name in enumerate(row)]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{str(path)!r}: has two columns {brief(twice)}; rename one.")
    return names


class _Lines:
    """The lines of a file as text."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[str]:
        with ExitStack() as stack:
            content = io.BufferedReader(_Limited(self._path, _opened(self._path, stack)))
            start = content.peek(4)[:4]
            encoding = next((e for mark, e in _MARKS.items() if start.startswith(mark)), "utf-8")
            text = io.TextIOWrapper(content, encoding=encoding, newline="")
            while line := text.readline(_LINE):
                if len(line) == _LINE:
                    raise InputError(
                        f"{str(self._path)!r}: a line has more than {_LINE:,} characters; check "
                        "that it is a table."
                    )
                if "\0" in line:
                    raise InputError(
                        f"{str(self._path)!r}: holds zero bytes; save it as UTF-8 text."
                    )
                yield line


class _Limited(io.RawIOBase):
    """A file of which no more than ``MAX_BYTES`` are read."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path, self._file, self._left = path, file, MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._file.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise InputError(
                f"{str(self._path)!r}: holds more than {MAX_BYTES / 1e9:g} GB of text; split it, "
                "or save it as Parquet."
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _opened(path: Path, stack: ExitStack) -> IO[bytes]:
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    suffix = path.suffix.lower()
    if suffix != ".zip":
        return stack.enter_context(openers.get(suffix, open)(path, "rb"))
    archive = stack.enter_context(zipfile.ZipFile(path))
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if len(names) != 1:
        raise InputError(f"{str(path)!r}: holds {len(names)} files; pack the table alone.")
    return stack.enter_context(archive.open(names[0]))
