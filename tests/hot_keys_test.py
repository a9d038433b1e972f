"""table inspect --keys against DuckDB: counts, shares, partitions, NULLs, in memory and through the scratch folder."""

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tidemill_command import call, call_json
from world import World


def write_table(folder: Path, seed: int, rows: int = 20_000) -> None:
    """A few files in partitions; half of the rows of `hot` have one value, many of `sparse` have none."""
    random = np.random.default_rng(seed)
    for part, country in enumerate(["de", "se", "se", "us"]):
        n = rows // 4 + part
        numbers = random.integers(-1000, 1000, n)
        table = pa.table(
            {
                "hot": pa.array([f"u{user}" if cold else "robot" for user, cold in zip(random.integers(0, 3000, n), random.random(n) < 0.5)]),
                "many": pa.array([f"event-{part}-{i}" for i in range(n)]),
                "sparse": pa.array(random.integers(0, 40, n), mask=random.random(n) < 0.3),
                "double": pa.array([(math.nan, -0.0, 0.0, 1.5)[i % 4] for i in random.integers(0, 4, n)]),
                "amount": pa.array([Decimal(int(i)) / 100 for i in numbers], pa.decimal128(12, 2)),
                "day": pa.array([dt.date(2026, 1, 1) + dt.timedelta(int(i) % 50) for i in numbers]),
                "at": pa.array(numbers * 1_000_000, pa.timestamp("us", "UTC")),
                "flag": pa.array([bool(i % 3) for i in numbers]),
                "bytes": pa.array([str(i % 7).encode() for i in numbers], pa.binary()),
            }
        )
        path = folder / f"country={country}"
        path.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path / f"part-{part}.parquet", row_group_size=1000 + 700 * part, use_dictionary=part != 1)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "events"
    write_table(folder, seed=11)
    return folder


def counted(table: Path, *columns: str) -> dict[tuple, int]:
    """Rows by key, those with a NULL left out, as DuckDB counts them."""
    names = ", ".join(columns)
    known = " and ".join(f"{column} is not null" for column in columns)
    query = f"select {names}, count(*) from read_parquet('{table}/**/*.parquet', hive_partitioning = true) where {known} group by {names}"
    return {tuple(row[:-1]): row[-1] for row in duckdb.sql(query).fetchall()}


def keys_of(table: Path, *columns: str, flags: tuple = (), **keywords) -> dict:
    report = call_json("table", "inspect", table, "--keys", ",".join(columns), *flags, **keywords)
    return {**report["keys"], "advice": report["advice"]}


@pytest.mark.parametrize(
    "columns",
    [("hot",), ("many",), ("sparse",), ("amount",), ("day",), ("flag",), ("country",), ("hot", "sparse"), ("country", "day", "hot")],
    ids=",".join,
)
def test_counts_are_those_of_duckdb(table, columns):
    expected = counted(table, *columns)
    report = keys_of(table, *columns, flags=("--top", 25, "--partitions", "1,16"))
    with_key = sum(expected.values())
    assert (report["distinct"], report["rows"]) == (len(expected), 20_006)
    assert report["null_rows"] == report["rows"] - with_key
    rows = [one["rows"] for one in report["hot"]]
    assert rows == sorted(expected.values(), reverse=True)[: len(rows)] and len(rows) == min(25, len(expected))
    texts = {tuple(str(value).lower() for value in key): count for key, count in expected.items()}
    for one in report["hot"]:
        assert texts[tuple(str(one["key"][column]).lower() for column in columns)] == one["rows"]
        assert one["share"] == pytest.approx(one["rows"] / with_key)
    assert report["largest_share"] == pytest.approx(max(expected.values()) / with_key)
    one, sixteen = report["partitionings"]
    assert (one["largest"], one["imbalance"]) == (with_key, 1)
    assert max(expected.values()) <= sixteen["largest"] <= with_key
    assert sixteen["imbalance"] == pytest.approx(sixteen["largest"] / (with_key / 16))


def test_values_that_are_equal_are_one_key(table):
    report = keys_of(table, "double")
    assert report["distinct"] == 3, "NaN is one value, and 0.0 and -0.0 are another"
    assert sum(one["rows"] for one in report["hot"]) == report["rows"]


def test_partitions_of_even_keys_are_even_and_of_a_hot_key_are_not(table):
    even = {one["partitions"]: one["imbalance"] for one in keys_of(table, "many")["partitionings"]}
    assert list(even) == [8, 64, 200] and even[8] < 1.2
    hot = keys_of(table, "hot")
    assert [one["imbalance"] for one in hot["partitionings"]] == pytest.approx([4, 32, 100], rel=0.2)
    assert hot["hot"][0]["key"] == {"hot": "robot"}
    assert any("hot" in advice and "salt" in advice for advice in hot["advice"])
    assert any("NULL" in advice for advice in keys_of(table, "sparse")["advice"])
    assert not any("salt" in advice for advice in keys_of(table, "many")["advice"])


def test_counts_that_do_not_fit_go_through_the_scratch_folder(table, tmp_path):
    for columns in (("many",), ("hot", "sparse")):
        whole = keys_of(table, *columns)
        little = keys_of(table, *columns, flags=("--memory", "200KB", "--scratch", tmp_path))
        assert whole.pop("spilled_bytes") == 0 and little.pop("spilled_bytes") > 0
        assert little == whole
    assert list(tmp_path.iterdir()) == []


def test_the_answer_does_not_depend_on_threads(table):
    assert keys_of(table, "hot", "day", flags=("--threads", 1)) == keys_of(table, "hot", "day", flags=("--threads", 4))


def test_what_is_no_key_is_named_with_what_there_is(table):
    done = call("table", "inspect", table, "--keys", "hott,day,nothing", expect=2)
    assert "'hott'" in done.stderr and "'nothing'" in done.stderr and "did you mean 'hot'" in done.stderr


def test_lists_are_no_keys(tmp_path):
    pq.write_table(pa.table({"tags": [["a"], ["b"]], "pairs": [{"a": 1}, {"a": 2}]}), tmp_path / "part-0.parquet")
    done = call("table", "inspect", tmp_path, "--keys", "tags,pairs", expect=2)
    assert done.stderr.count("which is no key") == 2


def test_people_read_a_table(table):
    text = call("table", "inspect", table, "--keys", "hot", "--top", 2).stdout
    assert "robot" in text and "times the mean" in text and "2,883 keys" in text


def test_no_rows_have_no_keys(tmp_path):
    pq.write_table(pa.table({"k": pa.array([], pa.string())}), tmp_path / "empty.parquet")
    report = keys_of(tmp_path, "k")
    assert (report["distinct"], report["hot"], report["rows"], report["largest_share"]) == (0, [], 0, 0)
    pq.write_table(pa.table({"k": pa.array([None, None], pa.string())}), tmp_path / "empty.parquet")
    assert (keys_of(tmp_path, "k")["null_rows"], keys_of(tmp_path, "k")["distinct"]) == (2, 0)


def test_delta_tables_leave_removed_files_and_deleted_rows_out(deltars, tmp_path):
    place = tmp_path / "delta"
    deltars.write(place, pa.table({"k": ["a"] * 5 + ["b"] * 3, "part": [1] * 8}), mode="append")
    deltars.write(place, pa.table({"k": ["c"] * 4, "part": [2] * 4}), mode="overwrite")
    deltars.write(place, pa.table({"k": ["a", "c"], "part": [2] * 2}), mode="append")
    report = call_json("table", "inspect", place, "--keys", "k")
    assert (report["format"], report["version"]) == ("delta", 2)
    assert [(one["key"]["k"], one["rows"]) for one in report["keys"]["hot"]] == [("c", 5), ("a", 1)]


def test_tables_in_a_bucket(s3, tmp_path):
    bucket = s3.new_bucket()
    write_table(tmp_path / "events", seed=5, rows=4000)
    s3.replace(f"{bucket}/events", tmp_path / "events")
    remote = call_json("table", "inspect", f"s3://{bucket}/events", "--keys", "hot", env=s3.env)["keys"]
    assert remote == call_json("table", "inspect", tmp_path / "events", "--keys", "hot")["keys"]


def test_advice_does_not_depend_on_how_many_keys_are_shown(table):
    advice = {top: call_json("table", "inspect", table, "--keys", "hot", "--top", top)["advice"] for top in (0, 1, 10)}
    assert advice[0] == advice[1] == advice[10] and "one key of hot is hot" in advice[0][0]
