"""cluster_by: the same rows in another order, cut so that readers skip."""

import math
import shutil
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources import write_file
from tidemill_command import call, call_json, data_files, fingerprint, hidden_files

DATE = "2026-03-04"
EVENTS = pa.schema(
    [
        ("user_id", pa.int64()),
        ("country", pa.string()),
        ("value", pa.float64()),
        ("points", pa.int64()),
        ("born", pa.date32()),
        ("price", pa.decimal128(12, 2)),
    ]
)
FEATURES = """
  spend: max(value)
  points: sum(points)
  home: min(country)
  born: max(born)
  price: max(price)
  active: bool_or(points > 500)
"""
USERS = 40_000


def event(n: int) -> dict:
    value = None if n % 11 == 0 else math.nan if n % 13 == 0 else n * 48271 % 99991 / 7
    return {
        "user_id": n * 7919 % USERS,
        "country": ("SE", "DE", None, "FR")[n * 31 % 7 % 4],
        "value": value,
        "points": n * 69621 % 1000,
        "born": n * 16807 % 20_000,
        "price": Decimal(n * 40692 % 100_000) / 100,
    }


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """One event of each of 40 000 users on one day, and a second day with those of half of them."""
    folder = tmp_path_factory.mktemp("clustering") / "events"
    rows = [event(n) for n in range(USERS)]
    write_file(folder / f"event_date={DATE}" / "part-0.parquet", rows, EVENTS)
    write_file(folder / "event_date=2026-03-03" / "part-0.parquet", rows[: USERS // 2], EVENTS)
    return folder


@pytest.fixture
def clustered(world, events):
    """Makes the pipeline with this cluster_by, and the rest of its output as in other tests."""
    shutil.rmtree(world.events)
    world.events.symlink_to(events)

    def pipeline(order: str = "", output: str = "partition_by: [feature_date]", features: str = FEATURES):
        if order:
            output += f", cluster_by: '{order}'"
        world.pipeline(source="day: event_date", window="1d", features=features, output=output)
        return world

    return pipeline


def comparable(value):
    """As SQL orders values: NULL first, NaN last."""
    if value is None:
        return (0, 0)
    return (2, 0) if isinstance(value, float) and math.isnan(value) else (1, value)


def keys(table: pa.Table, names: list[str]) -> list[tuple]:
    return list(zip(*([comparable(value) for value in table[name].to_pylist()] for name in names), strict=True))


ORDERS = ["sort(spend, points)", "zorder(points, born)", "hilbert(spend, price, home)", "hilbert(user_id, points)"]


@pytest.mark.parametrize("order", ORDERS)
def test_the_same_rows_in_another_order(clustered, order):
    world = clustered()
    world.run()
    plain = keys(world.table(), world.table().column_names)
    world = clustered(order)
    report = world.report()
    rows = keys(world.table(), world.table().column_names)
    assert report["rows_written"] == USERS
    assert rows != plain
    assert sorted(rows) == plain
    assert hidden_files(world.out) == []


@pytest.mark.parametrize("columns", [["spend", "points"], ["home", "born"], ["active", "price"], ["points", "user_id"]])
def test_sort_puts_null_first_and_nan_last(clustered, columns):
    world = clustered(f"sort({', '.join(columns)})")
    world.run()
    got = keys(world.table(), [*columns, "user_id"])
    assert got == sorted(got), "rows that are equal in the columns keep the order of entities"


@pytest.mark.parametrize("flags", [["--threads", 1], ["--threads", 7], ["--memory", "64MB"]])
def test_same_bytes_however_it_ran(clustered, flags):
    world = clustered("hilbert(points, born)")
    world.run()
    first = fingerprint(world.out)
    world.run(*flags)
    assert fingerprint(world.out) == first


def test_a_backfill_gives_the_bytes_of_runs(clustered):
    world = clustered("zorder(spend, user_id)")
    dates = ["2026-03-03", DATE]
    for date in dates:
        world.run(date=date)
    first = fingerprint(world.out)
    assert len(first) == 2
    shutil.rmtree(world.out)
    call("backfill", world.file, "--start", dates[0], "--end", dates[1], sets=world.sets)
    assert fingerprint(world.out) == first
    assert hidden_files(world.out) == []


def test_each_sub_partition_is_clustered_by_itself(clustered):
    world = clustered("sort(points)", output="partition_by: [feature_date, home, 'bucket(3, user_id)']")
    world.run()
    files = data_files(world.out)
    assert len(files) == 4 * 3
    rows = 0
    for file in files:
        points = pq.ParquetFile(file).read()["points"].to_pylist()
        assert points == sorted(points)
        rows += len(points)
    assert rows == USERS


def test_file_size_and_row_groups(clustered):
    world = clustered("hilbert(points, born)", output="partition_by: [feature_date], file_size: 100KB")
    world.run()
    sizes = [file.stat().st_size for file in data_files(world.out)]
    assert len(sizes) >= 3
    assert all(80_000 <= size <= 120_000 for size in sizes[:-1]), sizes
    for file in data_files(world.out):
        metadata = pq.ParquetFile(file).metadata
        assert all(metadata.row_group(i).num_rows <= 8192 for i in range(metadata.num_row_groups))


def overlapping(world, column: str, low, high) -> float:
    """The share of row groups that a reader of a range cannot skip."""
    touched = groups = 0
    for file in data_files(world.out):
        metadata = pq.ParquetFile(file).metadata
        index = metadata.schema.names.index(column)
        for i in range(metadata.num_row_groups):
            statistics = metadata.row_group(i).column(index).statistics
            groups += 1
            touched += statistics.min <= high and statistics.max >= low
    return touched / groups


def test_readers_skip_by_either_column(clustered):
    output = "partition_by: [feature_date], file_size: 40KB"
    world = clustered("hilbert(points, born)", output=output)
    world.run()
    born = sorted(world.table()["born"].to_pylist())
    assert overlapping(world, "points", 500, 509) < 0.5
    assert overlapping(world, "born", born[USERS // 2], born[USERS // 2 + USERS // 100]) < 0.5
    assert clustered(output=output).run() and overlapping(world, "points", 500, 509) == 1


def test_readers_that_use_statistics_find_nan(clustered):
    """NaN is not within the least and greatest value of a row group, and DuckDB takes it for the largest."""
    for order in ["", "sort(spend)", "hilbert(spend, points)"]:
        world = clustered(order)
        world.run()
        for condition in ["spend > 1e9", "spend >= 14000", "isnan(spend)", "spend IS NULL", "spend < 10"]:
            query = f"SELECT count(*) FROM {{}} WHERE {condition}"
            rows = world.table()
            want = duckdb.sql(query.format("rows")).fetchall()[0][0]
            got = duckdb.sql(query.format(f"read_parquet('{world.out}/**/*.parquet')")).fetchall()[0][0]
            assert got == want > 0


def test_an_empty_date(clustered):
    world = clustered("hilbert(points, born)")
    assert world.report(date="2026-03-09")["status"] == "empty"
    assert world.table("2026-03-09").num_rows == 0
    assert hidden_files(world.out) == []


def test_a_failed_run_leaves_nothing(clustered):
    world = clustered("hilbert(points, born)")
    world.run()
    world.file.write_text(world.file.read_text() + "checks: {output: [row_count < 10]}\n")
    world.fails(4, "row_count < 10")


def test_another_order_makes_no_date_stale(clustered):
    world = clustered()
    world.run()
    clustered("sort(points)")
    (state,) = call_json("status", world.file, "--start", DATE, "--end", DATE, sets=world.sets)["dates"]
    assert state["status"] == "done"


@pytest.mark.parametrize(
    "order, words",
    [
        ("sort(pionts)", ["cluster_by names 'pionts'", "did you mean 'points'?"]),
        ("hilbert(value, points)", ["cluster_by names 'value', which is neither entity nor feature"]),
        ("sort(at)", ["cluster_by names 'at', which depends on when the run starts"]),
        ("hilbrt(points)", ["no order 'hilbrt'", "did you mean 'hilbert'?"]),
        ("points", ["which is not an order of rows", "sort(a, b)"]),
    ],
)
@pytest.mark.parametrize("command", ["lint", "run"])
def test_faults(clustered, command, order, words):
    world = clustered(order, features=FEATURES + "at: run_timestamp()\n")
    flags = ["--date", DATE] if command == "run" else []
    stderr = call(command, world.file, *flags, sets=world.sets, expect=2).stderr
    for word in [*words, "pipeline.yaml:", "^"]:
        assert word in stderr, stderr
    assert not world.out.exists()
