import numpy as np
import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import front
from pareto_explorer.interchange import read_foreign
from tests.interchange.tables import OBJECTIVES, mapping, write

TABLE = """
    name,method,term,seed,epoch,lr,loss,gain,other,note,state
    a,up,kl,7,1,0.1,0.5,0.25,1,x,done
    a,up,kl,8,1,0.1,0.7,0.35,2,x,done
    b,mg,kl,7,1,0.2,0.1,0.75,3,,done
    b,mg,kl,8,1,0.2,,,4,,crashed
    c,mg,,7,1,,0.4,inf,5,,done
    c,mg,,8,1,,0.4,0.5,6,,done
    gold,,,7,1,,0.0,1.0,7,,done
    gold,,,7,2,,0.1,0.9,7,,done
    gold,,,8,2,,0.2,0.8,7,,done
"""
COLUMNS = {
    "trial_id": "name",
    "family": ["method", "term"],
    "training_seed": "seed",
    "step": "epoch",
    "status": "state",
    "config.lr": "lr",
}
STATUSES = {"done": "ok", "crashed": "failed"}
GOLD = {"column": "name", "retrained": "gold"}


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "sweep.csv", TABLE)


def test_every_column_lands_where_the_mapping_says(table):
    found = read_foreign(table, mapping(columns=COLUMNS, statuses=STATUSES, landmarks=GOLD))
    points = found.points
    assert points["trial_id"].tolist() == ["a", "a", "b", "b", "c", "c"]
    assert points["family"].tolist() == ["up/kl", "up/kl", "mg/kl", "mg/kl", "mg", "mg"]
    assert points["replicate"].tolist() == [0, 1] * 3
    assert points["training_seed"].tolist() == [7, 8] * 3
    assert points["step"].tolist() == [1] * 6
    assert points["status"].tolist() == ["ok", "ok", "ok", "failed", "diverged", "ok"]
    assert points["trial_status"].tolist() == ["finished"] * 2 + ["failed"] * 2 + ["diverged"] * 2
    assert points["error"].tolist()[4:] == ["no finite value of gain"] * 2
    assert points["config.lr"].tolist()[:4] == [0.1, 0.1, 0.2, 0.2]
    assert points["other"].tolist() == [1, 2, 3, 4, 5, 6]
    assert points["samples"].tolist() == [0] * 6
    assert found.landmarks.to_dict("list") == {
        "landmark": ["retrained"] * 2,
        "replicate": [0, 1],
        "training_seed": [7, 8],
        "gain": [0.9, 0.8],  # of two steps the last
        "loss": [0.1, 0.2],
        "other": [7.0, 7.0],
    }
    imported = found.manifest["imported"]
    assert imported["not_recorded"] == ["samples", "seconds"]
    assert imported["ignored_columns"] == ["note"]
    assert front(points, found.box)["trial_id"].tolist() == ["a"]


def test_the_units_and_the_box_are_those_of_the_mapping(table):
    whole = {"columns": COLUMNS, "statuses": STATUSES, "landmarks": GOLD}
    found = read_foreign(table, mapping(**whole, reference=[1, 2]))
    assert found.box.to_dict() == {"objectives": OBJECTIVES, "reference": [1.0, 2.0]}
    assert found.manifest["box"] == found.box.to_dict()
    given = {"ideal": "given", "nadir": "given"}
    assert found.manifest["imported"]["bounds"] == {"loss": given, "gain": given}


@pytest.mark.parametrize("first", ["min", "max"])
@pytest.mark.parametrize("second", ["min", "max"])
def test_open_bounds_are_the_range_of_what_went_well(table, first, second):
    objectives = [{"metric": "loss", "direction": first}, {"metric": "gain", "direction": second}]
    whole = {"columns": COLUMNS, "statuses": STATUSES, "landmarks": GOLD}
    found = read_foreign(table, mapping(**whole | {"objectives": objectives}))
    ends = {"loss": [0.1, 0.7], "gain": [0.25, 0.75]}
    for objective in found.box.objectives:
        bounds = [objective.ideal, objective.nadir]
        assert bounds == ends[objective.metric][:: 1 if objective.direction == "min" else -1]
    open_ends = {"ideal": "from the data", "nadir": "from the data"}
    assert found.manifest["imported"]["bounds"] == {"loss": open_ends, "gain": open_ends}


def test_a_table_without_a_mapping_of_columns_is_one_family(tmp_path):
    path = write(tmp_path / "mine.csv", "config/lr,loss,gain\n0.1,0.5,0.5\n0.2,0.6,0.7")
    found = read_foreign(path, mapping())
    assert found.points["family"].tolist() == ["mine", "mine"]
    assert found.points["trial_id"].tolist() == ["mine-000", "mine-001"]
    assert found.points["config.lr"].tolist() == [0.1, 0.2]
    assert found.manifest["name"] == "mine"


def test_seeds_make_replicates_of_one_configuration(tmp_path):
    path = write(
        tmp_path / "t.csv",
        "seed,config.lr,loss,gain\ns2,1,.5,.5\ns1,1,.4,.4\ns1,2,.3,.3\ns2,2,.2,.2",
    )
    found = read_foreign(path, mapping(columns={"replicate": "seed"})).points
    assert found["trial_id"].tolist() == ["t-000", "t-000", "t-001", "t-001"]
    assert found["replicate"].tolist() == [0, 1, 0, 1]
    assert found["loss"].tolist() == [0.4, 0.5, 0.3, 0.2]
    assert found["config.lr"].dtype == np.dtype("int64")


def test_our_own_points_table_comes_back(run, tmp_path):
    path = tmp_path / "points.csv"
    run.points.to_csv(path, index=False)
    objectives = run.box.to_dict()["objectives"]
    found = read_foreign(path, mapping(objectives=objectives))
    assert found.box == run.box
    same = run.points.assign(trial_status=found.points["trial_status"])
    same["error"] = found.points["error"]
    pd.testing.assert_frame_equal(found.points, same)


def test_other_separators_and_parquet(tmp_path):
    text = "loss;gain\n0.5;0.25"
    path = write(tmp_path / "a.csv", text)
    with pytest.raises(InputError, match=r"put separator: ';' into the mapping"):
        read_foreign(path, mapping())
    assert read_foreign(path, mapping(separator=";")).points["gain"].tolist() == [0.25]
    path = write(tmp_path / "a.tsv", text.replace(";", "\t"))
    assert read_foreign(path, mapping()).manifest["imported"]["kind"] == "TSV file"
    pd.DataFrame({"loss": [0.5], "gain": [0.25]}).to_parquet(tmp_path / "a.parquet")
    assert read_foreign(tmp_path / "a.parquet", mapping()).points["loss"].tolist() == [0.5]


def test_an_error_rate_is_a_metric_once_it_has_another_name(tmp_path):
    path = write(tmp_path / "a.csv", "error,gain\n0.5,0.25")
    objectives = [{**OBJECTIVES[0], "metric": "error"}, OBJECTIVES[1]]
    with pytest.raises(InputError, match=r"such as metrics: \{error_rate: error\}"):
        read_foreign(path, mapping(objectives=objectives))
    objectives[0]["metric"] = "error_rate"
    found = read_foreign(path, mapping(objectives=objectives, metrics={"error_rate": "error"}))
    assert found.points["error_rate"].tolist() == [0.5]
    assert found.points["error"].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": {**COLUMNS, "step": "epok"}}, r"columns\.step of .* did you mean 'epoch'\?"),
        ({"metrics": {"f1": "f_1"}}, r"metrics\.f1 of .*sweep\.csv'.*: 'f_1' is not known"),
        ({"ignore": ["nope"]}, r"ignore of .*'nope' is not known"),
        ({"columns": {**COLUMNS, "step": "lr"}}, r"column 'lr' holds 0\.1 in row 1, where a whole"),
        ({"columns": {**COLUMNS, "seconds": "note"}}, r"'note' holds 'x' in row 1, where a number"),
        ({"columns": {**COLUMNS, "replicate": "lr"}}, r"'lr' is empty in row 5; give every row"),
        ({"statuses": {"done": "ok"}}, r"'state' holds 'crashed' in row 4; .* \{crashed: ok\}"),
        ({"columns": {"status": "state"}}, r"rows 1 and 2 are both trial .*map replicate or step"),
        ({"columns": {**COLUMNS, "family": "term"}}, r"row 5 has no family, as term is empty"),
        ({"columns": {**COLUMNS, "config.n": "other"}}, r"trial 'a' has 1 and 2 as config\.n"),
        ({"objectives": []}, r"objectives: .*sweep\.csv' says nothing of its objectives; name"),
        (
            {"objectives": [OBJECTIVES[0], {**OBJECTIVES[1], "metric": "note"}]},
            r"objectives\.1\.metric: .*column 'note' holds 'x' in row 1, where a number",
        ),
        (
            {"objectives": [OBJECTIVES[0], {**OBJECTIVES[1], "metric": "gian"}]},
            r"objectives\.1\.metric: 'gian' is not known; did you mean 'gain'\?",
        ),
        ({"landmarks": {"column": "name", "original": "silver"}}, r"never holds 'silver'"),
        ({"landmarks": {"column": "names"}}, r"landmarks\.column of .* did you mean 'name'\?"),
        (
            {"objectives": [OBJECTIVES[0], {"metric": "other", "direction": "max", "nadir": 9}]},
            r"objectives: other: the data give no range .* give both",
        ),
    ],
)
def test_mistakes_name_the_file_the_column_and_the_fix(table, change, message):
    whole = {"columns": COLUMNS, "statuses": STATUSES, "landmarks": GOLD, **change}
    with pytest.raises(InputError, match=message) as caught:
        read_foreign(table, mapping(**whole))
    assert "\n" not in str(caught.value)


def test_rows_that_contradict_each_other_are_refused(tmp_path):
    rows = "x,0,1,.5,.5\n" + "y,0,1,.5,.5\n" + "x,0,1,.5,.6\n"
    path = write(tmp_path / "a.csv", "trial_id,replicate,step,loss,gain\n" + rows)
    with pytest.raises(InputError, match=r"rows 1 and 3 are both trial 'x'.* in gain; remove one"):
        read_foreign(path, mapping())


def test_rows_that_repeat_others_are_one_point(tmp_path):
    rows = "x,0,1,.5,.5,1\n" + "y,0,1,.5,,1\n" + "x,0,1,.5,.5,2\n" + "y,0,1,.5,,1\n"
    path = write(tmp_path / "a.csv", "trial_id,replicate,step,loss,gain,seconds\n" + rows)
    points = read_foreign(path, mapping()).points
    assert points["trial_id"].tolist() == ["x", "y"]
    assert points["seconds"].tolist() == [1, 1]


def test_empty_and_unreadable_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"there is no '.*none\.csv'"):
        read_foreign(tmp_path / "none.csv", mapping())
    with pytest.raises(InputError, match=r"holds no rows"):
        read_foreign(write(tmp_path / "a.csv", "loss,gain"), mapping())
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(InputError, match="holds no rows"):
        read_foreign(tmp_path / "b.csv", mapping())
    (tmp_path / "c.parquet").write_text("PAR1")
    with pytest.raises(InputError, match=r"cannot be read"):
        read_foreign(tmp_path / "c.parquet", mapping())
    with pytest.raises(InputError, match=r"none of the formats that can be read"):
        read_foreign(write(tmp_path / "d.txt", "loss"), mapping())
