"""Files of weights from anybody: links, pipes and other content are refused in one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re

import numpy as np
import pytest
from safetensors.numpy import save

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.files.model_files import ModelFiles
from pareto_explorer.runs.kept_models import (
    expect_shapes,
    expected_shapes,
    find_model,
    keep_model,
    model_path,
    read_kept_models,
    record_models,
    write_kept_models,
)
from pareto_explorer.runs.model_checks import check_weights

POINT = ("t", 0, 2)
TENSORS = {"w": np.zeros((2, 3), np.float32), "b": np.zeros(2, np.float32)}
SHAPES = {"w": "[2, 3]", "b": "[2]"}
SAID = {"trial_id": "t", "replicate": "0", "step": "2"}


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "run")


@pytest.fixture
def kept(run):
    run.path.mkdir()
    return keep_model(run, *POINT, save(TENSORS, metadata=SAID))


def refused(run, place, found):
    with pytest.raises(InputError) as caught:
        find_model(run, *POINT)
    assert str(caught.value).startswith(f"models: {str(place)!r} is {found}")


@pytest.mark.parametrize("what", ["file", "trial", "models", "manifest.json", "manifest.jsonl"])
def test_links_are_refused(run, kept, tmp_path, what):
    models = run.path / "models"
    (models / "manifest.jsonl").touch()
    place = {"file": kept, "trial": kept.parent, "models": models}.get(what, models / what)
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    refused(run, place, "a symbolic link")


def test_a_link_to_a_run_is_no_link_in_it(run, kept, tmp_path):
    (tmp_path / "link").symlink_to(run.path)
    assert find_model(RunDirectory(tmp_path / "link"), *POINT)


@pytest.mark.parametrize("name", ["file", "manifest.json", "manifest.jsonl"])
def test_pipes_and_folders_are_refused_without_waiting(run, kept, name):
    place = kept if name == "file" else run.path / "models" / name
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    refused(run, place, "no plain file")
    place.unlink()
    place.mkdir()
    refused(run, place, "no plain file")


def test_a_sweep_neither_looks_nor_deletes_behind_links(run, kept, tmp_path):
    outside = tmp_path / "outside"
    kept.parent.rename(outside)
    kept.parent.symlink_to(outside)
    files = ModelFiles(run.path)
    assert files.sizes() == files.sizes("t") == {}
    files.prune()
    assert (outside / kept.name).exists()


def test_a_sweep_does_not_write_behind_a_link(run, kept, tmp_path):
    (run.path / "models").rename(tmp_path / "outside")
    (run.path / "models").symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match=r"^`out`: '.*models' is a symbolic link"):
        ModelFiles(run.path).require_writable()


def header(content: dict, data: bytes = b"") -> bytes:
    text = json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"weights",
        pickle.dumps(TENSORS),
        (2**62).to_bytes(8, "little") + b"{}",
        (200 * 2**20).to_bytes(8, "little") + b"{" + b" " * 1000,
        (4).to_bytes(8, "little") + b"{]}x",
        header({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
        header({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 8]}}, bytes(8)),
        header({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(800)),
        header({"w": {"dtype": "X", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
        header({"w": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}, bytes(8)),
        header({"w": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, bytes(8)),
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^models: '.*' is no safetensors file \(") as caught:
        check_weights(path, *POINT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"w": TENSORS["w"]}, "'b' is missing there and [2] in the sweep"),
        (TENSORS | {"x": np.zeros(1)}, "'x' is [1] there and missing in the sweep"),
        (TENSORS | {"w": np.zeros((3, 2))}, "'w' is [3, 2] there and [2, 3] in"),
    ],
)
def test_other_tensors_are_refused(tmp_path, tensors, said):
    path = tmp_path / "x.safetensors"
    path.write_bytes(save(tensors))
    check_weights(path, *POINT)
    with pytest.raises(InputError, match=re.escape(said)):
        check_weights(path, *POINT, SHAPES)


def test_weights_of_another_point_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(save(TENSORS, metadata=SAID))
    check_weights(path, *POINT, SHAPES)
    with pytest.raises(InputError, match="says that its step is '2' instead of '4'"):
        check_weights(path, "t", 0, 4, SHAPES)


def test_what_tensors_models_have_outlives_every_change(run):
    run.path.mkdir()
    assert expected_shapes(run) is None
    expect_shapes(run, SHAPES)
    keep_model(run, *POINT, b"weights")
    sha256 = hashlib.sha256(b"x").hexdigest()
    entry = {"trial_id": "t", "replicate": 1, "step": 2, "sha256": sha256}
    record_models(run, {"t/replicate-1-step-2.safetensors": entry})
    write_kept_models(run, read_kept_models(run))
    assert expected_shapes(run) == SHAPES
    assert len(read_kept_models(run)) == 2
    assert find_model(run, *POINT) == model_path(run, *POINT)


@pytest.mark.parametrize("shapes", ["[1]", "3", '"w"'])
def test_damaged_shapes_are_one_sentence(run, shapes):
    (run.path / "models").mkdir(parents=True)
    (run.path / "models" / "manifest.json").write_text(f'{{"models": {{}}, "shapes": {shapes}}}')
    with pytest.raises(InputError, match=r"models: '.*manifest\.json' is damaged"):
        expected_shapes(run)
