"""A pyarrow file system over a local folder that counts what is done and fails on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyarrow import fs

from pareto_explorer.runs.files.storage import Storage


def nothing(_: str) -> None:
    """Is what usually happens before an operation."""


class Flaky(fs.FileSystemHandler):
    """Fails with ``OSError`` in every operation whose name is in ``broken``."""

    def __init__(self) -> None:
        self.local = fs.LocalFileSystem()
        self.broken: set[str] = set()
        self.done: list[tuple[str, str]] = []
        self.before: Callable[[str], object] = nothing

    def breaks(self, *names: str) -> None:
        self.broken = set(names)

    def stored(self) -> Counter[str]:
        """How often each file was put into its place."""
        return Counter(Path(path).name for name, path in self.done if name == "move")

    def _do(self, name: str, path: str, action: Callable[[], Any]) -> Any:
        self.before(name)
        if name in self.broken:
            raise OSError(f"storage is away ({name})")
        result = action()
        self.done.append((name, path))
        return result

    def get_type_name(self):
        return "flaky"

    def normalize_path(self, path):
        return path

    def get_file_info(self, paths):
        return self._do("info", paths[0], lambda: self.local.get_file_info(paths))

    def get_file_info_selector(self, selector):
        return self._do("list", selector.base_dir, lambda: self.local.get_file_info(selector))

    def create_dir(self, path, recursive):
        return self._do("mkdir", path, lambda: self.local.create_dir(path, recursive=recursive))

    def unused(self, *_):
        raise AssertionError("nothing is ever deleted, copied or appended to")

    delete_dir = delete_dir_contents = delete_root_dir_contents = delete_file = unused
    copy_file = open_append_stream = unused

    def move(self, source, target):
        return self._do("move", target, lambda: self.local.move(source, target))

    def open_input_stream(self, path):
        return self._do("read", path, lambda: self.local.open_input_stream(path))

    def open_input_file(self, path):
        return self._do("read", path, lambda: self.local.open_input_file(path))

    def open_output_stream(self, path, _):
        return self._do("write", path, lambda: self.local.open_output_stream(path))

    def storage(self, root: Path) -> Storage:
        return Storage(fs.PyFileSystem(self), str(root))
