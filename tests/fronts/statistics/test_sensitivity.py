import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, family_hypervolumes
from pareto_explorer.fronts.statistics.sensitivity import ranking_changes, reference_sensitivity
from pareto_explorer.runs import read_manifest, read_points
from tests.fronts.core.test_tables import BOX, row, table
from tests.synthetic import write_synthetic_run

# f: (0.5, 0.5); g: (0, 0.9) and (0.9, 0), in normalised units. Up to 1: 1/4 against 0.19;
# up to 2: 9/4 against 2 · 2 - 0.9 · 0.9 = 3.19.
HAND = table(
    row("a", 0, 1, 0.5, 0.5),
    row("b", 0, 1, 0.0, 0.1, family="g"),
    row("b", 0, 2, 0.9, 1.0, family="g"),
    row("c", 0, 1, 1.0, 0.0, family="h"),
)


def test_by_hand():
    found = reference_sensitivity(HAND, BOX, references=(2.0, 1.0))
    assert found.to_numpy().tolist() == [
        ["f", 1.0, pytest.approx(1 / 4), 1],
        ["g", 1.0, pytest.approx(0.19), 2],
        ["h", 1.0, 0.0, 3],
        ["g", 2.0, pytest.approx(3.19 / 4), 1],
        ["f", 2.0, pytest.approx(9 / 16), 2],
        ["h", 2.0, pytest.approx(1 / 4), 3],
    ]
    assert ranking_changes(found) == "The leader depends on the reference point: f at 1, g at 2."


def test_agrees_with_measuring_in_the_larger_box(tmp_path):
    run = write_synthetic_run(tmp_path / "run")
    points, box = read_points(run), Box.from_dict(read_manifest(run)["box"])
    found = reference_sensitivity(points, box)
    assert sorted(found["reference"].unique()) == [1.0001, 1.1, 1.5, 2.0]
    for reference, lines in found.groupby("reference"):
        larger = Box(box.objectives, (reference, reference))
        means = {k: v.mean / reference**2 for k, v in family_hypervolumes(points, larger).items()}
        shares = lines.set_index("family")["hypervolume"].to_dict()
        assert shares == pytest.approx(means)
        ranks = lines.set_index("family")["rank"]
        assert {k: 1 + sum(v > means[k] for v in means.values()) for k in means} == ranks.to_dict()


def test_ties_share_the_better_rank():
    points = table(
        row("a", 0, 1, 0.5, 0.5),
        row("b", 0, 1, 0.5, 0.5, family="g"),
        row("c", 0, 1, 0.75, 0.5, family="h"),
    )
    found = reference_sensitivity(points, BOX, references=(1.0,))
    assert found[["family", "rank"]].to_numpy().tolist() == [["f", 1], ["g", 1], ["h", 3]]


def sentence(**ranks):
    rows = [
        {"family": family, "reference": reference, "hypervolume": 0.0, "rank": rank}
        for family, places in ranks.items()
        for reference, rank in zip((1.0001, 1.5, 2.0), places, strict=True)
    ]
    return ranking_changes(pd.DataFrame(rows))


def test_sentences():
    span = "every reference point between 1.0001 and 2"
    assert sentence(a=(1, 1, 1), b=(2, 2, 2)) == f"The ranking is the same for {span}."
    assert sentence(a=(1, 1, 1), b=(2, 3, 3), c=(3, 2, 2)) == (
        f"a leads for {span}; 2 other families change places: b by 1, c by 1."
    )
    assert sentence(a=(1, 1, 1), b=(2, 2, 2), c=(2, 3, 3)) == (
        f"a leads for {span}; one other family changes places: c by 1."
    )
    assert sentence(a=(1,) * 3, b=(2, 3, 5), c=(3, 2, 2), d=(4, 4, 3), e=(5, 5, 4)) == (
        f"a leads for {span}; 4 other families change places: the most b by 3, c by 1, d by 1."
    )
    assert sentence(a=(1, 1, 2), b=(1, 2, 1), c=(3, 3, 3)) == (
        "The leader depends on the reference point: a and b at 1.0001, a at 1.5, b at 2."
    )
    assert sentence(a=(1, 1, 1)) == "There is no ranking that the reference point could change."


def test_a_reference_that_is_not_worse_than_the_ideal_is_refused():
    with pytest.raises(InputError, match="not worse than the ideal"):
        reference_sensitivity(HAND, BOX, references=(0.0,))


@pytest.mark.filterwarnings("error")
def test_a_table_without_rows():
    found = reference_sensitivity(table(), BOX)
    assert list(found) == ["family", "reference", "hypervolume", "rank"]
    assert ranking_changes(found).startswith("There is no ranking")


def test_a_replicate_that_was_never_run_does_not_count():
    points = table(
        row("a", 0, 1, 0.5, 0.5), row("a", 1, 1, 0.5, 0.5), row("b", 0, 1, 0.4, 0.6, family="g")
    )
    found = reference_sensitivity(points, BOX, references=(1.0, 2.0))
    first = found[found["reference"] == 1.0].set_index("family")["hypervolume"]
    volumes = family_hypervolumes(points, BOX)
    assert first.to_dict() == pytest.approx({name: v.mean for name, v in volumes.items()})
