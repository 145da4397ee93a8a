"""Tables whose texts stay texts and whose whole numbers stay exact."""

import bz2
import csv
import datetime
import gzip
import io
import lzma
import os
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.interchange import delimited, parquet, read_foreign
from pareto_explorer.interchange.delimited import read_delimited
from pareto_explorer.interchange.importing import import_run
from pareto_explorer.interchange.progress import silent, told
from pareto_explorer.results.run import load_run
from tests.interchange.tables import mapping, write

BIG = 14868914427443211269  # as torch.seed() draws them, beyond 63 bits
RESULTS = "step,loss,gain\n1,0.5,0.25\n2,0.4,0.75\n"


def test_seeds_of_64_bits_stay_apart(tmp_path):
    path = write(
        tmp_path / "t.csv",
        f"""
        trial_id,seed,loss,gain
        a,{BIG},.5,.5
        a,{BIG + 1},.6,.4
        a,3,.7,.3
        b,{BIG},.4,.5
        """,
    )
    found = read_foreign(path, mapping(columns={"replicate": "seed"}))
    assert found.points["replicate"].tolist() == [0, 1, 2, 1]
    assert found.points["loss"].tolist() == [0.7, 0.5, 0.6, 0.4]
    assert found.manifest["imported"]["replicates"] == ["3", str(BIG), str(BIG + 1)]
    with pytest.raises(InputError, match=rf"'seed' holds '{BIG}' in row 1; .* 64 bits is needed"):
        read_foreign(path, mapping(columns={"training_seed": "seed"}))


def test_seeds_of_63_bits_are_kept_as_they_are(tmp_path):
    seeds = [2**63 - 1, 2**63 - 2, 2**53 + 1]
    path = tmp_path / "t.csv"
    path.write_text("seed,loss,gain\n" + "".join(f"{s},.5,.{i + 1}\n" for i, s in enumerate(seeds)))
    columns = {"training_seed": "seed", "replicate": "seed"}
    points = read_foreign(path, mapping(columns=columns)).points
    assert sorted(points["training_seed"]) == sorted(points["replicate"]) == sorted(seeds)
    parquet_path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"seed": seeds, "loss": 0.5, "gain": [0.1, 0.2, 0.3]})
    frame.to_parquet(parquet_path)
    points = read_foreign(parquet_path, mapping(columns=columns)).points
    assert sorted(points["training_seed"]) == sorted(seeds)
    frame.astype({"seed": float}).to_parquet(parquet_path)
    with pytest.raises(InputError, match="a float that does not hold whole numbers of this size"):
        read_foreign(parquet_path, mapping(columns={"replicate": "seed"}))


def test_knobs_beyond_64_bits_are_kept_as_text(tmp_path):
    knobs = [2**70, 2**70 + 1]
    path = tmp_path / "t.csv"
    path.write_text(f"config.entropy,loss,gain\n{knobs[0]},.5,.5\n{knobs[1]},.4,.4\n")
    run = load_run(import_run(path, tmp_path / "run", mapping()).path)
    assert run.points["config.entropy"].tolist() == [str(knob) for knob in knobs]


def test_words_are_no_missing_values(tmp_path):
    path = write(
        tmp_path / "t.csv",
        """
        trial_id,family,schedule,config.clip,config.width,loss,gain
        007,nan,None,None,8,.5,.5
        7,NA,,1.0,,.4,NA
        8,null,cosine,1.0,16,.3,.3
        """,
    )
    found = read_foreign(path, mapping(columns={"family": ["family", "schedule"]}))
    run = load_run(import_run(path, tmp_path / "run", mapping()).path)
    assert found.points["trial_id"].tolist() == ["007", "7", "8"]
    assert found.points["family"].tolist() == ["nan/None", "NA", "null/cosine"]
    assert found.points["config.clip"].tolist() == ["None", "1.0", "1.0"]
    assert found.points["config.width"].tolist() == [8, pd.NA, 16]
    assert found.points["status"].tolist() == ["ok", "failed", "ok"]  # a metric that is NA
    assert run.points["family"].tolist() == ["nan", "NA", "null"]


def test_decimal_commas_can_be_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("family;lr;loss;gain\n1,5;0,1;0,25;0,5\n1,5;0,2;2,5E-1;,75\n")
    with pytest.raises(InputError, match=r"separator: ';' .* decimal: ',' if its numbers"):
        read_foreign(path, mapping())
    with pytest.raises(InputError, match="'loss' holds '0,25' in row 1, where a number is needed"):
        read_foreign(path, mapping(separator=";"))
    chosen = mapping(separator=";", decimal=",", columns={"config.lr": "lr"})
    points = read_foreign(path, chosen).points
    assert points[["config.lr", "loss", "gain"]].to_numpy().tolist() == [
        [0.1, 0.25, 0.5],
        [0.2, 0.25, 0.75],
    ]
    assert points["family"].tolist() == ["1,5", "1,5"]


def test_compressed_tables_are_tables(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inside.csv", RESULTS)
    content = RESULTS.encode()
    for suffix, compressed in (
        ("csv.gz", gzip.compress(content)),
        ("CSV.GZ", gzip.compress(content)),
        ("csv.bz2", bz2.compress(content)),
        ("csv.xz", lzma.compress(content)),
        ("tsv.gz", gzip.compress(content.replace(b",", b"\t"))),
        ("csv.zip", packed.getvalue()),
    ):
        path = tmp_path / f"mine.{suffix}"
        path.write_bytes(compressed)
        found = read_foreign(path, mapping())
        assert found.points["gain"].tolist() == [0.25, 0.75]
        assert found.manifest["name"] == "mine"
        path.write_bytes(compressed[:-12])
        with pytest.raises(InputError, match=r"cannot be (decompressed|read)|is no UTF-8"):
            read_foreign(path, mapping())


def test_a_table_that_grows_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "MAX_BYTES", 10_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"loss,gain\n" + b"1,2\n" * 10_000))
    with pytest.raises(InputError, match=r"holds more than .* of text; split it"):
        read_foreign(path, mapping())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"loss,gain\n1,2\n1,2,3\n", "line 3 has 3 cells where the header has 2"),
        (b"loss,gain\n1,2\n1", "line 3 has 1 cells where the header has 2"),
        (b"loss,loss\n1,2\n", "has two columns 'loss'; rename one"),
        (b'loss,gain\n"1,2\n3,4\n', "cannot be read .unexpected end of data.; correct its quotes"),
        (b"loss,gain\n1,\xe9\n", "is no UTF-8 text near line 1; save it as UTF-8"),
        ("loss,gain\n1,2\n".encode("utf-16-le"), "holds zero bytes"),
        (b"loss,gain\n" + b"1" * 200_000 + b",2\n", "field larger than field limit"),
        (b"loss,gain\n1e999,2\n", "holds '1e999' in row 1, where a number is needed"),
        (b"loss,gain\n\xc2\xb2,2\n", "holds '²' in row 1, where a number is needed"),
        (b"loss,gain\n1_000,2\n", "holds '1_000' in row 1, where a number is needed"),
        (b",".join(b"c%d" % i for i in range(10_001)), "10,000 are the most"),
        (b"loss,gain,step\n1,2,-1\n2,1,0\n", "of at least 0 and of 64 bits is needed"),
        (b"loss,gain,step\n1,2,1e300\n2,1,0\n", "where a whole number is needed"),
        (b"loss,gain,samples\n1,2,1.5\n2,1,0\n", "where a whole number is needed"),
        (b"loss,gain,seconds\n1,2,inf\n2,1,0\n", "where a number of at least 0 is needed"),
        (b"loss,gain,seconds\n1,2,-3\n2,1,0\n", "where a number of at least 0 is needed"),
        (b"loss,gain,status\n1,2,odd\nword\n", "line 3 has 1 cells"),
    ],
)
def test_bad_tables_are_refused_with_their_place(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_foreign(path, mapping())
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_no_source(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    refused = r"^`source`: .*(there is no|cannot be read)"
    for source in (tmp_path / "pipe.csv", tmp_path / ("x" * 5000), "a\0b.csv"):
        with pytest.raises(InputError, match=refused) as caught:
            read_foreign(source, mapping())
        assert len(str(caught.value)) < 300


def test_encodings_with_a_mark_are_read(tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        path = tmp_path / "t.csv"
        path.write_text("family,loss,gain\né,1,2\n", encoding=encoding)
        assert read_foreign(path, mapping()).points["family"].tolist() == ["é"]


def test_an_index_without_a_name_is_no_metric(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"loss": [0.5, 0.4], "gain": [0.5, 0.6], "step": [1, 2]}).to_csv(path)
    assert "Unnamed: 0" not in read_foreign(path, mapping()).points


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n))))
def test_every_cell_comes_back_as_it_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("cells") / "t.csv"
    width = len(rows[0]) if rows else 1
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([[f"c{i}" for i in range(width)], *rows])
    expected = [[cell or None for cell in row] for row in rows]
    assert read_delimited(path, ",", silent).to_numpy().tolist() == expected


def test_parquet_keeps_whole_numbers_and_texts(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame(
        {
            "family": ["a", "nan", "None"],
            "config.seed": pd.array([2**63 - 1, None, 2**53 + 1], dtype="Int64"),
            "config.big": np.array([2**64 - 1, 2, 3], dtype="uint64"),
            "config.flag": pd.array([True, None, False], dtype="boolean"),
            "config.day": [datetime.date(2026, 1, 1)] * 3,
            "config.widths": [[64], [64, 64], None],
            "config.price": [Decimal("1.5")] * 3,
            "config.bytes": [b"a\xff", b"b", None],
            "config.kind": pd.Categorical(["x", "y", "x"]),
            "loss": np.float32([0.5, 0.4, 0.3]),
            "gain": [0.1, 0.2, 0.3],
        },
        index=[5, 6, 7],
    )
    frame.to_parquet(path)
    points = read_foreign(path, mapping()).points.set_index("family").loc[["a", "nan", "None"]]
    assert points["config.seed"].tolist() == [2**63 - 1, pd.NA, 2**53 + 1]
    assert points["config.big"].tolist() == [str(2**64 - 1), "2", "3"]
    assert points["config.flag"].tolist() == [True, pd.NA, False]
    assert points["config.day"].tolist() == ["2026-01-01"] * 3
    assert points["config.widths"].tolist()[:2] == ["[64]", "[64, 64]"]
    assert points["config.price"].tolist() == [1.5] * 3
    assert points["config.bytes"].tolist()[:2] == ["a\\xff", "b"]
    assert points["config.kind"].tolist() == ["x", "y", "x"]
    assert points["loss"].tolist() == np.float32([0.5, 0.4, 0.3]).tolist()


def test_a_parquet_file_of_absurd_size_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"loss": np.zeros(1000), "gain": 0.0}).to_parquet(path)
    monkeypatch.setattr(parquet, "MAX_CELLS", 1000)
    with pytest.raises(InputError, match="1,000 rows of 2 columns, and 1,000 cells are the most"):
        read_foreign(path, mapping())


def test_long_readings_tell_how_far_they_are():
    lines: list[str] = []
    assert list(told([1, 2, 3], "trials read", lines.append, seconds=0)) == [1, 2, 3]
    assert lines == ["0 of 3 trials read", "1 of 3 trials read", "2 of 3 trials read"]
    list(told(iter([1, 2]), "rows read", lines.append, seconds=0))
    assert lines[-1] == "1 rows read"
    list(told([1, 2], "rows read", lines.append))
    assert len(lines) == 5
