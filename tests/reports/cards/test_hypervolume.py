from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pareto_explorer.reports.cards.hypervolume import hypervolume_card
from pareto_explorer.reports.shared.material import Material


def test_the_table_ranks_families_with_every_measure(material: Material) -> None:
    data = hypervolume_card(material).data
    assert data is not None
    assert data["hypervolume"].is_monotonic_decreasing
    for row in data.to_dict("records"):
        volume = material.hypervolumes[row["family"]]
        assert (row["lowest"], row["highest"]) == tuple(volume.interval)
        assert (row["interval"], row["interval_covers"]) == ("range", "seeds")
        assert row["cross_fitted"] == volume.cross_fitted_mean
        assert row["optimism"] == pytest.approx(row["hypervolume"] - row["cross_fitted"])
        assert row["on_validation"] == volume.on_validation_mean


def test_bounds_are_called_what_they_are(material: Material, many: Material) -> None:
    few, enough = hypervolume_card(material), hypervolume_card(many)
    assert (few.context["bounds"], enough.context["bounds"]) == (
        "Range over seeds",
        "95 % over seeds",
    )
    assert "the bar their range" in few.how_to_read
    assert "the bar the 95 % bootstrap interval of that mean" in enough.how_to_read


def test_what_the_draw_did_has_its_columns(
    material: Material, material_of: Callable[..., Material]
) -> None:
    card = hypervolume_card(material)
    assert card.data is not None
    for row in card.data.to_dict("records"):
        volume = material.hypervolumes[row["family"]]
        if row["family"] == "none":  # it has no knobs
            assert np.isnan([row["half_lowest"], row["lost_without_best"]]).all()
            continue
        assert volume.half_samples is not None
        expected = (*volume.half_samples.spread()[1:], volume.lost_without_best)
        assert (row["half_lowest"], row["half_highest"], row["lost_without_best"]) == expected
        assert 0 <= row["half_lowest"] <= row["half_highest"] <= row["hypervolume"]
    assert card.context["drawn"]
    assert not hypervolume_card(material_of(3, 1)).context["drawn"]


def test_every_mark_lies_on_the_strip(many: Material) -> None:
    context = hypervolume_card(many).context
    values = [v for volumes in context["per_replicate"].values() for v in volumes.values()]
    values += [row["highest"] for row in context["rows"]]
    assert max(values) == pytest.approx(context["scale"])


def test_one_replicate_is_not_cross_fitted(material_of: Callable[..., Material]) -> None:
    card = hypervolume_card(material_of(1))
    assert not card.context["crossed"]
    assert card.context["validated"]


def test_reference_points_are_shown_with_ranks(material: Material) -> None:
    context = hypervolume_card(material).context
    assert context["references"] == ["1.0001", "1.1", "1.5", "2"]
    assert [row["family"] for row in context["by_reference"]] == list(material.hypervolumes)
    assert sorted(row["cells"][0][1] for row in context["by_reference"]) == [1, 2, 3, 4, 5, 6, 7]
    assert "reference point" in context["ranking"]


def test_no_points_give_a_reason(empty: Material) -> None:
    assert "finite point" in hypervolume_card(empty).reason
