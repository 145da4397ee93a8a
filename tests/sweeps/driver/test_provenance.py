from __future__ import annotations

import os
import platform

import pandas as pd
import pytest
import torch

from pareto_explorer.sweeps.again.reproduce import Reproduction
from pareto_explorer.sweeps.driver import provenance
from pareto_explorer.sweeps.driver.provenance import changes_since, machine, versions


@pytest.fixture
def gpus(monkeypatch):
    names = ["One 80GB", "One 80GB", "Other"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "get_device_name", names.__getitem__)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def cpuinfo(monkeypatch, folder, text: str | None) -> None:
    file = folder / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(provenance, "_CPUINFO", file)


def test_the_processor_is_the_model_that_the_kernel_names(monkeypatch, tmp_path, no_gpu):
    text = "processor\t: 0\nmodel\t\t: 106\nmodel name\t: Fast(R) CPU: 8 @ 2 GHz\n"
    cpuinfo(monkeypatch, tmp_path, text * 2)
    assert machine(4) == {
        "processor": "Fast(R) CPU: 8 @ 2 GHz",
        "cpus": os.cpu_count(),
        "threads": 4,
    }


@pytest.mark.parametrize("text", [None, "", "processor\t: 0\nBogoMIPS\t: 50\n"])
def test_where_it_names_none_python_does(monkeypatch, tmp_path, text):
    cpuinfo(monkeypatch, tmp_path, text)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert machine(1)["processor"] == platform.machine()
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    assert machine(1)["processor"] == "arm"


def test_gpus_are_named_once(gpus):
    assert machine(1)["gpu"] == "One 80GB, Other"


def manifest(booked: float = 0, **of_machine) -> dict:
    return {
        "spec": {"resources": {"gpu": booked}},
        "versions": versions(),
        "machine": machine(1) | of_machine,
    }


def test_what_is_the_same_is_no_change(no_gpu):
    assert changes_since(manifest()) == ()
    assert changes_since(manifest(cpus=1000, threads=7)) == ()


def test_packages_python_processor_and_gpu_are_compared(gpus):
    recorded = manifest(0.5, processor="Slow CPU", gpu="Third")
    recorded["versions"] |= {"torch": "1.0", "python": "3.9.0", "ray": versions()["ray"]}
    assert {change.name: (change.recorded, change.here) for change in changes_since(recorded)} == {
        "torch": ("1.0", versions()["torch"]),
        "python": ("3.9.0", platform.python_version()),
        "processor": ("Slow CPU", machine(1)["processor"]),
        "gpu": ("Third", "One 80GB, Other"),
    }


def test_a_gpu_counts_only_where_trials_compute_on_it(no_gpu):
    assert changes_since(manifest(0, gpu="Third")) == ()
    [change] = changes_since(manifest(1, gpu="Third"))
    assert str(change) == "gpu Third there, none here"


def test_of_what_an_older_run_does_not_record_nothing_is_said(no_gpu):
    assert changes_since({"spec": {}}) == ()
    assert changes_since({"spec": {}, "versions": versions() | {"numpy": "1.0"}})[0].name == "numpy"


def test_the_explanation_is_for_values_that_differ():
    changes = changes_since({"versions": versions() | {"torch": "1.0", "numpy": "1.1"}})

    def again(*values: float, changes=changes) -> Reproduction:
        table = pd.DataFrame({"recorded": [0.5, float("nan")], "again": values})
        return Reproduction(table, torch.nn.Linear(1, 1), changes)

    assert again(0.5, float("nan")).explanation() == ""
    assert again(0.6, float("nan")).explanation(0.2) == ""
    for values in ((0.6, float("nan")), (0.5, 0.5)):
        assert again(*values).explanation() == (
            f"Of what the run records, this differs: {changes[0]}; {changes[1]}."
        )
        assert again(*values, changes=()).explanation().startswith("Nothing that the run records")
