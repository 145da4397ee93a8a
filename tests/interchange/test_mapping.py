import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.interchange import ColumnMapping, load_mapping
from tests.interchange.tables import write


def test_a_file_is_read(tmp_path):
    path = write(
        tmp_path / "mapping.yaml",
        """
        columns: {family: [method, loss], config.lr: learning_rate, step: epoch}
        objectives: [{metric: loss, direction: min, nadir: 1e-1}, {metric: f1, direction: max}]
        landmarks: {column: kind, retrained: gold}
        """,
    )
    found = load_mapping(path)
    assert found.sources("family") == ["method", "loss"]
    assert found.sources("step") == ["epoch"]
    assert found.sources("replicate") == []
    assert found.objectives[0].nadir == 0.1
    assert found.objectives[1].ideal is None
    assert load_mapping(found) is found
    assert load_mapping(None) == ColumnMapping()


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    (tmp_path / "mapping.yaml").touch()
    assert load_mapping(tmp_path / "mapping.yaml") == ColumnMapping()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"colums": {}}, r"m: colums: 'colums' is not known; did you mean 'columns'\?"),
        ({"columns": {"trail_id": "x"}}, r"'trail_id' is not known; did you mean 'trial_id'\?"),
        ({"columns": {"config.": "x"}}, r"columns: 'config\.' is not known"),
        ({"columns": {"step": ["a", "b"]}}, r"columns\.step: .* only family may have them"),
        ({"columns": {"family": []}}, r"columns\.family: the list is empty"),
        ({"objectives": [{"metric": "a", "direction": "min"}]}, r"objectives: 1 given; declare"),
        (
            {"objectives": [{"metric": "a", "direction": "down"}]},
            r"objectives\.0\.direction: .* found 'down'\.",
        ),
        ({"objectives": [{"metric": "a"}]}, r"objectives\.0\.direction: missing"),
        (
            {"objectives": [{"metric": "a", "direction": "min", "worst": 1}]},
            r"objectives\.0\.worst: 'worst' is not known",
        ),
        ({"landmarks": {"colum": "a"}}, r"landmarks\.c"),
        ({"statuses": {"done": "good"}}, r"statuses\.done: .* found 'good'"),
        (["columns"], r"m: the file: .* found \['columns'\]"),
    ],
)
def test_mistakes_are_told_with_their_place(data, message):
    with pytest.raises(InputError, match=message) as caught:
        ColumnMapping.from_dict(data, "m")
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml': cannot be read \(No such file"):
        load_mapping(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(InputError, match=r"bad\.yaml': is no YAML"):
        load_mapping(tmp_path / "bad.yaml")
