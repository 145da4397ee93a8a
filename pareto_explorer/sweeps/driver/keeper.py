"""Models are kept by what they are worth: the driver deletes the others at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pandas as pd
from pyarrow import ArrowException
from safetensors import SafetensorError, deserialize

from pareto_explorer.errors import WriteError
from pareto_explorer.fronts import Box
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.agreement import Key, key_of
from pareto_explorer.runs.files.model_files import ModelFiles, model_name
from pareto_explorer.runs.kept_models import (
    Entry,
    model_entry,
    read_kept_models,
    record_models,
    write_kept_models,
)
from pareto_explorer.sweeps.driver.shortlist import Checkpoint, Policy, Shortlist
from pareto_explorer.sweeps.trials.model_store import Kept, ModelStore

__all__ = ["Keeper", "Kept", "ModelStore", "Policy"]

FAILURES = (OSError, ArrowException)


class Keeper:
    """Keeps the models that a policy wants, while the sweep runs, and deletes the others.

    What is dominated once is so for ever, hence its files go at once: there are never more files
    than those that `Shortlist` wants, which are the front and what running trials have yet to
    complete.

    The points table is the only truth. At the start and at the end, files and manifest are brought
    in line with it: files that no row wants are deleted, entries without a file are forgotten, and
    a whole file without an entry, which a killed driver left, gets one.

    Storage that fails for a while delays what is deleted or recorded, and stops nothing.

    Args:
        run: The run directory, for the manifest of the kept models.
        store: Where the workers write.
        box: The objectives.
        policy: What to keep, as for `Shortlist`.
        replicates: How many replicates every trial has.
        points: The points table of the sweep so far; trials that are running in it may go on.

    Raises:
        InputError: The manifest is damaged, or the storage cannot be written.
        OSError: The storage cannot be read.
    """

    def __init__(
        self,
        run: RunDirectory,
        store: ModelFiles,
        box: Box,
        policy: Policy,
        replicates: int,
        points: pd.DataFrame,
    ) -> None:
        self._run, self._store = run, store
        if policy != "none":
            store.require_writable()
        self._list = Shortlist(box, policy, replicates, points)
        self._entries: dict[str, Entry] = read_kept_models(run)
        self._unrecorded: dict[str, Entry | None] = {}
        self._sizes: dict[str, int] = {}
        self._undeleted: set[str] = set()
        self._reconcile()

    @property
    def size(self) -> int:
        """Bytes of all files that are kept now."""
        return sum(self._sizes.values())

    @property
    def count(self) -> int:
        """How many files are kept now."""
        return len(self._sizes)

    def report(self, rows: Sequence[Mapping[str, Any]], kept: Iterable[Kept | None]) -> None:
        """Takes what a trial reported, once its rows are in the points table.

        A point that is reported again has its file written again. A file without a row is deleted:
        its model is not that of the point.

        Args:
            rows: Rows of the points table.
            kept: What the trial wrote for them, in any order; None for what it could not write.
        """
        written = {one.file: one for one in kept if one is not None}
        touched: set[Checkpoint] = set()
        for row in rows:
            touched |= self._list.learn(row)
            point = key_of(row)
            one = written.pop(model_name(*point), None)
            if one is not None:
                self._sizes[one.file] = one.bytes
                self._undeleted.discard(one.file)
                self._note(one.file, model_entry(*point, one.sha256))
        self._tidy(touched, written)

    def ended(self, trial_id: str) -> None:
        """Takes the end of a trial, however it ended: that of all its replicates.

        Checkpoints that some replicate did not reach go, and files that were never reported.
        """
        try:
            found = self._store.sizes(trial_id) if self._list.policy != "none" else {}
        except FAILURES:
            found = {}  # the end of the sweep sees to them
        self._tidy(self._list.end(trial_id), found.keys() - self._sizes.keys())
        self._store.prune(trial_id)

    def close(self) -> None:
        """Brings all in line once more; trials that have not ended will start again.

        What cannot be deleted is left to the next sweep in the run directory.

        Raises:
            OSError: The run directory cannot be written.
        """
        self._list.end_all()
        try:
            self._reconcile()
        except FAILURES:
            write_kept_models(self._run, self._entries, self._store.uri)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(error, WriteError):  # else nothing can be written; the next sweep does it
            self.close()

    def _tidy(self, touched: Iterable[Checkpoint], strangers: Iterable[str]) -> None:
        """Deletes strangers and what is no longer wanted, and records all changes."""
        unwanted = set(strangers)
        for checkpoint in touched:
            trial_id, step, position = checkpoint
            for replicate in self._list.replicates(checkpoint):
                point = trial_id, replicate, step, position
                name = model_name(*point)
                if name in self._sizes and not self._list.wants(*point):
                    unwanted.add(name)
        for name in unwanted:
            self._sizes.pop(name, None)
            if name in self._entries:
                self._note(name, None)
        self._undeleted = set(self._store.delete(self._undeleted | unwanted))
        if self._unrecorded:
            try:
                record_models(self._run, self._unrecorded)
            except OSError:
                return  # the next report tries again
            self._unrecorded = {}

    def _note(self, name: str, entry: Entry | None) -> None:
        if entry is None:
            del self._entries[name]
        else:
            self._entries[name] = entry
        self._unrecorded[name] = entry

    def _reconcile(self) -> None:
        if self._list.policy == "none" and not self._entries:
            return
        wanted = {model_name(*point): point for point in self._list.wanted()}
        found = self._store.sizes()
        entries = {
            name: self._entries.get(name) or self._adopted(name, wanted[name])
            for name in found.keys() & wanted.keys()
        }
        self._entries = {name: entry for name, entry in entries.items() if entry is not None}
        self._sizes = {name: found[name] for name in self._entries}
        self._undeleted = set(self._store.delete(found.keys() - self._entries.keys()))
        self._store.prune()
        write_kept_models(self._run, self._entries, self._store.uri)
        self._unrecorded = {}

    def _adopted(self, name: str, point: Key) -> Entry | None:
        """The entry of a file that has none; None if its content is not whole."""
        content = self._store.get(name) or b""
        try:
            deserialize(content)  # type: ignore[no-untyped-call]
        except SafetensorError:
            return None
        return model_entry(*point, hashlib.sha256(content).hexdigest())
