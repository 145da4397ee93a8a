from __future__ import annotations

import hashlib
import itertools
import json

import numpy as np
import pytest
import typer
from safetensors.numpy import save
from typer.testing import CliRunner

from pareto_explorer import load_run
from pareto_explorer.cli.choosing import Rule
from pareto_explorer.cli.select import select
from pareto_explorer.cli.wording import Command
from pareto_explorer.errors import InputError
from pareto_explorer.fronts.selection.select import RULES
from pareto_explorer.fronts.selection.select import select as choose
from pareto_explorer.runs import read_manifest, write_manifest
from pareto_explorer.runs.kept_models import keep_model
from tests.audited import audits_of
from tests.cli.on_a_terminal import on_a_terminal, widest
from tests.synthetic import write_oracle_free_run, write_synthetic_run

FIRST = save({"w": np.zeros(1)})
THIRD = save({"w": np.ones(3)})

app = typer.Typer(pretty_exceptions_enable=False)
app.command(cls=Command)(select)


@pytest.fixture
def run(tmp_path):
    return load_run(write_synthetic_run(tmp_path / "run").path)


def command(run, *arguments):
    return CliRunner().invoke(
        app, [str(run.directory.path), *arguments], env={"COLUMNS": "200"}, catch_exceptions=False
    )


def shown(run, *arguments):
    done = command(run, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def kept(run, replicate, content=FIRST):
    selection = choose(run.points, run.box)
    keep_model(run.directory, selection.trial_id, replicate, selection.step, content)
    return selection


@pytest.fixture(autouse=True)
def no_rerun(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("nothing should run again")

    monkeypatch.setattr("pareto_explorer.sweeps.again.export.reproduce", fail)


def test_the_rules_are_those_of_the_library():
    assert tuple(rule.value for rule in Rule) == RULES


def test_it_shows_the_choice_its_neighbours_and_its_commands(run):
    text = shown(run, "--max", "retain_gap=0.02")
    selection = choose(run.points, run.box, maximum={"retain_gap": 0.02})
    assert text.startswith(f"{selection.trial_id}, step {selection.step} ({selection.family})\n")
    assert f"chosen by the rule tolerance: {selection.reason}; {selection.picked_from}" in text
    assert "lr = " in text
    assert "Mean ± standard deviation over 3 replicates" in text
    for metric in ("forget_gap", "test_accuracy", "validation_retain_gap"):
        assert metric in text
    for move in selection.moves:
        assert f"moving to {move.trial_id}, step {move.step}: gains {move.gains[0]} " in text
    assert f"--trial {selection.trial_id} --replicate 0 --step {selection.step}" in text


def test_what_the_choice_is_about_is_shown_and_the_rest_on_demand(run):
    """Objectives, their twins, distances to the retrained model and what these are made of."""
    shown_, everything = (rows(shown(run, *more)) for more in ((), ("--all",)))
    assert shown_[:4] == [
        *("forget_gap", "retain_gap"),
        *("validation_forget_gap", "validation_retain_gap"),
    ]
    assert "unlearning_accuracy" in shown_
    assert "validation_accuracy" not in shown_
    assert set(shown_) < set(everything)
    assert everything == list(json.loads(shown(run, "--json"))["metrics"])
    assert f"--all shows {len(everything) - len(shown_)} more metrics\n" in shown(run)
    assert "--all shows" not in shown(run, "--all")
    assert "validation_accuracy" in rows(shown(run, "--min", "validation_accuracy=0"))


def rows(text: str) -> list[str]:
    """The metrics of the table."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("─")) + 1
    found = (line.split(" ")[0] for line in lines[start:] if " ± " in line[:60])
    return list(itertools.takewhile(lambda name: name not in ("moving", "±"), found))


@pytest.mark.parametrize("more", [[], ["--all"]])
def test_a_terminal_of_80_columns_is_enough(run, monkeypatch, capsys, more):
    on_a_terminal(monkeypatch, 80)
    with pytest.raises(SystemExit) as ended:
        app(["--max", "retain_gap=0.5", *more, str(run.directory.path)])
    assert not ended.value.code
    lines = capsys.readouterr().out.splitlines()
    to_copy = ("reproduce: ", "export: ")  # which a terminal wraps by itself
    assert widest("\n".join(line for line in lines if not line.startswith(to_copy))) <= 80
    assert any(line.startswith("reproduce: ") for line in lines)


@pytest.mark.parametrize(
    ("wanted", "families"),
    [
        ("fine_tune", ["fine_tune"]),
        ("upgrad", ["upgrad/kl_heldout", "upgrad/kl_uniform"]),
        ("*/kl_h*", ["mgda/kl_heldout", "upgrad/kl_heldout"]),
    ],
)
def test_families_are_named_by_prefix_or_pattern(run, wanted, families):
    assert json.loads(shown(run, "--family", wanted, "--json"))["families"] == families
    assert list(run.select(families=[wanted]).families) == families


def test_a_family_that_is_not_there_lists_those_that_are(run):
    with pytest.raises(InputError, match=r"^--family: 'x\*' is not known\. Choose from cup/neg"):
        command(run, "--family", "x*")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {}),
        (("--rule", "closest"), {"rule": "closest"}),
        (("--weights", "0.7,0.3"), {"weights": [0.7, 0.3]}),
        (
            ("--max", "retain_gap=0.05", "--min", "test_accuracy=0.5", "--rule", "knee"),
            {"rule": "knee", "maximum": {"retain_gap": 0.05}, "minimum": {"test_accuracy": 0.5}},
        ),
        (("--family", "fine_tune", "--family", "none"), {"families": ["fine_tune", "none"]}),
        (("--one-standard-error",), {"one_standard_error": True}),
        (("--trial", "none-0", "--step", "0"), {"trial_id": "none-0", "step": 0}),
    ],
)
def test_json_holds_what_the_library_chooses(run, arguments, options):
    data = json.loads(shown(run, *arguments, "--json"))
    selection = choose(run.points, run.box, **options)
    assert data.items() >= selection.to_dict().items()
    assert data["metrics"]["test_accuracy"]["chosen"] == selection.chosen["test_accuracy"]
    assert data["reproduce"].startswith("pareto-explorer reproduce ")


def test_one_replicate_is_valid_json_without_spreads(tmp_path):
    run = load_run(write_synthetic_run(tmp_path / "run", replicates=1).path)
    data = json.loads(shown(run, "--json"), parse_constant=pytest.fail)
    assert data["metrics"]["forget_gap"]["chosen.std"] is None
    assert "over 1 replicate\n" in "\n".join(map(str.rstrip, shown(run).splitlines())) + "\n"


def test_export_writes_weights_and_card(run, tmp_path):
    selection = kept(run, 0, FIRST)
    kept(run, 2, THIRD)
    target = tmp_path / "model.safetensors"
    text = shown(run, "--export", str(target))
    assert target.read_bytes() == FIRST
    card = (tmp_path / "model.md").read_text(encoding="utf-8")
    assert f"\n# {selection.trial_id}, step {selection.step}\n" in card
    assert hashlib.sha256(FIRST).hexdigest() in card
    assert "replicate 0 of 3" in card
    assert text.splitlines()[-2:] == [f"weights: {target}", f"model card: {tmp_path / 'model.md'}"]
    data = json.loads(shown(run, "--replicate", "2", "--export", str(target), "--json"))
    assert target.read_bytes() == THIRD
    assert data["sha256"] == hashlib.sha256(THIRD).hexdigest()
    assert data["replicate"] == 2
    assert "replicate 2 of 3" in (tmp_path / "model.md").read_text(encoding="utf-8")


def test_adapters_are_exported_into_a_folder_of_peft(run, tmp_path):
    a, b = (f"base_model.model.layers.0.q_proj.lora_{x}.weight" for x in "AB")
    kept(run, 0, save({a: np.zeros((2, 3)), b: np.zeros((3, 2))}))
    facts = {"facts": {"lora_rank": 2, "lora_alpha": 4.0}}
    write_manifest(run.directory, read_manifest(run.directory) | facts)
    data = json.loads(shown(run, "--export", str(tmp_path / "adapter_model.safetensors"), "--json"))
    assert data["adapter_config"] == str(tmp_path / "adapter_config.json")
    written = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (written["r"], written["lora_alpha"]) == (2, 4.0)
    assert written["target_modules"] == ["layers.0.q_proj"]
    assert "adapter_config" not in shown(run, "--export", str(tmp_path / "model.safetensors"))


def test_what_cannot_be_reproduced_ends_with_exit_code_1_and_no_file(run, tmp_path, monkeypatch):
    from pareto_explorer.sweeps.again.export import NotReproduced

    def differs(*_, **__):
        raise NotReproduced("it differs")

    monkeypatch.setattr("pareto_explorer.sweeps.again.export.export_model", differs)
    done = command(run, "--export", str(tmp_path / "model.safetensors"))
    assert done.exit_code == 1
    assert done.stderr.strip() == "error: it differs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--max", "retain_gap"), "--max: 'retain_gap' is not METRIC=VALUE"),
        (("--max", "retain_gap=low"), "is not METRIC=VALUE"),
        (("--min", "a=1", "--min", "a=2"), "--min: a is given twice"),
        (("--max", "retain_gpa=1"), "did you mean 'retain_gap'"),
        (("--max", "retain_gap=0.0001"), "none of .* models keeps this; the nearest, "),
        (("--weights", "a,b"), "--weights: 'a,b' is not a list of numbers"),
        (("--replicate", "7"), "--replicate: 7 is not known"),
        (("--export", "model.pt"), r"does not end in \.safetensors"),
    ],
)
def test_bad_input_is_one_sentence(run, arguments, message):
    with pytest.raises(InputError, match=message):
        command(run, *arguments)


def test_an_imported_run_offers_no_reproduction(run):
    from pareto_explorer.runs import read_manifest, write_manifest

    manifest = read_manifest(run.directory)
    write_manifest(run.directory, manifest | {"imported": {"from": "csv"}})
    assert "reproduce" not in shown(run)
    assert "reproduce" not in json.loads(shown(run, "--json"))


@pytest.mark.parametrize("rule", [*RULES, "one-standard-error"])
def test_every_rule_chooses_where_nothing_was_retrained(tmp_path, rule):
    run = load_run(write_oracle_free_run(tmp_path / "run").path)
    arguments = {
        "weights": ("--rule", rule, "--weights", "0.7,0.3"),
        "tolerance": ("--rule", rule, "--max", "accuracy_drop=0.02"),
        "one-standard-error": ("--one-standard-error",),
    }.get(rule, ("--rule", rule))
    text = shown(run, *arguments)
    heading = next(line for line in text.splitlines() if line.startswith("metric"))
    assert heading.split() == ["metric", "original", "chosen"]
    data = json.loads(shown(run, *arguments, "--json"), parse_constant=pytest.fail)
    metrics = data["metrics"]
    assert metrics["accuracy_drop"]["original"] == 0
    assert {row["retrained"] for row in metrics.values()} == {None}
    assert data["chosen_on"] == ["forget_accuracy_gap", "accuracy_drop"]


def test_a_bound_that_needs_the_retrained_model_is_refused(tmp_path):
    run = load_run(write_oracle_free_run(tmp_path / "run").path)
    with pytest.raises(InputError, match="--max: 'retain_gap' is not known"):
        command(run, "--max", "retain_gap=0.01")


def test_a_task_that_was_built_in_python_is_run_again_from_there(run):
    manifest = read_manifest(run.directory)
    write_manifest(run.directory, manifest | {"task_given": "ab" * 32})
    text = shown(run)
    assert "reproduce: pareto_explorer.sweeps.reproduce(" in text
    assert "task=task, spec=spec)" in text
    assert "export: the same command" in text  # a kept model needs no task
    assert "task=task" in json.loads(shown(run, "--json"))["reproduce"]


def test_a_bound_on_an_audit_says_how_many_were_not(run, monkeypatch):
    (row,) = run.front().head(1).to_dict("records")
    audits = audits_of([(row["trial_id"], row["step"])], accuracies=[0.55])
    monkeypatch.setattr("pareto_explorer.results.run.read_audits", lambda _: audits)
    said = shown(run, "--max", "attack_accuracy=0.6")
    assert said.startswith(f"{row['trial_id']}, step {row['step']} ")
    assert "of which 1 keep the constraints; " in said
    found = json.loads(shown(run, "--max", "attack_accuracy=0.6", "--json"))
    assert found["not_audited"] == found["candidates"] - 1
    assert f"; {found['not_audited']} were not audited" in said


def test_the_audit_of_the_choice_is_named(run, monkeypatch):
    assert "audit:" not in shown(run)
    assert json.loads(shown(run, "--json"))["audit"] == ""
    rows = run.front().head(2)
    (trial, step), other = zip(rows["trial_id"], rows["step"], strict=True)
    audits = audits_of([(trial, int(step))])
    monkeypatch.setattr("pareto_explorer.results.run.read_audits", lambda _: audits)
    said = shown(run, "--trial", trial, "--step", str(step))
    assert f"audit: An attacker who knows the procedure tells {trial}, step {step} from a" in said
    found = json.loads(shown(run, "--trial", trial, "--step", str(step), "--json"))
    assert "in 95 % of single looks" in found["audit"]
    assert "audit:" not in shown(run, "--trial", other[0], "--step", str(other[1]))
