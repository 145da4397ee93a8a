import pytest
import yaml

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, read_manifest, write_manifest
from tests.synthetic import HOSTILE_KNOB, write_synthetic_run


def test_the_paths_are_those_of_the_contract(tmp_path):
    run = RunDirectory(tmp_path)
    names = ["sweep_yaml", "points", "journal", "landmarks", "report", "tune"]
    assert [getattr(run, name).relative_to(tmp_path).as_posix() for name in names] == [
        "sweep.yaml",
        "points.parquet",
        "points.jsonl",
        "landmarks.parquet",
        "report",
        "tune",
    ]


def test_a_manifest_comes_back_as_it_was_written(tmp_path):
    run = RunDirectory(tmp_path / "new" / "run")
    manifest = {"spec": {"lr": 1e-3, "tiny": 1e-300, "z": [1, None, True], "a": HOSTILE_KNOB}}
    manifest |= {"command": "sweep --set 'x: {y}'", "name": "größe\n"}
    write_manifest(run, manifest)
    assert read_manifest(run) == {"format": 1, **manifest}
    assert list(read_manifest(run)) == ["format", "spec", "command", "name"]


def test_a_manifest_with_objects_is_refused_and_nothing_is_written(tmp_path):
    run = RunDirectory(tmp_path)
    write_manifest(run, {"name": "former"})
    with pytest.raises(yaml.YAMLError):
        write_manifest(run, {"name": object()})
    assert read_manifest(run)["name"] == "former"


def test_what_is_no_run_directory_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"run: '.*absent' is not a directory; give one"):
        read_manifest(RunDirectory(tmp_path / "absent"))
    with pytest.raises(InputError, match=r"run: '.*' has no sweep\.yaml"):
        read_manifest(RunDirectory(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"spec: [1, 2", "is damaged"),
        (b"\xff\xfe\x00\xd8", "is damaged"),
        (b"", "holds no mapping"),
        (b"- 1\n", "holds no mapping"),
        (b"name: x\n", "has format None, but this version reads format 1"),
        (b"format: 2\n", "has format 2"),
        (b"!!python/object/apply:os.system ['true']", "is damaged"),
    ],
)
def test_a_damaged_manifest_is_refused_by_name(tmp_path, content, message):
    run = RunDirectory(tmp_path)
    run.sweep_yaml.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_manifest(run)
    assert "sweep.yaml" in str(caught.value)


def test_the_synthetic_manifest_has_what_readers_rely_on(tmp_path):
    manifest = read_manifest(write_synthetic_run(tmp_path))
    assert {"format", "spec", "box", "versions", "command", "facts", "name", "written"} <= set(
        manifest
    )


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("name: [a]", r"name: input should be a valid string, found \['a'\]"),
        ("name: 2026", "name: input should be a valid string, found 2026"),
        ("spec: [1]", "spec: input should be a valid dictionary"),
        ("spec: {search: compare}", "spec.search: input should be a valid dictionary"),
        ("spec: {search: {configurations: x}}", "spec.search.configurations: input should be"),
        ("spec: {replicates: [0]}", "spec.replicates: input should be"),
        ("spec: {replicates: {training_seeds: 3}}", "spec.replicates.training_seeds: input"),
        ("spec: {families: {a: 1}}", "spec.families: input should be a valid list"),
        ("spec: {families: [a]}", "spec.families.0: input should be a valid dictionary"),
        ("spec: {task: digits}", "spec.task: input should be a valid dictionary"),
        ("domains: {f: [lr]}", "domains.f: input should be a valid dictionary"),
        ("domains: {f: {lr: {uniform: 1}}}", "domains.f.lr.uniform: input should be a valid list"),
        ("box: []", "box: input should be a valid dictionary"),
        ("facts: text", "facts: input should be a valid dictionary"),
        ("versions: {torch: 2.1}", "versions.torch: input should be a valid string, found 2.1"),
        ("machine: {cpus: 4}", "machine.processor: field required"),
        ("written: {}", "written: input should be a valid string"),
        ("imported: {not_recorded: [time]}", "imported.not_recorded.0: input should be"),
        ("command: !!timestamp x", "line 2: the tag '!!timestamp' is not read"),
        (f"facts: {'[' * 200}{']' * 200}", "line 2: more than 50 lists or mappings lie inside"),
        ("a: &a [1]\nb: &b " + str(["*a"] * 9).replace("'", ""), ""),
        ("name: x\nname: y", "line 3: the key 'name' stands twice"),
    ],
)
def test_an_entry_of_another_type_is_told_with_its_place(tmp_path, entry, problem):
    run = RunDirectory(tmp_path)
    run.sweep_yaml.write_text(f"format: 1\n{entry}\n")
    if not problem:
        assert len(read_manifest(run)["b"]) == 9
        return
    with pytest.raises(InputError, match=rf"sweep\.yaml' is damaged \({problem}"):
        read_manifest(run)
