"""The search spaces that are shipped: all are valid, and the twins of papers' grids run."""

from __future__ import annotations

import inspect
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps import Replicate, SweepSpec
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import TASKS, make_task, parse_forget, train_landmark
from pareto_explorer.tasks.core.recipes import Recipe, parse_recipe
from pareto_explorer.tasks.models.specs import parse_model

FOLDER = Path(__file__).resolve().parent.parent / "search_spaces"
SPACES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TWINS = {
    "cifar10_random10_raul": "textures_random10_raul",
    "cifar10_random50_raul": "textures_random50_raul",
    "cifar10_class_cup": "textures_class_cup",
    "cifar10_hamu": "textures_hamu",
    "cifar100_entanglement": "textures_entanglement",
}
# Families with a grid or draws times configurations, and families of a single configuration.
SIZES = {
    "cifar10_random10_raul": (21 * 5 + 1, 22),
    "cifar10_random50_raul": (21 * 5 + 1, 22),
    "cifar10_class_cup": (2 * 198 + 5, 7),
    "cifar10_hamu": (2 * 10 + 7, 9),
    "cifar100_entanglement": (11 * 8 + 1, 12),
}
# Ten subclasses of eighteen small images, and a network of a few thousand parameters.
MINIATURE = [
    "task.superclasses=5",
    "task.subclasses=2",
    "task.train_size=180",
    "task.size=16",
    "task.model={name: resnet18, width: 2}",
    "task.recipe={epochs: 2, batch_size: 60, lr: 0.05}",
    "budget={steps: 2, batch_size: 16, evaluate_every: 2}",
]
COMMAND = re.compile(r"pareto-explorer sweep (.*)")


def commands(space: str) -> list[tuple[str, list[str]]]:
    """The sweeps that a file's comments tell to run: their search space and overrides."""
    lines = [line[1:] for line in (FOLDER / f"{space}.yaml").read_text().splitlines() if line]
    text = "\n".join(lines).replace("\\\n", " ")
    found = []
    for match in COMMAND.findall(text):
        name, *words = shlex.split(re.sub(r"\$\w+", "0.5", match))
        options = zip(words[::2], words[1::2], strict=True)
        found.append((name, [value for option, value in options if option == "--set"]))
    return found


@pytest.mark.parametrize("space", SPACES)
def test_every_shipped_space_is_valid(space: str) -> None:
    spec = SweepSpec.load(space)
    builder = TASKS[spec.task["name"]].build
    options = {key: value for key, value in spec.task.items() if key != "name"}
    inspect.signature(builder).bind(**options)
    parse_forget(options.get("forget", {"kind": "random"}))
    if "path" not in options.get("model", {}):  # of a pretrained model, which is not here
        parse_model(options.get("model", "resnet18"))
    parse_recipe(options.get("recipe"), Recipe())


@pytest.mark.parametrize("space", SPACES)
def test_what_a_file_says_to_run_is_valid(space: str) -> None:
    for name, overrides in commands(space):
        assert name == space
        SweepSpec.load(name, overrides)


@pytest.mark.parametrize("space", ["textures_class_cup"])
def test_a_large_grid_in_miniature_is_small(space: str) -> None:
    ((name, overrides),) = commands(space)
    whole, small = SweepSpec.load(name), SweepSpec.load(name, overrides)
    assert len(small.plan()) * len(small.replicate_list()) <= 20
    assert {p.family.name for p in small.plan()} == {p.family.name for p in whole.plan()}


def test_the_commands_in_comments_are_found() -> None:
    assert commands("textures_hamu")[0] == (
        "textures_hamu",
        ["task.forget.hard_probability=0.5"],
    )
    assert len(commands("textures_entanglement")) == 2


@pytest.mark.parametrize("paper", TWINS)
def test_a_papers_grid_has_its_size_and_its_twin(paper: str) -> None:
    own, twin = SweepSpec.load(paper), SweepSpec.load(TWINS[paper])
    assert (len(own.plan()), len(own.family_list())) == SIZES[paper]
    mapping, other = own.to_mapping(), twin.to_mapping()
    task, made = mapping.pop("task"), other.pop("task")
    assert mapping == other
    assert made["name"] == "textures"
    assert task["model"] == made["model"]
    assert task["forget"]["kind"] == made["forget"]["kind"]


def test_the_grids_are_the_papers() -> None:
    raul = SweepSpec.load("cifar10_random10_raul").plan()
    rates = {plan.knobs["lr"] for plan in raul if plan.family.name.startswith("raul_uniform/")}
    assert rates == {1e-4, 7.5e-5, 5e-5, 2.5e-5, 1e-5}
    cup = [p for p in SweepSpec.load("cifar10_class_cup").plan() if p.family.name == "cup"]
    assert {(p.knobs["intensity"], p.knobs["lr"]) for p in cup} == {
        (round(i / 100, 2), lr) for i in range(1, 100) for lr in (1e-3, 1e-4)
    }
    hamu = [p for p in SweepSpec.load("cifar10_hamu").plan() if p.family.name == "hamu_q"]
    assert [p.knobs["quota"] for p in hamu] == [i / 10 for i in range(10)]


@pytest.mark.parametrize("paper", ["cifar10_random10_raul", "cifar100_entanglement"])
def test_without_the_data_a_paper_grid_says_where_they_go(paper: str, tmp_path: Path) -> None:
    spec = SweepSpec.load(paper, [f"task.root={tmp_path}"])
    with pytest.raises(InputError, match="cifar-10"):
        make_task(spec.task)


def test_the_reading_over_runs_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (FOLDER / "textures_entanglement.yaml").read_text()
    code = text[text.index("#   import pandas") : text.index("#\n# In miniature")]
    for value in ("0", "0.25", "0.5", "0.75", "1"):
        folder = tmp_path / "runs" / f"entangled-{value}"
        folder.mkdir(parents=True)
        points = pd.DataFrame({"family": ["cup", "cup", "ssd"], "trial_id": ["a", "a", "b"]})
        points = points.assign(replicate=0, step=[10, 5, 5], hardness=[9.0, float(value), None])
        points = points.assign(cosine=points.hardness, unlearning_accuracy=[1.0, 0.5, 1.0])
        points = points.assign(adjacent_accuracy=0.25, remote_accuracy=0.75)
        points.to_parquet(folder / "points.parquet")
    monkeypatch.chdir(tmp_path)
    found: dict[str, pd.DataFrame] = {}
    exec(re.sub(r"^#   ", "", code, flags=re.MULTILINE), found)  # noqa: S102 - the file's own comment
    assert sorted(found["start"]["hardness"]) == [0, 0.25, 0.5, 0.75, 1]
    assert len(found["forgot"]) == 10
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("hardness", "cosine", "remote_accuracy"))


@pytest.mark.parametrize("space", sorted({*TWINS, *TWINS.values()}))
def test_gradients_that_are_kept_fit_a_share_of_a_card_of_24_gib(space: str) -> None:
    spec = SweepSpec.load(space)
    assert 0 < spec.resources.gpu < 1
    build = parse_model(spec.task["model"]).factory(
        n_classes=10, shape=(3, 32, 32), mean=(0.5,), std=(0.25,)
    )
    weights = sum(p.numel() for p in build().parameters())
    for plan in spec.plan():
        if plan.family.method == "influence_unlearning":
            assert 4 * weights * plan.knobs["fisher_samples"] < spec.resources.gpu * 24 * 2**30


def bench_of(spec: SweepSpec) -> Bench:
    task = make_task(spec.task)
    landmarks = Landmarks(train_landmark(task, "original", 0), train_landmark(task, "retrained", 0))
    return Bench(task, {0: landmarks}, "cpu")


@pytest.mark.parametrize("twin", TWINS.values())
def test_every_family_of_a_twin_runs_in_miniature(twin: str) -> None:
    forget = ["task.forget.subclass=1"] if twin == "textures_entanglement" else []
    spec = SweepSpec.load(twin, MINIATURE + forget)
    bench = bench_of(spec)
    plans = {plan.family.name: plan for plan in spec.plan()}
    for plan in plans.values():
        if plan.family.method == "influence_unlearning":
            plan = replace(plan, knobs={**plan.knobs, "fisher_samples": 10})
        rows = [p.row for p in run_replicate(bench, plan, Replicate(0, 0, 0), spec.budget)]
        assert rows, plan.family.name
        last = pd.Series(rows[-1])
        assert last["status"] == "ok", f"{plan.family.name}: {last['error']}"
        assert 0 <= last["unlearning_accuracy"] <= 1
        assert ("adjacent_accuracy" in last) == (bench.task.adjacent_indices is not None)
        if plan.family.method == "jacobian_descent":
            assert {"hardness", "cosine"} <= set(last.index)
