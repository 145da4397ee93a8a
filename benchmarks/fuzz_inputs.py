"""Inputs that nobody meant: every one is read, or refused in one sentence.

Search-space files, --set, mapping files, boxes, tables, Ray Tune folders, forget requests and
lists of samples are changed at random (a value by an odd one, bytes, headers, encodings) and read.
Whatever is neither success nor an ``InputError`` of one line is a finding; so is an input that
takes ten seconds. Each input has a seed of its own, which repeats it.

    python benchmarks/fuzz_inputs.py
    python benchmarks/fuzz_inputs.py table npy --inputs 500 --seed 7
"""

from __future__ import annotations

import argparse
import copy
import datetime
import gzip
import json
import math
import random
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import yaml
from PIL import Image

from pareto_explorer.errors import InputError
from pareto_explorer.interchange import import_run, load_mapping
from pareto_explorer.results.combining import read_box
from pareto_explorer.results.run import load_run
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.tasks.core.recipes import RECIPES, parse_recipe
from pareto_explorer.tasks.data.image_files import read_image_folder
from pareto_explorer.tasks.forget.listed_samples import listed_samples
from pareto_explorer.tasks.forget.requests import parse_forget
from pareto_explorer.tasks.models.specs import parse_model
from pareto_explorer.tasks.registry import make_task

SPACES = Path(__file__).resolve().parents[1] / "search_spaces"
SECONDS = 10
LONGEST = 2_000  # characters of a message

OBJECTIVES = [{"metric": "loss", "direction": "min"}, {"metric": "acc", "direction": "max"}]
MAPPING = {
    "name": "mine",
    "columns": {"replicate": "seed", "step": "epoch", "config.lr": "lr"},
    "metrics": {"f1": "score"},
    "ignore": ["note"],
    "statuses": {"done": "ok", "crashed": "failed"},
    "objectives": OBJECTIVES,
    "reference": [1.0, 1.0],
    "landmarks": {"column": "kind", "original": "old", "retrained": "new"},
    "separator": ",",
}
BOX = {
    "objectives": [
        {"metric": "loss", "direction": "min", "ideal": 0.0, "nadir": 1.0},
        {"metric": "acc", "direction": "max", "ideal": 1.0, "nadir": 0.0},
    ],
    "reference": [1.0, 1.0],
}
REQUESTS = [
    {"kind": "mislabelled", "fraction": 0.1},
    {"kind": "random", "fraction": 0.2},
    {"kind": "class", "label": 3, "adjacent": 4},
    {"kind": "subclass", "label": 3, "parts": 2, "part": 1},
    {"kind": "mixture", "label": 3, "hard_probability": 0.5},
    {"kind": "indices", "indices": [1, 2, 3]},
    {"kind": "gaussian_poison", "fraction": 0.1, "noise": 0.5},
    {"kind": "confused", "classes": [3, 5], "count": 8},
]
COLUMNS = "trial_id,family,seed,epoch,lr,config.clip,loss,acc,score,kind,status,error,note"

DEEP: Any = 1
for _ in range(200):
    DEEP = [DEEP]

ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 7, 2.5, -0.0, 1e-320, 1e308, -1e308, math.inf, -math.inf),
    *(math.nan, 10**9, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400),
    *("", " ", "0", "1e-3", "²", "٣", "1_000", "nan", "None", "NA", "inf", "yes", "~", "x" * 5000),
    *("\x1b[31mred", "a\nb", "\u202e", "'", '"', "..", "/", "a/b", "{", "%", "a:b", "é", "9" * 400),
    *([], {}, [[]], [1, "a", None], {"a": {"b": [1]}}, {"": 1}, [0, 1], [1.5, True], DEEP),
    *({"uniform": [0, 1]}, {"uniform": [-1e308, 1e308]}, {"loguniform": [1e-320, 1e308]}),
    *({"choice": [math.inf, None, "a"]}, {"choice": []}, {"quniform": [0, 1e308, 1e-300]}),
    *({"normal": [0, math.nan]}, {"randint": [0, 10**30]}, {"lograndint": [1, 2**63]}),
    *({"grid_search": list(range(3000))}, {"loguniform": ["1", "2"]}, {"sweep": 1}, "sweep"),
    *(datetime.date(2026, 1, 1), b"\x00\xff", {"a", "b"}, [*range(200)], ["upgrad"] * 30),
]
SNIPPETS = [
    *("!!timestamp x", "!!binary x", "!!set {a}", "!!python/object/apply:os.getcwd []", "!x y"),
    *("&a [*a]", "*a", "&a {b: *a}", "{<<: 1}", "{a: 1, a: 2}", "{? [1] : 2}", "2026-01-01"),
    *("[" * 3000, "- " * 300, "9" * 5000, "0x" + "f" * 5000, "1e999", "@", "\t", "--- 1", "%", "`"),
    *("'", '"', '"\\ud800"', '"\\0"', "&a [x,x]\n&b [*a,*a]", "\x00", "\ufeff", "12:30:45", "0o17"),
]
WORDS = [
    *("", " ", "nan", "NaN", "NA", "None", "null", "inf", "-inf", "1e999", "1e-999", "0x10", "²"),
    *(
        "1,5",
        "1;5",
        "1.000,5",
        "true",
        "False",
        "2026-01-01",
        "12:30",
        "abc",
        "é",
        "\x1b[31m",
        "\x00",
    ),
    *(str(2**53 + 1), str(2**63 - 1), str(2**63), str(2**64), "9" * 40, "9" * 5000, "-0", "1_000"),
    *(
        '"',
        "'",
        '"a,b"',
        '"a\nb"',
        "x" * 200_000,
        "[1, 2]",
        "{}",
        "0.1",
        "1",
        "2",
        "-1",
        "1.0",
        "٣",
    ),
]


class Finding(NamedTuple):
    """An input that ended in something else than success or one sentence.

    Attributes:
        kind: What was read.
        seed: The seed that repeats it.
        what: What came of it.
        where: The innermost line of the package, or of what it called.
    """

    kind: str
    seed: int
    what: str
    where: str


class Slow(Exception):  # noqa: N818 - not an error of the program
    """An input took too long."""


def search_space(draw: random.Random, folder: Path) -> None:
    """A shipped space with some values replaced by odd ones."""
    value = yaml.safe_load(draw.choice(sorted(SPACES.glob("*.yaml"))).read_text())
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        value = _changed(value, draw)
    if draw.random() < 0.3:
        _check_space(SweepSpec.from_mapping(value))
    else:
        _use_space(_dumped(value, draw, folder / "space.yaml"))


def space_bytes(draw: random.Random, folder: Path) -> None:
    """A shipped space with some bytes changed."""
    content = draw.choice(sorted(SPACES.glob("*.yaml"))).read_bytes()
    path = folder / "space.yaml"
    path.write_bytes(_bytes_changed(content, draw))
    _use_space(path)


def override(draw: random.Random, folder: Path) -> None:  # noqa: ARG001 - one signature for all
    """``--set`` with an odd path or value."""
    paths = ["budget.steps", "families.0.lr", "families.0", "search.seed", "task.forget.kind"]
    paths += ["replicates.training_seeds", "families.-1.lr", "families.²", "a" * 5000, "", "."]
    paths += ["families." + "9" * 5000, "families.99", "budget", "str", "strange", "compare", "=="]
    paths += ["a." * 5000 + "b", "task.forget.fraction", "families.0.lr.x", "objectives.0.metric"]
    value = _text(draw.choice(ODD)) if draw.random() < 0.5 else draw.choice(SNIPPETS)
    texts = [f"{draw.choice(paths)}{draw.choice(['=', '=', '=', ''])}{value}"]
    _check_space(
        SweepSpec.load(draw.choice(["digits", "digits_explore"]), texts * draw.choice([1, 2]))
    )


def mapping(draw: random.Random, folder: Path) -> None:
    """A mapping file with odd values."""
    value: Any = MAPPING
    for _ in range(draw.choice([1, 1, 2])):
        value = _changed(value, draw)
    path = _dumped(value, draw, folder / "mapping.yaml")
    read = load_mapping(path)
    source = folder / "table.csv"
    source.write_text(_table(draw, odd=0))
    _use_table(source, read, folder)


def table(draw: random.Random, folder: Path) -> None:
    """A table of text with odd cells, rows, encodings or compression."""
    text = _table(draw, odd=draw.choice([0, 0, 1, 2, 5]))
    lines = text.split("\n")
    row = draw.randrange(len(lines))
    change = draw.randrange(20)
    if change == 0:
        lines[row] += draw.choice([",1", ",", ",,,,,", '"'])
    elif change == 1:
        lines[row] = lines[row].rpartition(",")[0]
    elif change == 2:
        lines[0] = lines[0].replace(draw.choice(COLUMNS.split(",")), draw.choice(WORDS))
    elif change == 3:
        lines.insert(row, lines[row])
    elif change == 4:
        lines = lines[: draw.randrange(3)]
    elif change == 5:
        lines[0] = lines[0].replace("acc", "loss")
    encoding = draw.choice(
        ["utf-8"] * 15 + ["utf-8-sig", "utf-16", "utf-16-le", "latin-1", "utf-32"]
    )
    content = "\n".join(lines).encode(encoding, errors="replace")
    name = "table.csv"
    if change == 6:
        content = _bytes_changed(content, draw)
    if draw.random() < 0.2:
        name, content = "table.csv.gz", gzip.compress(content)
        content = _bytes_changed(content, draw) if draw.random() < 0.5 else content
    path = folder / name
    path.write_bytes(content)
    chosen: dict[str, Any] = {"objectives": OBJECTIVES}
    if draw.random() < 0.9:
        chosen["columns"] = {"replicate": "seed", "step": "epoch"}
    if draw.random() < 0.2:
        chosen["columns"] = chosen.get("columns", {}) | {"family": ["family", "config.clip"]}
    if draw.random() < 0.3:
        chosen["statuses"] = {"done": "ok", "crashed": "failed"}
    _use_table(path, _written(chosen, folder), folder)


def parquet(draw: random.Random, folder: Path) -> None:
    """A Parquet file with a column of an odd type, or some bytes changed."""
    n = 6
    frame = pd.DataFrame(
        {
            "trial_id": [f"t{i}" for i in range(n)],
            "family": ["a", "b"] * 3,
            "step": range(n),
            "config.lr": np.linspace(0.1, 0.6, n),
            "loss": np.linspace(0, 1, n),
            "acc": np.linspace(0, 1, n) ** 2,
        }
    )
    columns: list[Any] = [
        pd.Series([2**64 - 1 - i for i in range(n)], dtype="uint64"),
        pd.Series([2**63 - 1, None, 3, 4, 5, 6], dtype="Int64"),
        pd.Series([[1], [2], None, [], [1, 2], [3]]),
        pd.Series([{"a": 1}] * n),
        pd.Series([Decimal("1.5")] * n),
        pd.Series([Decimal(10**30)] * n),
        pd.Series(pd.date_range("2026-01-01", periods=n)),
        pd.Series([datetime.date(2026, 1, 1)] * n),
        pd.Series([b"\xff\x00"] * n),
        pd.Series(["a", None, "nan", "NA", "", "None"]),
        pd.Series(["a", "b"] * 3, dtype="category"),
        pd.Series([True, False, None, True, False, True], dtype="boolean"),
        pd.Series([True, False] * 3),
        pd.Series([math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324]),
        pd.Series([math.nan] * n),
        pd.Series(pd.to_timedelta(range(n), unit="s")),
        pd.Series(range(n), dtype="int8"),
        pd.Series(np.arange(n), dtype="float32"),
        pd.Series([1 + 2**60] * n),
    ]
    for _ in range(draw.choice([1, 1, 2])):
        target = draw.choice([*frame.columns, "replicate", "training_seed", "samples", "status"])
        frame[target] = draw.choice(columns)
    path = folder / "table.parquet"
    frame.to_parquet(path, index=draw.random() < 0.8)
    if draw.random() < 0.2:
        path.write_bytes(_bytes_changed(path.read_bytes(), draw))
    _use_table(path, _written({"objectives": OBJECTIVES}, folder), folder)


def ray_tune(draw: random.Random, folder: Path) -> None:
    """Folders of trials with odd results, configurations and bytes."""
    source = folder / "experiment"
    for number in range(2):
        trial = source / f"trial_{number}"
        trial.mkdir(parents=True)
        config: Any = {"lr": 0.1 * (number + 1), "opt": {"name": "sgd"}, "seed": number}
        result: Any = {"loss": 0.5 + number / 10, "acc": 0.5 + number / 10}
        result |= {"trial_id": f"t{number}", "time_total_s": 1.5, "config": config}
        if draw.random() < 0.5:
            config = _changed(config, draw)
        results = [result | {"training_iteration": step} for step in (1, 2)]
        results = [_changed(each, draw) if draw.random() < 0.4 else each for each in results]
        content = "\n".join(_json(each, draw) for each in results).encode()
        content = _bytes_changed(content, draw) if draw.random() < 0.1 else content
        (trial / "result.json").write_bytes(content)
        (trial / "params.json").write_text(_json(config, draw))
    _use_table(source, _written({"objectives": BOX["objectives"]}, folder), folder)


def box(draw: random.Random, folder: Path) -> None:
    """``report --box`` with an odd file."""
    value = _changed(BOX, draw)
    if draw.random() < 0.5:
        path = folder / "box.json"
        path.write_text(_json(value, draw))
    else:
        path = _dumped(value, draw, folder / "box.yaml")
    read_box(path)


def request(draw: random.Random, folder: Path) -> None:  # noqa: ARG001 - one signature for all
    """A forget request and a task's other options, odd ones among them."""
    value: Any = {"name": "digits", "seed": 0, "forget": draw.choice(REQUESTS)}
    value = _changed(value, draw)
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        value["name"] = value["name"].replace(":", "")  # another's module is not imported here
    make_task(value)


def task_options(draw: random.Random, folder: Path) -> None:  # noqa: ARG001 - one signature
    """The model and the recipe of a task, odd values among them."""
    if draw.random() < 0.5:
        recipe = {"name": "published", "epochs": 30, "lr": 0.1, "milestones": [10, 20]}
        parse_recipe(_changed(recipe, draw), RECIPES["fast"])
    else:
        model = {"name": "vit", "precision": "bfloat16", "compile": False, "width": 64}
        parse_model(_changed(model, draw))


def samples(draw: random.Random, folder: Path) -> None:
    """A list of samples in a text, CSV or JSON file."""
    words = list(map(str, draw.sample(range(50), 5)))
    for _ in range(draw.choice([0, 1, 2])):
        words[draw.randrange(5)] = draw.choice(WORDS)
    suffix = draw.choice([".txt", ".txt", ".csv", ".csv", ".json", ".json", ".csv.gz", ""])
    text = draw.choice([" ", ",", "\n", ";"]).join(words)
    if suffix == ".json":
        text = _json(_changed([1, 2, 3, {"a": 1}][: draw.choice([3, 4])], draw), draw)
    content = text.encode(draw.choice(["utf-8"] * 4 + ["utf-16", "utf-8-sig"]), errors="replace")
    header = suffix == ".csv" and draw.random() < 0.5
    content = b"index,label\n" + content if header else content
    if draw.random() < 0.3:
        content = _bytes_changed(content, draw)
    path = folder / f"list{suffix}"
    path.write_bytes(content)
    _use_samples(path, column="index" if header else None)


def npy(draw: random.Random, folder: Path) -> None:
    """A ``.npy`` file with an odd header, type, shape or bytes."""
    arrays = [
        *[np.arange(5), np.arange(5, dtype="uint8")] * 3,
        np.array([]),
        np.array(3),
        np.array([1.5]),
        np.eye(3, dtype=int),
    ]
    arrays += [np.array([True, False]), np.array(["a"]), np.array([2**64 - 1], dtype="uint64")]
    arrays += [np.array([1, None]), np.array([1, 1]), np.array([-1, 2]), np.array([1 + 2j])]
    arrays += [np.array(["2026-01-01"], dtype="datetime64[D]"), np.zeros(3, dtype=[("a", int)])]
    path = folder / "list.npy"
    np.save(path, draw.choice(arrays))
    content = path.read_bytes()
    shapes = [b"(10000000000000,)", b"(-5,)", b"(2**9,)", b"(" * 5000, b"(5,)", b"('a',)", b"5"]
    if draw.random() < 0.4:
        start = content.index(b"'shape': ") + 9
        header = content[10:start] + draw.choice(shapes) + b", }"
        size = len(header).to_bytes(2, "little")
        content = content[:8] + size + header + content[content.index(b"\n") + 1 :]
    elif draw.random() < 0.6:
        content = _bytes_changed(content, draw)
    path.write_bytes(content)
    _use_samples(path, column=None)


def images(draw: random.Random, folder: Path) -> None:
    """A folder of images, one of them with changed bytes or under another name."""
    paths = []
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (folder / place).mkdir(parents=True)
        paths.append(folder / place / f"0.{draw.choice(['png', 'jpg', 'bmp', 'tiff'])}")
        Image.new(draw.choice(["L", "RGB", "1"]), (9, 8), draw.randrange(2)).save(paths[-1])
    path = draw.choice(paths)
    content = _bytes_changed(path.read_bytes(), draw)
    if draw.random() < 0.3:
        path.unlink()
        path = path.with_suffix(draw.choice([".png", ".txt", ".npy", ".webp"]))
    path.write_bytes(content if draw.random() < 0.8 else content[: draw.randrange(50)])
    found = read_image_folder(folder, 8)
    assert found.train.inputs.shape[1:] == (3, 8, 8), "another shape"


KINDS: dict[str, Callable[[random.Random, Path], None]] = {
    each.__name__: each
    for each in (
        *(search_space, space_bytes, override, mapping, table, parquet, ray_tune),
        *(box, request, task_options, samples, npy, images),
    )
}


def fuzz(kinds: Sequence[str], inputs: int, seed: int) -> tuple[Counter[str], list[Finding]]:
    """Reads ``inputs`` inputs of each kind, with seeds from ``seed`` on.

    Returns:
        How many were ``read`` and ``refused``, and the findings.
    """
    outcomes: Counter[str] = Counter()
    findings = []
    for kind in kinds:
        for number in range(seed, seed + inputs):
            outcome, finding = _tried(kind, number)
            outcomes[outcome] += 1
            findings += [finding] if finding else []
    return outcomes, findings


def _tried(kind: str, seed: int) -> tuple[str, Finding | None]:
    draw = random.Random(f"{kind} {seed}")  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder, _limited(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            KINDS[kind](draw, Path(folder))
        except InputError as error:
            text = str(error)
            if "\n" in text or not 0 < len(text.replace(folder, "")) < LONGEST:
                what = f"a message of {len(text)} characters: {text[:200]!r}"
                return "finding", Finding(kind, seed, what, _place(error))
            return "refused", None
        except (Exception, RecursionError, MemoryError) as error:
            what = f"{type(error).__name__}: {str(error)[:200]!r}"
            return "finding", Finding(kind, seed, what, _place(error))
    return "read", None


@contextmanager
def _limited() -> Iterator[None]:
    def end(*_: object) -> None:
        raise Slow(f"took more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "pareto_explorer" in frame.filename] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}"


def _changed(value: Any, draw: random.Random) -> Any:
    """A copy with one value, at any depth, replaced, removed, renamed or wrapped."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places:
        return draw.choice(ODD)
    parent, key = draw.choice(places)
    change = draw.randrange(10)
    if change == 0:
        del parent[key]
    elif change == 1 and isinstance(parent, dict):
        parent[draw.choice(["str", "compare", "list[x", "", "x" * 3000, f"{key}s"])] = parent.pop(
            key
        )
    elif change == 2:
        parent[key] = [parent[key]]
    elif change == 3:
        parent[key] = {"a": parent[key]}
    elif change == 4:
        other, there = draw.choice(places)
        parent[key] = copy.deepcopy(other.get(there) if isinstance(other, dict) else other[there])
    elif change <= 6 and isinstance(parent[key], int | float) and parent[key] == parent[key]:
        parent[key] = draw.choice([0, 1, 2, 10, 0.5, 1e-3, 1e5, parent[key] * 2, -parent[key]])
    elif change <= 6 and isinstance(parent[key], str):
        parent[key] = draw.choice([v for p, k in places if isinstance(v := p[k], str)])
    else:
        parent[key] = copy.deepcopy(draw.choice(ODD))
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _bytes_changed(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice([1, 1, 3, 10])):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del changed[at : at + draw.choice([1, 5, 100])]
            case 2:
                changed[at:at] = draw.choice(SNIPPETS).encode(errors="replace")
            case 3:
                changed[at:at] = changed[at : at + 50]
            case _:
                changed[at:at] = draw.choice(WORDS).encode()
    return bytes(changed)


def _text(value: Any) -> str:
    """YAML on one line; values that safe_dump does not know as Python writes them."""
    try:
        return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
    except (yaml.YAMLError, RecursionError, ValueError):
        return repr(value)


def _dumped(value: Any, draw: random.Random, path: Path) -> Path:
    text = _text(value)
    if draw.random() < 0.3:
        words = text.split(" ")
        words[draw.randrange(len(words))] = draw.choice(SNIPPETS)
        text = " ".join(words)
    path.write_text(text, encoding="utf-8", errors="replace")
    return path


def _json(value: Any, draw: random.Random) -> str:
    text = json.dumps(value, default=str)
    if draw.random() < 0.05:
        words = text.split(" ")
        words[draw.randrange(len(words))] = draw.choice(SNIPPETS)
        text = " ".join(words).replace("\n", " ")
    return text.encode(errors="replace").decode()


def _table(draw: random.Random, odd: int) -> str:
    rows = []
    for number in range(8):
        numbers = [draw.random() for _ in range(4)]
        family = draw.choice("ab") if number % 2 == 0 else rows[-1][1]
        lr = 0.1 * (number // 2 + 1)
        kind = ["old", "new", "x"][min(number, 2)]
        row = [
            f"t{number // 2}",
            family,
            number % 2,
            1,
            lr,
            1,
            *numbers[:3],
            kind,
            "ok",
            "",
            "note",
        ]
        rows.append(list(map(str, row)))
    for _ in range(odd):
        draw.choice(rows)[draw.randrange(len(rows[0]))] = draw.choice(WORDS)
    if draw.random() < 0.1:
        column = draw.randrange(len(rows[0]))
        for row in rows:
            row[column] = draw.choice(WORDS)
    return "\n".join([COLUMNS, *(",".join(row) for row in rows)]) + "\n"


def _written(value: Any, folder: Path) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(value))
    return path


def _use_space(path: Path) -> None:
    _check_space(SweepSpec.load(path))


def _check_space(spec: SweepSpec) -> None:
    mapping = spec.to_mapping()
    assert repr(SweepSpec.from_mapping(mapping).to_mapping()) == repr(mapping), (
        "another one is kept"
    )
    spec.plan()
    spec.replicate_list()
    if "forget" in spec.task:
        parse_forget(spec.task["forget"])


def _use_table(source: Path, mapping: Any, folder: Path) -> None:
    run = import_run(source, folder / "run", mapping)
    loaded = load_run(run.path)
    assert len(loaded.points), "an empty run was made"
    loaded.means()


def _use_samples(path: Path, column: str | None) -> None:
    options = {"kind": "indices", "indices": str(path), "column": column}
    found = listed_samples(parse_forget(options), torch.arange(50) % 10, None)  # type: ignore[arg-type]
    assert len(set(found.tolist())) == len(found) > 0, "no set of samples"


def main() -> int:
    """Prints a line for each kind, and the findings with their seeds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--inputs", type=int, default=200, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first input")
    arguments = parser.parse_args()
    total: list[Finding] = []
    for kind in arguments.kinds or KINDS:
        outcomes, findings = fuzz([kind], arguments.inputs, arguments.seed)
        counts = ", ".join(f"{outcomes[name]} {name}" for name in ("read", "refused"))
        print(f"{kind}: {counts}, {len(findings)} findings")
        seen: Counter[tuple[str, str]] = Counter()
        for finding in findings:
            key = (finding.where, finding.what.split(":")[0])
            seen[key] += 1
            if seen[key] == 1:
                print(f"  seed {finding.seed}: {finding.what} at {finding.where}")
        total += findings
    print(f"{len(total)} findings")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
