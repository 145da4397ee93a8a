from __future__ import annotations

import io

import pytest
from pyarrow import fs

from pareto_explorer.errors import InputError
from pareto_explorer.runs.files.storage import SCHEMES, Storage, is_uri, open_storage, shown
from tests.runs.flaky import Flaky


@pytest.mark.parametrize("text", ["s3://bucket/run", "gs://b", "file:///tmp/run", "S3://bucket"])
def test_uris_are_told_from_paths(text):
    assert is_uri(text)


@pytest.mark.parametrize("text", ["runs/digits", "/abs/run", "C://run", "C:\\run", "a:b", "s3:/b"])
def test_paths_are_told_from_uris(text):
    assert not is_uri(text)


def test_what_may_be_secret_is_not_shown():
    assert shown("s3://KEY:SE/CRET@bucket/run?region=x") == "s3://bucket/run"
    assert shown("s3://KEY:SE%2FCRET@bucket/run?secret=x") == "s3://bucket/run"
    assert shown("abfss://container@account/run") == "abfss://container@account/run"


def test_an_unknown_scheme_is_one_sentence_that_names_the_known_ones():
    with pytest.raises(InputError) as refused:
        open_storage("ftp://KEY:SECRET@host/run")
    message = str(refused.value)
    assert message.startswith("storage: 'ftp://host/run' has a scheme that pyarrow does not open")
    assert all(scheme in message for scheme in SCHEMES)
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("uri", ["s3:///run", "s3://KEY:SECRET@bucket/run?nonsense=1"])
def test_a_uri_that_cannot_be_opened_says_what_to_check(uri):
    with pytest.raises(InputError, match=r"cannot be opened .*AWS_ACCESS_KEY_ID") as refused:
        open_storage(uri)
    assert "SECRET" not in str(refused.value).replace("AWS_SECRET", "")
    assert "\n" not in str(refused.value)


def test_a_google_bucket_gives_up_in_time(monkeypatch):
    asked = []

    class Opener:
        type_name = "gcs"

        @classmethod
        def from_uri(cls, uri):
            asked.append(uri)
            return cls(), "bucket/run"

    monkeypatch.setattr(fs, "FileSystem", Opener)
    open_storage("gs://bucket/run")
    open_storage("gs://bucket/run?project_id=p")
    open_storage("gcs://bucket/run?retry_limit_seconds=99")
    assert asked == [
        "gs://bucket/run?retry_limit_seconds=15",
        "gs://bucket/run?project_id=p&retry_limit_seconds=15",
        "gcs://bucket/run?retry_limit_seconds=99",
    ]


def test_files_are_listed_by_name_without_hidden_ones(tmp_path):
    for name in ("b.txt", "a/b/c.txt", ".hidden", "a/.hidden", ".h/x", "tune/x", "a/tune/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    storage = open_storage(tmp_path.as_uri())
    assert storage.files({"tune"}) == ["a/b/c.txt", "a/tune/y", "b.txt"]
    assert storage.files({"a/*"}) == ["b.txt", "tune/x"]
    assert storage.files({"*.txt", "a/b"}) == ["a/tune/y", "b.txt", "tune/x"]  # files stay
    assert open_storage((tmp_path / "absent").as_uri()).files() == []


def test_content_survives_in_both_directions(tmp_path):
    storage = open_storage(tmp_path.as_uri() + "/")
    content = bytes(range(256)) * 1000
    storage.write("deep/er/file", io.BytesIO(content))
    copy = io.BytesIO()
    storage.read("deep/er/file", copy)
    assert copy.getvalue() == content
    assert (tmp_path / "deep" / "er" / "file").read_bytes() == content
    assert storage.read_bytes("deep/er/file") == content
    assert storage.read_bytes("deep/er/absent") is None


def test_sizes_are_those_of_all_files_below_a_folder(tmp_path):
    storage = open_storage((tmp_path / "a run").as_uri())
    assert storage.sizes("models") == {}
    for name in ("models/a/x", "models/a/.y", "models/z", "modelsx/a", "other"):
        storage.write_bytes(name, b"x" * len(name))
    found = {"models/a/x": 10, "models/a/.y": 11, "models/z": 8}
    assert storage.sizes("models") == found
    assert storage.sizes("models/a") == {n: s for n, s in found.items() if "/a/" in n}


def test_what_is_deleted_is_gone_and_the_rest_stays(tmp_path):
    storage = open_storage(tmp_path.as_uri())
    for name in ("a/x", "a/y"):
        storage.write_bytes(name, b"x")
    storage.delete("a/x")
    assert storage.files() == ["a/y"]
    with pytest.raises(FileNotFoundError):
        storage.delete("a/x")


@pytest.mark.parametrize("operation", ["mkdir", "write", "move"])
def test_a_failed_write_leaves_the_former_content(tmp_path, operation):
    flaky = Flaky()
    storage = flaky.storage(tmp_path)
    storage.write_bytes("file", b"former")
    flaky.breaks(operation)
    with pytest.raises(OSError, match="storage is away"):
        storage.write_bytes("file", b"newer, and longer")
    assert (tmp_path / "file").read_bytes() == b"former"
    flaky.breaks()
    assert storage.files() == ["file"]


def test_an_object_store_is_written_directly(tmp_path):
    class Bucket:
        """A local folder that calls itself a bucket."""

        type_name = "s3"

        def __getattr__(self, name):
            assert name not in ("move", "create_dir")
            return getattr(fs.LocalFileSystem(), name)

    Storage(Bucket(), str(tmp_path)).write_bytes("file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"content"
