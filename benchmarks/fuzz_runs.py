"""Damages run directories in every way that it can think of, and reads them.

    python benchmarks/fuzz_runs.py
    python benchmarks/fuzz_runs.py --inputs 5000 --seed 1 --reports 0.1

Each input is a small valid run in which one file, or sometimes two, is changed: bytes, lines or
values of the journal; columns, types, rows and the record of the tables; values and text of the
manifest; the lists of kept models. It is then loaded, combined with the untouched run, chosen from,
exported and, for a share of the inputs, reported, and at last continued. Whatever is neither a
result nor an `InputError` of one line is a finding, and is printed with the number of its input.
The exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import decimal
import json
import random
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from rich.console import Console

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.selection.select import select
from pareto_explorer.reports import write_report
from pareto_explorer.results.combining import combine_runs
from pareto_explorer.results.run import load_run
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    forget_unfinished,
    write_landmarks,
    write_manifest,
)
from pareto_explorer.runs.kept_models import keep_model, read_kept_models, record_models
from pareto_explorer.runs.remote.staging import STATE, Staging

LONGEST = 3_000  # characters of a message
METRICS = ("forget_gap", "retain_gap", "validation_forget_gap", "validation_retain_gap")
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**19, -(10**19), 10**39, 10**400, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf"), "", "text", "1", "nan", "²", "<b>", "\x1b[31m"),
    *(
        "\x00",
        "ü" * 2000,
        "\ud800",
        [],
        {},
        [1],
        ["a", None],
        [[]],
        {"a": 1},
        {"": None},
        {"1": []},
    ),
    *([[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]], "2026-01-01", "!!timestamp x", "ok", "running"),
)
RAW = (
    *(b"", b"\n", b"{", b"}", b"[", b"null\n", b"[" * 5000, b'{"a":' * 5000, b"\xff\xfe", b"\x00"),
    *(b"!!timestamp x", b"!!python/object:os.system x", b"&a [*a]", b"*b", b"1" * 500, b"? [a]: b"),
    *(b"&a [1, 1, 1]\n", b"- &b [*a, *a]", b"2026-01-01", b'"\\ud800"', b"NaN", b"Infinity"),
)
ARROW: tuple[Callable[[int], pa.Array], ...] = (
    lambda n: pa.array([[1]] * n),
    lambda n: pa.array([{"a": 1}] * n),
    lambda n: pa.array([datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)] * n),
    lambda n: pa.array([datetime.date(2026, 1, 1)] * n),
    lambda n: pa.array([datetime.timedelta(1)] * n),
    lambda n: pa.array([decimal.Decimal("1.50")] * n),
    lambda n: pa.array([b"\xff"] * n),
    lambda n: pa.array(["a"] * n).dictionary_encode(),
    lambda n: pa.array(["1"] * n, pa.large_string()),
    lambda n: pa.array([None] * n),
    lambda n: pa.array([None, *[1] * (n - 1)], pa.int32()),
    lambda n: pa.array([True] * n),
    lambda n: pa.array([2**64 - 1] * n, pa.uint64()),
    lambda n: pa.array([-1] * n, pa.int8()),
    lambda n: pa.array([1.5] * n, pa.float32()),
    lambda n: pa.array([float("inf")] * n),
    lambda n: pa.array([float("nan")] * n),
    lambda n: pa.array([1e308] * n),
    lambda n: pa.array([""] * n),
    lambda n: pa.array([0] * n),
)


@dataclass
class Tally:
    """What became of the inputs, and the numbers of those that ended otherwise, by place."""

    tried: int = 0
    read: int = 0
    refused: int = 0
    findings: dict[str, list[int]] = field(default_factory=dict)

    def finding(self, what: str, number: int) -> None:
        """Counts an input that ended otherwise."""
        self.findings.setdefault(what, []).append(number)


def write_valid(folder: Path) -> None:
    """Writes a run with two families, two replicates, a failure and knobs of every kind."""
    run = RunDirectory(folder)
    objectives = [Objective(name, "min", 0.0, 0.5) for name in METRICS[:2]]
    manifest = {
        "name": "fuzz",
        "spec": {
            "task": {"name": "digits"},
            "replicates": {"training_seeds": [0, 1], "unlearning_seeds": [7]},
            "families": [{"method": "m", "lr": {"loguniform": [0.001, 0.1]}}, {"method": "none"}],
            "search": {"mode": "compare", "configurations": 3, "seed": 0},
            "resources": {"cpu": 1, "gpu": 0},
        },
        "domains": {
            "m": {"lr": {"loguniform": [0.001, 0.1]}, "clip": {"choice": [1.0, float("inf")]}},
            "none": {},
        },
        "box": Box((objectives[0], objectives[1])).to_dict(),
        "facts": {"name": "digits", "forget": 10, "classes": [0, 1]},
        "command": "pareto-explorer sweep digits",
        "versions": {"pareto-explorer": "0.1", "python": "3.11"},
        "machine": {"processor": "one", "cpus": 2, "threads": 1},
        "written": "2026-01-01T00:00:00+00:00",
    }
    write_manifest(run, manifest)
    draws = random.Random(0)  # noqa: S311 - no secrets
    write_landmarks(
        run,
        [
            {"landmark": kind, "replicate": r, "training_seed": r}
            | {name: draws.random() / 9 + 0.4 * (kind == "original") for name in METRICS}
            for kind in ("original", "retrained")
            for r in (0, 1)
        ],
    )
    with PointsWriter(run) as writer:
        for number in range(4):
            family = "none" if number == 3 else "m"
            trial = f"{family}-{number:03d}"
            knobs = {"config.lr": 0.01 * (number + 1), "config.n": number, "config.on": True}
            knobs |= {"config.clip": [1.0, float("inf")][number % 2], "config.name": f"k{number}"}
            writer.plan(trial, family, {"lr": 0.01 * (number + 1)})
            for step in (10, 20):
                rows: list[dict[str, Any]] = [
                    {
                        "trial_id": trial,
                        "family": family,
                        "method": family,
                        "aggregator": None if number == 3 else "upgrad",
                        "forget_loss": "",
                        "replicate": r,
                        "training_seed": r,
                        "unlearning_seed": 7,
                        "step": step,
                        "samples": 64 * step,
                        "seconds": 0.1 * step,
                        "status": "ok",
                        **(knobs if number < 3 else {}),
                        **{name: draws.random() / 2 for name in METRICS},
                        "test_accuracy": draws.random(),
                        "cosine": draws.random(),
                    }
                    for r in (0, 1)
                ]
                if number == 2 and step == 20:
                    rows = [row | {"status": "diverged", "error": "it is infinite"} for row in rows]
                writer.append(rows)
            writer.finish(trial, "diverged" if number == 2 else "finished")
            if number == 2:
                writer.compact()  # the last trial is in the journal alone
    keep_model(run, "m-000", 0, 20, b"weights")
    record_models(run, {"m-000/replicate-0-step-20.safetensors": None})
    Staging(folder).remember()


def change(folder: Path, draws: random.Random) -> str:
    """Changes one file of a run, and says which."""
    run = RunDirectory(folder)
    name = draws.choice(
        ["points.jsonl"] * 4
        + ["points.parquet"] * 4
        + ["sweep.yaml"] * 4
        + ["landmarks.parquet"] * 2
        + ["models/manifest.json", "models/manifest.jsonl", STATE]
    )
    path = folder / name
    if name == "points.jsonl" and draws.random() < 0.5:
        run.points.unlink()
    if name == "points.parquet" and draws.random() < 0.5:
        run.journal.unlink()
    if draws.random() < 0.25:
        _bytes(path, draws)
    elif path.suffix == ".parquet":
        _columns(path, draws)
    elif path.suffix == ".jsonl":
        _lines(path, draws)
    else:
        load, dump = (yaml.safe_load, _yaml) if path.suffix == ".yaml" else (json.loads, _json)
        path.write_bytes(dump(_value(load(path.read_text()), draws)))
    return name


def _bytes(path: Path, draws: random.Random) -> None:
    content = path.read_bytes()
    at = draws.randrange(len(content) + 1)
    piece = draws.choice([*RAW, bytes([draws.randrange(256)])])
    gone = draws.choice([0, 0, 1, len(piece), 50, len(content)])
    path.write_bytes(content[:at] + piece + content[at + gone :])


def _lines(path: Path, draws: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    at = draws.randrange(len(lines))
    record = json.loads(lines[at])
    kind = draws.choice(["value", "value", "value", "value", "again", "gone", "foreign"])
    if kind == "gone":
        lines[at : at + 1] = []
    elif kind == "again":
        lines.insert(draws.randrange(len(lines) + 1), lines[at])
    else:
        lines[at] = _json(_value(record, draws)) + b"\n"
        if kind == "foreign":
            lines.insert(at, _json(record) + b"\n")
    path.write_bytes(b"".join(lines))


def _value(tree: Any, draws: random.Random) -> Any:
    """Puts something odd into a random place of plain data, or takes something out of it."""
    tree = copy.deepcopy(tree)
    places: list[tuple[Any, Any]] = []
    open_ = [tree]
    while open_:
        node = open_.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        places += [(node, key) for key in keys]
        open_ += [node[key] for key in keys if isinstance(node[key], dict | list)]
    if not places or draws.random() < 0.02:
        return draws.choice(ODD)
    node, key = draws.choice(places)
    kind = draws.random()
    if kind < 0.1:
        del node[key]
    elif kind < 0.2 and isinstance(node, dict):
        node[
            draws.choice(["", "new", "config.", "config.new", "a.std", "run", "on_front", "x\n"])
        ] = draws.choice(ODD)
    else:
        node[key] = draws.choice(ODD)
    return tree


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _yaml(value: Any) -> bytes:
    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")


def _columns(path: Path, draws: random.Random) -> None:
    table = pq.read_table(path)
    at = draws.randrange(table.num_columns)
    name = table.column_names[at]
    kind = draws.choice(["type"] * 6 + ["gone", "twice", "named", "rows", "again", "none", "cell"])
    if kind == "type":
        table = table.set_column(at, name, draws.choice(ARROW)(table.num_rows))
    elif kind == "gone":
        table = table.remove_column(at)
    elif kind == "twice":
        table = table.append_column(name, table[at])
    elif kind == "named":
        names = list(table.column_names)
        names[at] = draws.choice(["", "config.", "config.x", "a.std", "run", "forget_gap", "x\n"])
        table = table.rename_columns(names)
    elif kind == "rows":
        table = pa.concat_tables([table, table.slice(draws.randrange(table.num_rows), 1)])
    elif kind == "none":
        table = table.slice(0, 0)
    else:
        values = table[at].to_pylist()
        other = draws.choice(values) if kind == "again" else draws.choice(ODD)
        try:
            values[draws.randrange(len(values))] = other
            table = table.set_column(at, name, pa.array(values))
        except (pa.ArrowException, OverflowError, TypeError, UnicodeError, ValueError):
            table = table.set_column(at, name, draws.choice(ARROW)(table.num_rows))
    if draws.random() < 0.5:
        table = table.replace_schema_metadata(None)
    pq.write_table(table, path)


def use(folder: Path, valid: Path, out: Path | None) -> None:
    """Does with a run what its readers do."""
    read_kept_models(RunDirectory(folder))
    Staging(folder)
    run = load_run(folder)
    run.front()
    if len(run.means()):
        select(run.points, run.box)
    combine_runs([run, load_run(valid)])
    run.coverage()
    run.to_csv(folder / "points.csv")
    run.to_json(folder / "points.json")
    if out is not None:
        write_report(run, out)
    forget_unfinished(run.directory)
    with PointsWriter(run.directory) as writer:
        writer.finish("m-009", "finished")
    load_run(folder)


def fuzz(inputs: int, seed: int, reports: float, valid: Path, work: Path) -> Tally:
    """Tries so many inputs, the same ones for the same seed.

    Args:
        inputs: How many.
        seed: Number of the first one; each has its own.
        reports: Share of the inputs that a report is written of.
        valid: An untouched run.
        work: A folder to work in.
    """
    tally = Tally()
    for number in range(seed, seed + inputs):
        draws = random.Random(number)  # noqa: S311
        folder = work / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(valid, folder)
        name = change(folder, draws)
        if draws.random() < 0.3:
            with suppress(Exception):
                change(folder, draws)  # what the first change has left of a file may be no file
        tally.tried += 1
        try:
            use(folder, valid, work / "report" if draws.random() < reports else None)
            tally.read += 1
        except InputError as error:
            tally.refused += 1
            if "\n" in str(error) or len(str(error)) > LONGEST:
                tally.finding(f"{name}: a message of {len(str(error))} characters", number)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)
            ours = [frame for frame in last if "pareto_explorer" in frame.filename]
            place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
            tally.finding(f"{name}: {type(error).__name__} in {place}: {str(error)[:90]}", number)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="number of the first input")
    parser.add_argument("--reports", type=float, default=0.05, help="share that is reported")
    options = parser.parse_args()
    console = Console(soft_wrap=True, markup=False, highlight=False)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        valid = Path(folder, "valid")
        write_valid(valid)
        use(valid, Path(shutil.copytree(valid, Path(folder, "other"))), Path(folder, "report"))
        tally = fuzz(options.inputs, options.seed, options.reports, valid, Path(folder, "work"))
    for what, numbers in sorted(tally.findings.items()):
        console.print(f"{len(numbers)} x {what} (first: --inputs 1 --seed {numbers[0]})")
    count = Counter(what.partition(":")[0] for what in tally.findings)
    console.print(
        f"{tally.tried:,} inputs: {tally.read:,} read, {tally.refused:,} refused in a sentence, "
        f"{sum(map(len, tally.findings.values())):,} ended otherwise ({dict(count)})."
    )
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
