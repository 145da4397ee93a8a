"""What a run says whose original models are as near to retraining as retrained models are."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from pareto_explorer import load_run
from pareto_explorer.cli import app as cli
from pareto_explorer.fronts import nothing_to_forget
from pareto_explorer.fronts.selection.select import select
from pareto_explorer.fronts.statistics.to_forget import NO_RANKING
from pareto_explorer.reports import write_report
from pareto_explorer.reports.cards.finding import finding_card
from pareto_explorer.reports.model_card import ModelFile, render_model_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import Run
from pareto_explorer.runs import read_landmarks, write_landmarks
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory = write_synthetic_run(tmp_path_factory.mktemp("nothing") / "run", replicates=7)
    landmarks = read_landmarks(directory)
    landmarks.loc[landmarks["landmark"] == "original", "forget_gap"] = 1e-4
    write_landmarks(directory, landmarks.to_dict("records"))
    write_report(directory.path)
    return load_run(directory.path)


@pytest.fixture(scope="module")
def said(run: Run) -> str:
    sentence = nothing_to_forget(run.landmarks, run.box.metrics)
    assert sentence.startswith("These metrics cannot show forgetting here: ")
    return sentence


def test_it_is_the_first_sentence_and_nothing_is_ranked(run: Run, said: str) -> None:
    card = finding_card(Material(run))
    assert card.sentence == said
    summary = (run.directory.report / "summary.md").read_text(encoding="utf-8")
    found, rest = summary.split("## What was found\n\n")[1].split("\n## ", 1)
    assert found.startswith("These metrics cannot show forgetting here: ")
    assert rest.count(NO_RANKING) == 2  # beside the hypervolumes and where a lead is judged
    for claim in ("the largest", "leads", "ahead of", "beats", "distinguishable", "ranking"):
        assert claim not in summary
    assert NO_RANKING in (run.directory.report / "index.html").read_text(encoding="utf-8")


def test_the_same_run_with_something_to_forget_is_ranked(run: Run) -> None:
    landmarks = run.landmarks.assign(forget_gap=lambda t: 0.85 * (t["landmark"] == "original"))
    run = replace(run, landmarks=landmarks)
    assert nothing_to_forget(landmarks, run.box.metrics) == ""
    assert "has the largest mean hypervolume" in finding_card(Material(run)).sentence
    assert any(pair.distinguishable for pair in Material(run).comparisons)


def test_the_data_say_so(run: Run, said: str) -> None:
    written = json.loads((run.directory.report / "hypervolume.json").read_text(encoding="utf-8"))
    assert written["nothing_to_forget"] == said
    assert written["comparisons"]
    assert not any(pair["distinguishable"] for pair in written["comparisons"])


def test_a_choice_says_so(run: Run, said: str, monkeypatch, capsys) -> None:
    path = str(run.directory.path)
    for options in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["pareto-explorer", "select", path, *options])
        with pytest.raises(SystemExit):
            cli.main()
        assert said in capsys.readouterr().out
    file = ModelFile("model.safetensors", "ab" * 32, 1, None)
    card = render_model_card(run, select(run.points, run.box), file)
    assert "These metrics cannot show forgetting here: " in card.split("## How it was chosen")[1]


def test_the_sweep_prints_it_under_its_table(run: Run, said: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr("pareto_explorer.api.run_sweep", lambda *_, **__: run)
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "sweep", "digits"])
    with pytest.raises(SystemExit):
        cli.main()
    table, below = capsys.readouterr().out.split("seconds of unlearning\n")
    assert "Hypervolume by family" in table
    assert " ".join(below.split()).startswith(said)
