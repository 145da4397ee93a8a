"""Passwords and keys in addresses are neither shown nor recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pareto_explorer import load_run
from pareto_explorer.errors import InputError
from pareto_explorer.interchange import read_foreign
from pareto_explorer.reports.cards.specification import specification_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.runs import RunDirectory, read_manifest, write_manifest
from pareto_explorer.runs.files.storage import open_storage
from pareto_explorer.runs.kept_models import find_model, write_kept_models
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.driver.recording import _command
from pareto_explorer.trust.redaction import has_secrets, redacted, redacted_command
from tests.synthetic import write_synthetic_run

ADDRESSES = {
    "mysql://me:hidden@host:3306/db": "mysql://host:3306/db",
    "mysql+pymysql://me:hid/d@en@host/db?charset=utf8": "mysql+pymysql://host/db?charset=utf8",
    "postgresql://me:hid?den #1@host/db": "postgresql://host/db",
    "postgresql://host/db?user=me&password=hidden": "postgresql://host/db?user=me&password=***",
    "postgresql://host/db?sslmode=require&pass%77ord=hidden": (
        "postgresql://host/db?sslmode=require&pass%77ord=***"
    ),
    "mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3Dhidden": "mssql+pyodbc:///?odbc_connect=***",
    "s3://b/run?password=hid den&region=x": "s3://b/run?password=***&region=x",
    "s3://KEY:hidden@bucket/run?region=x": "s3://bucket/run?region=x",
    "s3://b/run?access_key=hidden&secret_key=hidden&session_token=hidden": (
        "s3://b/run?access_key=***&secret_key=***&session_token=***"
    ),
    "https://account.blob/run?sv=1&sig=hidden": "https://account.blob/run?sv=1&sig=***",
    "abfss://container@account/run": "abfss://container@account/run",
    "s3://bucket/a@b/run": "s3://bucket/a@b/run",
    "ray://host:10001": "ray://host:10001",
    "runs/digits": "runs/digits",
}


@pytest.mark.parametrize(("address", "told"), ADDRESSES.items())
def test_secrets_go_and_the_rest_stays(address, told):
    assert redacted(address) == told
    assert redacted(told) == told
    assert has_secrets(address) == ("hidden" in address or "hid" in address)


def test_addresses_in_a_text_lose_theirs_too():
    text = "cannot open 'mysql://me:hidden@host/db' (see s3://K:hidden@b/x?token=hidden a@b)"
    assert redacted(text) == "cannot open 'mysql://host/db' (see s3://b/x?token=*** a@b)"


def test_the_recorded_command_line_has_none(monkeypatch):
    words = ["sweep", "x.yaml", "--out=s3://K:hid den@b/r", "--out", "s3://b/r?secret_key=hidden"]
    shown = "pareto-explorer sweep x.yaml --out=s3://b/r --out 's3://b/r?secret_key=***'"
    assert redacted_command(["pareto-explorer", *words]) == shown
    monkeypatch.setattr(sys, "argv", ["/bin/pareto-explorer", *words])
    assert _command() == shown


@pytest.mark.parametrize(
    "address",
    [
        "nosuch://me:hidden@host/db",
        "postgresql://me:hidden@host:port/db",
        "mysql://me:hid/d@en@host:x/db?password=hidden",
        "mysql+nodriver://host/db?passwd=hidden",
    ],
)
def test_what_a_database_driver_says_has_none(address):
    with pytest.raises(InputError, match="cannot be read as a storage of Optuna") as caught:
        read_foreign(address)
    said = "".join(map(str, (caught.value, caught.value.__cause__)))
    assert "hid" not in said
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("uri", ["s3://K:hidden@b/run?nonsense=1", "s3://K:hid den@b/run"])
def test_what_pyarrow_says_has_none(uri):
    with pytest.raises(InputError) as caught:
        open_storage(uri)
    assert "hid" not in str(caught.value)


def test_the_manifest_of_kept_models_has_none(tmp_path):
    run = RunDirectory(tmp_path)
    write_kept_models(run, {}, "s3://KEY:hidden@bucket/run?region=x&secret_key=hidden")
    text = (tmp_path / "models" / "manifest.json").read_text()
    assert "hidden" not in text
    assert "KEY" not in text
    assert "s3://bucket/run?region=x" in text


def test_weights_are_fetched_from_where_the_user_says_that_the_run_is(tmp_path, monkeypatch):
    asked = []

    class Files:
        def __init__(self, uri):
            asked.append(uri)

        def get(self, _):
            return None

    monkeypatch.setattr("pareto_explorer.runs.kept_models.ModelFiles", Files)
    run, name = RunDirectory(tmp_path), "t/replicate-0-step-1.safetensors"
    entry = {"trial_id": "t", "replicate": 0, "step": 1, "sha256": "0" * 64}
    write_kept_models(run, {name: entry}, "s3://KEY:hidden@bucket/run")
    find_model(run, "t", 0, 1)
    find_model(run, "t", 0, 1, storage="s3://KEY:hidden@bucket/run")
    assert asked == ["s3://bucket/run", "s3://KEY:hidden@bucket/run"]


def test_a_loaded_run_is_shown_without(tmp_path, monkeypatch):
    uri = f"file://{write_synthetic_run(tmp_path / 'run').path}?secret_key=hidden"
    monkeypatch.setattr("pareto_explorer.results.run.local_path", lambda _: Path(tmp_path / "run"))
    assert load_run(uri).shown.endswith("?secret_key=***")


def test_a_specification_must_not_hold_any():
    search = {"mode": "explore", "warm_start": "s3://KEY:hidden@bucket/run"}
    spec = {"task": {"name": "digits"}, "families": [{"method": "fine_tune"}], "search": search}
    with pytest.raises(InputError, match=r"^search\.warm_start: 's3://bucket/run' .*") as caught:
        SweepSpec.from_mapping(spec)
    assert "hidden" not in str(caught.value)


def test_the_report_of_an_older_run_shows_none(tmp_path):
    run = write_synthetic_run(tmp_path / "run")
    command = "pareto-explorer sweep x.yaml --out s3://KEY:hidden@bucket/run"
    write_manifest(run, read_manifest(run) | {"command": command})
    card = specification_card(Material(load_run(run.path)))
    assert "s3://bucket/run" in str(card.context)
    assert "hidden" not in str(card.context)
