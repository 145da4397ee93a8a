from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch, capsys):
    """Runs the script in this process and returns what it prints."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import gpu

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["gpu.py", *arguments])
        assert gpu.main() == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import gpu_steps

    return gpu_steps


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_it_says_so_where_there_is_no_gpu(benchmark, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert benchmark().startswith("There is no GPU that PyTorch can use on this machine")


@pytest.mark.slow
def test_the_cpu_path_measures_every_row(benchmark):
    shown = benchmark("--device", "cpu", "--tiny", "--trials", "2")
    rows = [cells(line) for line in shown.splitlines() if line.startswith("|")]
    steps = [row for row in rows if len(row) == 6][2:]
    trials = [row for row in rows if len(row) == 4][2:]
    ways = ["landmark training", "unlearning, this package", "(a) TorchJD's loop"]
    ways += ["(a) TorchJD's loop, row by row", "(b) weighted sum"]
    assert [row[0] for row in steps] == 2 * ways
    for what, model, milliseconds, rate, ratio, share in steps:
        if what == "(a) TorchJD's loop" and milliseconds.startswith("fails"):
            assert model.startswith("bfloat16")  # vmap does not work under autocast
            continue
        assert float(milliseconds) > 0
        assert float(rate.replace(",", "")) > 0
        assert ratio == "" or float(ratio) > 0
        assert share.endswith("%")
    assert [row[4] for row in steps if row[0] == "(b) weighted sum"] == ["1.00", "1.00"]
    assert [row[0] for row in trials] == ["2"]
    assert all(float(row[1]) > 0 for row in trials)
    assert "Ceiling: " in shown


def test_flops_are_those_of_the_literature(parts):
    options = {"model": {"name": "resnet18"}, "superclasses": 2, "subclasses": 2, "train_size": 72}
    forward_and_backward = parts.flops_per_image(parts.make(options, {}, "cpu"), images=1)
    assert forward_and_backward == pytest.approx(3 * 2 * 0.556e9, rel=0.02)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_card_reaches_more_than_nothing(parts):
    assert parts.ceiling("cuda", 2048) > 1e11
