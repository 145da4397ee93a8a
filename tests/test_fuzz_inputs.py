from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def test_odd_inputs_are_read_or_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import fuzz_inputs

    outcomes, findings = fuzz_inputs.fuzz(list(fuzz_inputs.KINDS), inputs=4, seed=0)
    assert findings == []
    assert outcomes["read"] > 5
    assert outcomes["refused"] > 25


def test_a_finding_names_the_seed_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import fuzz_inputs

    monkeypatch.setattr(fuzz_inputs, "read_box", lambda path: {}[path])
    _, first = fuzz_inputs.fuzz(["box"], inputs=3, seed=5)
    _, again = fuzz_inputs.fuzz(["box"], inputs=1, seed=first[-1].seed)
    assert {finding.what.split(":")[0] for finding in first} == {"KeyError"}
    assert again[0].where == first[-1].where
