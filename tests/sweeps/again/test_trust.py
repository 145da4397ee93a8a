"""What a run directory names is imported only where the user says so."""

from __future__ import annotations

import sys

import pytest

from pareto_explorer import load_run
from pareto_explorer.errors import InputError
from pareto_explorer.fronts import retrain_gap_box
from pareto_explorer.reports import write_report
from pareto_explorer.results.combining import combine_runs
from pareto_explorer.runs import RunDirectory, read_manifest, write_manifest
from pareto_explorer.sweeps import SweepSpec, reproduce
from pareto_explorer.sweeps.again.export import export_model
from pareto_explorer.sweeps.again.trust import recorded_spec
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.search.trial_source import starts_of
from tests.synthetic import write_synthetic_run

FAMILY = {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}

CODE = """
from pathlib import Path

import torch
from torchjd.aggregation import Weighting

from pareto_explorer.tasks import UnlearningTask, digits
from pareto_explorer.unlearning import Entry, ForgetBatch, Method, Rule

Path(__file__).with_name("imported").touch()


def called():
    Path(__file__).with_name("called").touch()


def marked(seed: int = 0) -> UnlearningTask:
    return digits(seed=seed)


def as_text(seed: int = 0) -> "tasks.UnlearningTask":
    return digits(seed=seed)


def unmarked(**_):
    called()
    return digits()


def marked_otherwise(**_) -> str:
    called()


class Marked(Weighting):
    def __init__(self, tilt: float = 0.5):
        super().__init__()

    def forward(self, gramian):
        return gramian.new_tensor([0.5, 0.5])


class Unmarked:
    def __init__(self, tilt: float = 0.5):
        called()


class Procedure(Method):
    def run(self, model, data, budget, generator):
        yield model


def loss(batch: ForgetBatch, *, margin: float = 1.0):
    return batch.logits.mean()


class Loss(torch.nn.Module):
    def forward(self, batch: ForgetBatch):
        return batch.logits.mean()


def no_loss(batch, *, margin: float = 1.0):
    called()


def made() -> Marked:
    return Marked()
"""


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A module that leaves a file when it is imported, and another when it should not be called."""
    (tmp_path / "theirs.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "theirs", raising=False)
    yield tmp_path
    sys.modules.pop("theirs", None)


def spec_of(task="digits", **family):
    return {"task": {"name": task}, "families": [{**FAMILY, **family}]}


def run_of(folder, spec):
    run = RunDirectory(folder / "run")
    write_manifest(run, {"spec": spec, "box": retrain_gap_box([0.9]).to_dict()})
    return run


NAMED = [
    ("task.name", {"task": "theirs:marked"}),
    ("families.0.method", {"method": "theirs:Procedure"}),
    ("families.0.method", {"method": ["jacobian_descent", "theirs:Procedure"]}),
    ("families.0.aggregator", {"aggregator": "theirs:Marked"}),
    ("families.0.aggregator", {"aggregator": ["upgrad", "theirs:Marked"]}),
    ("families.0.forget_loss", {"forget_loss": "theirs:loss"}),
]


@pytest.mark.parametrize(("where", "parts"), NAMED)
def test_nothing_that_a_run_names_is_imported_without_trust(theirs, where, parts):
    run = run_of(theirs, spec_of(**parts))
    with pytest.raises(InputError) as caught:
        recorded_spec(run, read_manifest(run))
    text = str(caught.value)
    assert text.startswith(f"{where}: ")
    for word in ("'theirs'", str(run.sweep_yaml), "`trust=True`", "`spec`"):
        assert word in text
    assert not (theirs / "imported").exists()
    assert "theirs" not in sys.modules


def test_a_preset_does_not_hide_what_a_run_names(theirs):
    spec = {"task": {"name": "digits"}, "families": [{"preset": "cup", "aggregator": "theirs:X"}]}
    run = run_of(theirs, spec)
    with pytest.raises(InputError, match=r"^families\.0\.aggregator: .*`trust=True`"):
        recorded_spec(run, read_manifest(run))


@pytest.mark.parametrize("spec", [[], {"task": 3, "families": 4}, {"families": ["x:y", None]}])
def test_a_damaged_specification_is_one_sentence(tmp_path, spec):
    run = run_of(tmp_path, spec)
    with pytest.raises(InputError):
        recorded_spec(run, read_manifest(run))


def test_a_run_that_names_nothing_needs_no_trust(tmp_path):
    run = run_of(tmp_path, spec_of())
    assert recorded_spec(run, read_manifest(run)) == SweepSpec.from_mapping(spec_of())


@pytest.mark.parametrize(
    "parts",
    [
        {"task": "theirs:marked"},
        {"task": "theirs:as_text"},
        {"aggregator": "theirs:Marked"},
        {"aggregator": "theirs:made"},
        {"forget_loss": "theirs:loss"},
        {"forget_loss": "theirs:Loss"},
    ],
)
def test_what_a_trusted_run_names_is_used_where_it_says_what_it_is(theirs, parts):
    run = run_of(theirs, spec_of(**parts))
    with pytest.raises(InputError, match="`trust=True`"):
        recorded_spec(run, read_manifest(run))
    assert recorded_spec(run, read_manifest(run), trust=True).family_list()


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("task.name", {"task": "os:system"}),
        ("task.name", {"task": "subprocess:run"}),
        ("task.name", {"task": "builtins:exec"}),
        ("task.name", {"task": "theirs:unmarked"}),
        ("task.name", {"task": "theirs:marked_otherwise"}),
        ("task.name", {"task": "unittest.mock:MagicMock"}),
        ("families.0.aggregator", {"aggregator": "theirs:Unmarked"}),
        ("families.0.aggregator", {"aggregator": "theirs:Procedure"}),
        ("families.0.method", {"method": "subprocess:Popen"}),
        ("families.0.method", {"method": "theirs:Marked"}),
        ("families.0.forget_loss", {"forget_loss": "theirs:no_loss"}),
        ("families.0.forget_loss", {"forget_loss": "os:system"}),
    ],
)
def test_even_a_trusted_run_calls_nothing_else(theirs, where, parts):
    run = run_of(theirs, spec_of(**parts))
    with pytest.raises(InputError, match=rf"^{where}: .*it is not called"):
        recorded_spec(run, read_manifest(run), trust=True)
    assert not (theirs / "called").exists()


def test_the_file_that_was_swept_stands_for_trust(theirs):
    mapping = spec_of("theirs:unmarked", aggregator="theirs:Marked")
    run = run_of(theirs, SweepSpec.from_mapping(mapping).to_mapping())
    grown = mapping | {"families": [*mapping["families"], {"method": "fine_tune"}]}
    given = SweepSpec.from_mapping(grown | {"budget": {"steps": 7}})
    assert recorded_spec(run, read_manifest(run), given=given) == SweepSpec.from_mapping(mapping)


@pytest.mark.parametrize(
    ("where", "other"),
    [
        ("task", spec_of("theirs:marked", aggregator="theirs:Marked")),
        ("task", {**spec_of("digits"), "task": {"name": "theirs:unmarked", "x": 1}}),
        (r"families\.0", spec_of("theirs:unmarked")),
        (r"families\.0", spec_of("theirs:unmarked", aggregator="theirs:Marked", tilt=0.1)),
    ],
)
def test_another_file_does_not(theirs, where, other):
    mapping = spec_of("theirs:unmarked", aggregator="theirs:Marked")
    run = run_of(theirs, SweepSpec.from_mapping(mapping).to_mapping())
    with pytest.raises(InputError, match=rf"^`spec`: {where} of .*sweep\.yaml"):
        recorded_spec(run, read_manifest(run), given=SweepSpec.from_mapping(other))


def test_a_given_task_stands_for_the_one_that_the_run_names(theirs):
    run = run_of(theirs, spec_of("theirs:marked"))
    assert recorded_spec(run, read_manifest(run), without_task=True)
    assert not (theirs / "imported").exists()


@pytest.fixture
def strangers(theirs):
    """A whole run that names code everywhere, of which reports and searches are made."""
    run = write_synthetic_run(theirs / "run")
    manifest = read_manifest(run)
    points = load_run(run.path).points
    spec = spec_of("theirs:marked", method="theirs:Procedure", aggregator="theirs:Marked")
    write_manifest(run, manifest | {"spec": spec})
    return run, points


def test_reproducing_and_exporting_ask_first(theirs, strangers):
    run, points = strangers
    point = (run.path, points["trial_id"].iloc[0], 0, int(points["step"].iloc[0]))
    with pytest.raises(InputError, match=r"^task\.name: .*`trust=True`"):
        reproduce(*point)
    with pytest.raises(InputError, match=r"^task\.name: .*`trust=True`"):
        export_model(*point, theirs / "m.safetensors")
    assert not (theirs / "imported").exists()


def test_reading_reporting_combining_and_warm_starts_import_nothing(theirs, strangers):
    run, points = strangers
    write_report(run.path)
    other = write_synthetic_run(theirs / "other")
    write_manifest(other, read_manifest(other) | {"spec": read_manifest(run)["spec"]})
    combine_runs([load_run(run.path), load_run(other.path)])
    families = [{**FAMILY, "name": name} for name in points["family"].unique()]
    search = {"mode": "explore", "configurations": 2, "warm_start": str(run.path)}
    spec = SweepSpec.from_mapping({**spec_of(), "families": families, "search": search})
    starts = starts_of(spec, Progress())
    assert starts
    assert not (theirs / "imported").exists()
