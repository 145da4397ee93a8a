import pickle
from pathlib import Path

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs.files.model_files import ModelFiles, model_name


@pytest.fixture(params=["folder", "uri"])
def place(request, tmp_path):
    """A run directory, and the same behind a URI; with a space in its name."""
    folder = tmp_path / "a run"
    folder.mkdir()
    return folder if request.param == "folder" else f"{folder.as_uri()}/"


@pytest.fixture
def files(place):
    return ModelFiles(place)


def below(tmp_path):
    folder = tmp_path / "a run" / "models"
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_what_is_put_can_be_read_replaced_and_deleted(files, tmp_path):
    name = model_name("upgrad-000", 1, 60)
    assert name == "upgrad-000/replicate-1-step-60.safetensors"
    assert files.get(name) is None
    files.put(name, b"one")
    files.put(name, b"three")
    assert files.get(name) == b"three"
    assert (tmp_path / "a run" / "models" / name).read_bytes() == b"three"
    assert files.sizes() == {name: 5}
    assert files.delete([name]) == []
    assert files.delete([name]) == []
    assert files.sizes() == {}
    assert below(tmp_path) == []


def test_a_failed_write_leaves_the_former_file_and_no_litter(tmp_path, monkeypatch):
    files, name = ModelFiles(tmp_path), model_name("a", 0, 1)
    files.put(name, b"one")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        files.put(name, b"two")
    monkeypatch.undo()
    assert [p.read_bytes() for p in (tmp_path / "models" / "a").iterdir()] == [b"one"]


def test_only_own_files_are_listed(files, tmp_path):
    names = [model_name(trial, 0, step) for trial in ("a", "ab", "a b", "..") for step in (1, 20)]
    for name in names:
        files.put(name, b"x")
    folder = tmp_path / "a run" / "models"
    for name in ("manifest.json", ".lock", "a/notes.txt", "a/replicate-x-step-1.safetensors"):
        (folder / name).write_bytes(b"strange")
    left = ["a/.replicate-0-step-3.safetensors.4711", "a/.replicate-0-step-3.safetensors.part"]
    for name in left:
        (folder / name).write_bytes(b"half")
    assert files.sizes() == dict.fromkeys(names, 1) | dict.fromkeys(left, 4)
    assert files.sizes("a").keys() == {n for n in [*names, *left] if n.startswith("a/")}
    assert files.sizes("..").keys() == {n for n in names if n.startswith("%2E%2E/")}
    assert files.sizes("c") == {}


def test_a_place_that_does_not_exist_holds_nothing(files, tmp_path):
    (tmp_path / "a run").rmdir()
    assert files.sizes() == {}
    files.prune()
    assert not (tmp_path / "a run").exists()


def test_a_run_directory_that_was_removed_stays_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        ModelFiles(tmp_path / "run").put(model_name("a", 0, 1), b"one")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_deleted_is_named_and_the_rest_deleted(files, tmp_path):
    names = [model_name("a", 0, step) for step in range(3)]
    for name in (names[0], names[2]):
        files.put(name, b"x")
    (tmp_path / "a run" / "models" / names[1]).mkdir()
    assert files.delete(names) == [names[1]]
    assert files.sizes().keys() <= {names[1]}


def test_pickles_without_a_connection(files, place):
    files.put(model_name("a", 0, 1), b"x")
    again = pickle.loads(pickle.dumps(files))  # noqa: S301
    assert again.get(model_name("a", 0, 1)) == b"x"
    assert again.uri == str(place).rstrip("/") * isinstance(place, str)


def test_empty_folders_are_pruned(tmp_path):
    files = ModelFiles(tmp_path)
    for trial in ("a", "b", "c"):
        files.put(model_name(trial, 0, 1), b"x")
    files.delete([model_name("a", 0, 1), model_name("b", 0, 1)])
    files.prune("b")
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["a", "c"]
    files.prune()
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["c"]


def test_a_writable_place_is_left_as_it_was(files, tmp_path):
    files.require_writable()
    assert below(tmp_path) == []


def test_a_place_that_cannot_be_written_is_one_sentence(files, tmp_path):
    (tmp_path / "a run").rmdir()
    (tmp_path / "a run").write_text("a file")
    with pytest.raises(
        InputError, match=r"`out`: models cannot be written to '.*a.+run/models' \("
    ):
        files.require_writable()


def test_a_place_that_cannot_be_deleted_from_is_one_sentence(files, monkeypatch):
    monkeypatch.setattr(ModelFiles, "delete", lambda _, names: list(names))
    with pytest.raises(InputError, match=r"`out`: models cannot be deleted from '.*models'; allow"):
        files.require_writable()


def test_an_unknown_scheme_is_one_sentence():
    with pytest.raises(InputError, match="'ftp://host/run' has a scheme that pyarrow does not"):
        ModelFiles("ftp://host/run").sizes()


def test_shows_its_place_without_secrets():
    assert str(ModelFiles("s3://key:secret@bucket/run?region=x")) == "s3://bucket/run/models"
