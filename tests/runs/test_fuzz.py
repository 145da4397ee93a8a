"""A few of the inputs of benchmarks/fuzz_runs.py."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_damaged_runs_are_read_or_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import fuzz_runs

    fuzz_runs.write_valid(tmp_path / "valid")
    tally = fuzz_runs.fuzz(25, 0, 0.0, tmp_path / "valid", tmp_path / "work")
    assert tally.findings == {}
    assert tally.read > 2
    assert tally.refused > 10
