"""Storage behind a URI: files by name below one folder, through pyarrow."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import IO, TYPE_CHECKING

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.trust.redaction import redacted

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

__all__ = ["SCHEMES", "Storage", "is_storage", "is_uri", "matches", "open_storage", "shown"]

SCHEMES = {
    "file": "the permissions of the folder",
    "s3": "the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role)",
    "gs": "the credentials (GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default "
    "login`)",
    "abfss": "the credentials (AZURE_STORAGE_ACCOUNT and `az login`)",
    "hdfs": "the Hadoop installation (HADOOP_HOME, CLASSPATH)",
}
"""What each kind of storage needs besides a name and a network."""

ALIASES = {"gcs": "gs", "abfs": "abfss", "viewfs": "hdfs"}

WHOLE_OBJECTS = frozenset({"s3", "gcs", "abfs"})
"""Kinds of pyarrow's file systems where an object appears once it is complete."""

CHUNK = 8 * 2**20
GIVE_UP = 15  # seconds; Google's client would try for a quarter of an hour


def is_uri(text: str) -> bool:
    """Whether a text is a URI rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def is_storage(text: str) -> bool:
    """Whether a text is a URI of a kind of storage that is known here."""
    scheme = text.partition("://")[0].lower()
    return is_uri(text) and ALIASES.get(scheme, scheme) in SCHEMES


def shown(uri: str) -> str:
    """A URI without its secrets and options."""
    return redacted(uri).partition("?")[0]


def matches(folder: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns, in which ``*`` stands for any characters, fits a folder."""
    return any(fnmatchcase(folder, pattern) for pattern in patterns)


def open_storage(uri: str) -> Storage:
    """Opens the storage that a URI names; most kinds are not reached before they are used.

    Raises:
        InputError: pyarrow does not know the scheme, or cannot open it.
    """
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem

    scheme = uri.partition("://")[0].lower()
    scheme = ALIASES.get(scheme, scheme)
    if scheme not in SCHEMES:
        raise InputError(
            f"storage: {shown(uri)!r} has a scheme that pyarrow does not open; "
            f"choose from {', '.join(sorted(SCHEMES))}, or give a folder."
        )
    given = uri
    if scheme == "gs" and "retry_limit_seconds" not in uri:
        given += f"{'&' if '?' in uri else '?'}retry_limit_seconds={GIVE_UP}"
    try:
        filesystem, root = FileSystem.from_uri(given)
    except (ArrowException, OSError, ValueError) as error:
        reason = first_line(error).replace(given, shown(uri))
        reason = redacted(reason)
        raise InputError(
            f"storage: {shown(uri)!r} cannot be opened ({reason}); check the name, the network and "
            f"{SCHEMES[scheme]}."
        ) from None
    return Storage(filesystem, root, SCHEMES[scheme])


class Storage:
    """Files by name below one folder of a pyarrow file system; none is ever half written.

    Args:
        filesystem: The file system.
        root: The folder; it need not exist.
        needs: What to check when it cannot be used.

    Raises:
        OSError, ArrowException: From every method, when the storage cannot be used.
    """

    def __init__(self, filesystem: FileSystem, root: str, needs: str = SCHEMES["file"]) -> None:
        self._filesystem, self._root = filesystem, root.rstrip("/")
        self._whole = filesystem.type_name in WHOLE_OBJECTS
        self.needs = needs

    def files(self, without: Iterable[str] = ()) -> list[str]:
        """Names of all files, sorted; hidden ones are left out.

        Args:
            without: Folders that are not looked into; ``*`` stands for any characters.
        """
        from pyarrow.fs import FileSelector, FileType

        found, folders = [], [self._root]
        while folders:
            folder = folders.pop()
            selector = FileSelector(folder, recursive=False, allow_not_found=True)
            for info in self._filesystem.get_file_info(selector):
                name = info.path.removeprefix(f"{self._root}/")
                if info.base_name.startswith("."):
                    continue
                if info.type == FileType.File:
                    found.append(name)
                elif info.type == FileType.Directory and not matches(name, without):
                    folders.append(info.path)
        return sorted(found)

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of all files below a folder by name, hidden ones included; empty if there is none.

        Args:
            folder: Its name below the storage's own.
        """
        from pyarrow.fs import FileSelector, FileType

        selector = FileSelector(self._path(folder), recursive=True, allow_not_found=True)
        return {
            info.path.removeprefix(f"{self._root}/"): int(info.size)
            for info in self._filesystem.get_file_info(selector)
            if info.type == FileType.File
        }

    def read(self, name: str, target: IO[bytes]) -> None:
        """Copies a file into an open one."""
        with self._filesystem.open_input_stream(self._path(name)) as source:
            shutil.copyfileobj(source, target, CHUNK)

    def read_bytes(self, name: str) -> bytes | None:
        """The content of a small file; ``None`` if there is no such file."""
        from pyarrow.fs import FileType

        if self._filesystem.get_file_info(self._path(name)).type == FileType.NotFound:
            return None
        with self._filesystem.open_input_stream(self._path(name)) as source:
            content: bytes = source.read()
        return content

    def write(self, name: str, source: IO[bytes]) -> None:
        """Replaces a file by the content of an open one, all or nothing."""
        path = self._path(name)
        if self._whole:
            with self._filesystem.open_output_stream(path) as target:
                shutil.copyfileobj(source, target, CHUNK)
            return
        folder, _, last = path.rpartition("/")
        self._filesystem.create_dir(folder, recursive=True)
        temporary = f"{folder}/.{last}.part"
        with self._filesystem.open_output_stream(temporary) as target:
            shutil.copyfileobj(source, target, CHUNK)
        self._filesystem.move(temporary, path)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Replaces a small file, all or nothing."""
        self.write(name, io.BytesIO(content))

    def delete(self, name: str) -> None:
        """Deletes a file.

        Raises:
            FileNotFoundError: There is none; not every kind of storage says so.
        """
        self._filesystem.delete_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"
