"""To add an aggregator, a method or a forget loss is to add one module: nothing else changes."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import (
    AGGREGATORS,
    FORGET_LOSSES,
    METHODS,
    Budget,
    Entry,
    knobs_of,
    make_method,
)
from pareto_explorer.unlearning.core.entries import collect
from tests.unlearning.toys import draws, flat, make_data, network

HEAD = """
from dataclasses import dataclass
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction
"""
HALF = """
from pareto_explorer.unlearning.aggregators._weighting import Weighting

class Half(Weighting):
    def __init__(self, half=0.5):
        super().__init__()
        self.half = half

    def forward(self, gramian, /):
        return gramian.new_full(gramian.shape[:-1], self.half)

ENTRIES = (
    Entry.of(
        "half", Half, summary="Half of both.", source="me",
        knobs={"half": KnobSpec({"uniform": [0, 1]}, "which part", fraction)},
    ),
)
"""
SHRINK = """
from pareto_explorer.unlearning.methods._one_shot import OneShot

@dataclass(frozen=True, kw_only=True)
class Shrink(OneShot):
    half: float = 0.5

    def edit(self, run):
        for parameter in run.parameters:
            parameter.data.mul_(self.half)

ENTRIES = (
    Entry.of(
        "shrink", Shrink, summary="Shrinks all weights.", source="me",
        knobs={"half": KnobSpec({"uniform": [0, 1]}, "which part is left", fraction)},
    ),
)
"""
CONFIDENCE = """
def confidence(batch, *, half=0.5):
    return half * batch.logits.softmax(1).amax(1).mean()

ENTRIES = (
    Entry.of_loss(
        "confidence", confidence, summary="Mean confidence.", source="me",
        knobs={"half": KnobSpec({"uniform": [0, 1]}, "its weight", fraction)},
    ),
)
"""
DESCENT = {"method": "jacobian_descent", "aggregator": "mean", "forget_loss": "kl_uniform"}
CASES = [
    pytest.param("aggregators", AGGREGATORS, HALF, DESCENT | {"aggregator": "half"}, id="half"),
    pytest.param("methods", METHODS, SHRINK, {"method": "shrink"}, id="shrink"),
    pytest.param(
        "forget_losses",
        FORGET_LOSSES,
        CONFIDENCE,
        DESCENT | {"forget_loss": "confidence"},
        id="loss",
    ),
]


@pytest.mark.parametrize(("room", "registry", "code", "family"), CASES)
def test_one_new_module_is_found_validated_and_run(
    room, registry, code, family, tmp_path, monkeypatch
):
    package = importlib.import_module(f"pareto_explorer.unlearning.{room}")
    (tmp_path / "added.py").write_text(HEAD + code)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    collected = collect(package.__name__)
    (name,) = collected.keys() - registry.keys()
    monkeypatch.setitem(registry, name, collected[name])

    assert list(collected) == sorted(collected)
    (knob,) = (found for found in knobs_of(**family).values() if found.name == "half")
    assert (knob.default, knob.domain) == (0.5, {"uniform": [0, 1]})
    with pytest.raises(InputError, match="half: 2 must be a number from 0 to 1"):
        make_method(family | {"half": 2})
    model, before = network(), flat(network())
    method = make_method(family | {"half": 0.25})
    assert list(method.run(model, make_data(), Budget(2, 5, 2), draws()))
    assert not (flat(model) == before).all()
    del sys.modules[f"{package.__name__}.added"]


@pytest.mark.parametrize("room", ["aggregators", "methods", "forget_losses"])
def test_every_public_module_has_entries_beside_what_they_build(room):
    package = importlib.import_module(f"pareto_explorer.unlearning.{room}")
    names = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]
    for name in names:
        module = importlib.import_module(f"{package.__name__}.{name}")
        assert module.ENTRIES
        for entry in module.ENTRIES:
            assert isinstance(entry, Entry)
            built = entry.build.args[0] if room == "forget_losses" else entry.build
            assert built.__module__ == module.__name__
