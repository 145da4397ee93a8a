from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from ray.core.generated.common_pb2 import JobConfig

import pareto_explorer
from pareto_explorer.sweeps.cluster.shipping import (
    LARGEST,
    SUBMITTED,
    job_options,
    modules_of,
    runtime_env,
)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A folder with a user's modules, which Python finds."""
    files = {
        "mine.py": "import numpy, helpers\nfrom pareto_explorer import errors\nX = 1\n",
        "helpers.py": "import json\nimport deep.er\nimport not_there\n",
        "deep/__init__.py": "from . import er\nfrom .other import nothing\n",
        "deep/er.py": "",
        "lab/__init__.py": "",
        "lab/losses/__init__.py": "import mine\n",
        "loose/part.py": "",
        "broken.py": "def (",
        "other.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in ("mine", "helpers", "deep", "lab"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def places(home: Path, spec: dict) -> list[str]:
    return [path.relative_to(home).as_posix() for path in modules_of(spec)]


def test_a_specification_without_own_parts_names_no_module(home):
    spec = {"task": {"name": "digits"}, "families": [{"method": "fine_tune", "lr": 0.1}]}
    assert modules_of(spec) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"task": {"name": "other:make"}},
        {"families": [{"method": "other:Method"}]},
        {"families": [{"aggregator": ["upgrad", "other:Tilted"]}]},
        {"families": [{"forget_loss": "other:Tilted"}]},
    ],
)
def test_a_module_is_found_wherever_it_is_named(home, spec):
    assert places(home, spec) == ["other.py"]


def test_what_the_users_modules_import_of_the_users_own_comes_with_them(home):
    assert places(home, {"x": "mine:X"}) == ["deep", "helpers.py", "mine.py"]
    assert places(home, {"x": "lab.losses:hinge"}) == ["deep", "helpers.py", "lab", "mine.py"]


def test_a_package_without_init_is_one_too(home):
    assert places(home, {"x": "loose.part:y"}) == ["loose"]


def test_nothing_is_imported(home):
    modules_of({"x": "lab.losses:hinge"})
    assert not {"mine", "helpers", "deep", "lab"} & sys.modules.keys()


def test_a_module_that_cannot_be_read_is_still_shipped(home):
    assert places(home, {"x": "broken:y"}) == ["broken.py"]


@pytest.mark.parametrize(
    "text",
    [
        "numpy:array",
        "json:loads",
        "sys:path",
        "pareto_explorer.errors:unknown",
        "not_there:x",
        "cuda:0",
        "C:\\data",
        "s3://mine/x",
        "retain_gap <= 0.02",
        "mine : X",
    ],
)
def test_other_texts_and_installed_modules_are_left_out(home, text):
    assert modules_of({"x": text}) == []


def files_below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_only_the_code_of_a_package_is_shipped(tmp_path, monkeypatch):
    package = tmp_path / "lab"
    files = ["__init__.py", "net/layers.py", "settings.yaml", "labels.json"]
    data = ["data/x.npy", "model.pt", ".git/config.json", "net/__pycache__/layers.cpython.py"]
    for name in files + data:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("x = 1\n")
    (package / "huge.json").write_bytes(b" " * (LARGEST + 1))
    monkeypatch.delenv(SUBMITTED, raising=False)
    env = runtime_env([package], tmp_path / "copies")
    own, lab = map(Path, env["py_modules"])
    assert lab.name == "lab"
    assert files_below(lab) == set(files)
    assert own.name == "pareto_explorer"
    code = Path(pareto_explorer.__file__).parent
    assert files_below(own) >= {p.relative_to(code).as_posix() for p in code.rglob("*.py")}
    assert (own / "errors.py").read_text() == (code / "errors.py").read_text()


def test_a_single_file_is_shipped_as_it_is(tmp_path):
    (tmp_path / "mine.py").touch()
    env = runtime_env([tmp_path / "mine.py"], tmp_path / "copies")
    assert env["py_modules"][-1] == str(tmp_path / "mine.py")


def test_packages_of_one_name_do_not_mix(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place / "lab").mkdir(parents=True)
        (tmp_path / place / "lab" / f"{place}.py").touch()
    env = runtime_env([tmp_path / "a" / "lab", tmp_path / "b" / "lab"], tmp_path / "copies")
    assert [files_below(Path(p)) for p in env["py_modules"][1:]] == [{"a.py"}, {"b.py"}]


def test_what_a_submitted_job_brings_stays(tmp_path, monkeypatch):
    submitted = {"runtime_env": {"py_modules": ["gcs://theirs.zip"], "working_dir": "gcs://w.zip"}}
    monkeypatch.setenv(SUBMITTED, json.dumps(submitted))
    env = runtime_env([], tmp_path)
    assert env["py_modules"][0] == "gcs://theirs.zip"
    assert len(env["py_modules"]) == 2
    assert env.keys() == {"py_modules"}


@pytest.mark.parametrize("text", ["{}", '{"runtime_env": null}', '{"runtime_env": {}}'])
def test_a_submitted_job_may_bring_nothing(tmp_path, monkeypatch, text):
    monkeypatch.setenv(SUBMITTED, text)
    assert len(runtime_env([], tmp_path)["py_modules"]) == 1


def sent(address, *added):
    """What workers put before their own places, in the order in which they look."""
    job = job_options(address)["job_config"]
    job._py_driver_sys_path.extend(added)  # as Ray does
    path = []
    for place in JobConfig.FromString(job._serialize()).py_driver_sys_path:
        path.insert(0, place)
    return path


def test_workers_on_this_machine_look_where_the_driver_does_and_in_its_order(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", ["/usr/lib/python", "/x/site-packages"])
    assert sent(None, str(home)) == ["/usr/lib/python", "/x/site-packages", str(home)]
    monkeypatch.setattr(sys, "path", ["", "/usr/lib/python"])  # an interactive session
    assert sent(None, str(home)) == [str(home), "/usr/lib/python"]


def test_workers_elsewhere_do_not_look_in_the_drivers_folder(home):
    assert sent("10.0.0.1:6379", str(home)) == []
    assert job_options("ray://10.0.0.1:10001") == {}
