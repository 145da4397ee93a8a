from dataclasses import replace

from pareto_explorer.reports.cards.specification import specification_card
from pareto_explorer.reports.shared.material import Material


def lists_of(material: Material) -> dict:
    return specification_card(material).context["runs"][""]["lists"]


def test_the_machine_stands_beside_the_versions(material):
    lists = lists_of(material)
    assert lists["Versions"]["torch"] == "2.15.0"
    assert lists["Machine"]["processor"] == "A fast one @ 3 GHz"
    assert lists["Machine"]["gpu"] == "B 200"


def test_a_run_that_does_not_record_it_has_a_card_too(material):
    run = material.run
    manifest = {key: value for key, value in run.manifest.items() if key != "machine"}
    assert lists_of(Material(replace(run, manifest=manifest)))["Machine"] == {}
