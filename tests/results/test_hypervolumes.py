import pytest

from pareto_explorer.fronts import family_hypervolumes
from pareto_explorer.results import Hypervolumes, load_run
from tests.synthetic import HOSTILE_LOSS, write_synthetic_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("volumes") / "run").path)


@pytest.fixture(scope="module")
def volumes(run):
    return run.hypervolume()


def test_it_is_still_the_mapping(run, volumes):
    assert volumes == family_hypervolumes(run.points, run.box)
    assert list(volumes) == sorted(volumes)


def test_the_table_has_the_numbers_with_the_largest_first(volumes):
    table = volumes.to_dataframe()
    assert table["mean"].is_monotonic_decreasing
    for family, row in table.iterrows():
        assert row["mean"] == volumes[family].mean
        assert (row["low"], row["high"]) == tuple(volumes[family].interval)
        assert row["beyond_box"] == volumes[family].n_beyond
    assert set(table["interval"]) == {"smallest and largest"}


def test_it_shows_as_a_table(volumes):
    heading, *rows = repr(volumes).splitlines()
    assert heading.split()[:3] == ["mean", "low", "high"]
    best = volumes.to_dataframe().iloc[0]
    assert rows[0].split()[:2] == [str(best.name), f"{best['mean']:.4f}"]
    assert len(rows) == len(volumes)
    assert repr(Hypervolumes()).startswith("Empty")


def test_names_are_shown_letter_by_letter(volumes):
    page = volumes._repr_html_()
    assert HOSTILE_LOSS not in page
    assert "&lt;b&gt;loss&lt;/b&gt;" in page
    assert "tex2jax_ignore" in page
    broken = Hypervolumes({"a\nb\x1b[31m": volumes["none"]})
    assert "\x1b" not in repr(broken)
    assert len(repr(broken).splitlines()) == 2
