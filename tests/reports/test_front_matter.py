"""The block of YAML before a model card is what hubs read, whatever a run holds."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer import load_run
from pareto_explorer.fronts import select
from pareto_explorer.reports.front_matter import front_matter
from pareto_explorer.reports.model_card import ModelFile, render_model_card
from tests.synthetic import HOSTILE_LOSS, write_synthetic_run

FILE = ModelFile("model.safetensors", "ab" * 32, 1, None)
LINES = "\n---\nlicense: mit\n---\n"
FENCED = re.compile(r"^---\n(.*?)\n---\n", re.DOTALL)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("card") / "run").path)


@pytest.fixture(scope="module")
def row(run):
    selection = select(run.points, run.box)
    rows = run.points[run.points["trial_id"] == selection.trial_id]
    return run, selection, rows[rows["step"] == selection.step].iloc[0]


def card_of(run, **options):
    return render_model_card(run, select(run.points, run.box, **options), FILE)


def block_of(card):
    return yaml.safe_load(FENCED.match(card)[1])


def test_a_hub_reads_the_metrics_of_the_weights(run):
    from huggingface_hub import ModelCard

    card, selection = card_of(run), select(run.points, run.box)
    data = ModelCard(card).data
    own = run.points.query(
        f"trial_id == '{selection.trial_id}' and step == {selection.step} and replicate == 1"
    ).iloc[0]
    found = {result.metric_name: result for result in data.eval_results}
    assert found["Forget gap"].metric_value == own["forget_gap"]
    assert found["Test accuracy"].metric_value == own["test_accuracy"]
    assert found["Test accuracy"].metric_type == "accuracy"
    assert all(math.isfinite(result.metric_value) for result in data.eval_results)
    assert {result.task_type for result in data.eval_results} == {"image-classification"}
    assert {result.dataset_name for result in data.eval_results} == {"digits"}
    assert data.library_name == "pareto-explorer"
    assert data.tags == ["machine-unlearning", "jacobian_descent", "upgrad", "kl_heldout"]
    assert data.datasets is None


def test_the_license_is_to_be_filled_in(run):
    card = card_of(run)
    assert card.splitlines()[1].startswith("license: unknown  # fill in before publishing")
    assert block_of(card)["license"] == "unknown"
    assert "## License\n\nNot chosen: fill in `license`" in card.replace("\\", "")


def test_data_sets_that_hubs_have_are_named(run):
    spec = run.manifest["spec"] | {"task": {"name": "cifar10"}}
    block = block_of(card_of(replace(run, manifest=run.manifest | {"spec": spec})))
    assert block["datasets"] == ["uoft-cs/cifar10"]
    (index,) = block["model-index"]
    assert index["results"][0]["dataset"] == {"type": "uoft-cs/cifar10", "name": "cifar10"}
    imported = {name: value for name, value in run.manifest.items() if name != "spec"}
    block = block_of(card_of(replace(run, manifest=imported)))
    assert block["model-index"][0]["results"][0]["dataset"]["name"] == "own data"
    assert "datasets" not in block


def test_markup_in_a_family_stays_text(run):
    card = card_of(run, families=[f"weighted_sum/{HOSTILE_LOSS}"])
    assert "<" not in FENCED.match(card)[1]
    assert block_of(card)["tags"][-1] == "mine:_b_loss_/b_&'\""


@given(
    st.one_of(
        st.text(st.characters(codec="utf-8")),
        st.sampled_from([LINES, "a: b", "- x", "!!python/object:os.system", "&a *a", "# x", "'\""]),
    )
)
def test_no_name_ends_the_block_or_becomes_an_entry(row, text):
    run, selection, own = row
    spec = run.manifest["spec"] | {"task": {"name": text}}
    hostile = replace(run, manifest=run.manifest | {"spec": spec, "name": text})
    metrics = {"forget_gap": 0.5, text: 0.25}
    values = pd.Series(own.to_dict() | {"forget_loss": text} | metrics)
    block = block_of(front_matter(hostile, selection, values, metrics))
    assert list(block) == ["license", "library_name", "tags", "metrics", "model-index"]
    assert block["license"] == "unknown"
    assert all(isinstance(tag, str) for tag in block["tags"])
    (index,) = block["model-index"]
    assert set(index) == {"name", "results"}
    assert [m["value"] for m in index["results"][0]["metrics"]] == [0.5, 0.25]
