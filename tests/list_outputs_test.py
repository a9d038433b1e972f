"""Features that are lists and maps: in Parquet and Delta, for other readers, through merges, upkeep and Python."""

import duckdb
import pyarrow as pa
import pytest
import tidemill
from delta_world import DeltaWorld
from pipelines import write_pipeline
from sources import clicks
from tidemill_command import call, call_json, data_files, published
from world import DATE, World

FEATURES = """
  events: count(*)
  path: collect_list(kind)
  kinds: collect_set(kind)
  seen: histogram(kind)
  best: top_k(value, 2)
  times: collect_set(at)
  none: collect_list(kind) filter (where false)
  nothing: histogram(kind) filter (where false)
"""


@pytest.fixture
def world(tmp_path) -> World:
    made = World(tmp_path)
    clicks(made.events)
    made.pipeline(features=FEATURES)
    return made


def of_source(world: World, duck: str) -> dict:
    """{user: value} of a DuckDB aggregate over the window."""
    files = f"read_parquet('{world.events}/**/*.parquet', hive_partitioning = true)"
    days = f"event_date BETWEEN DATE '{DATE}' - 2 AND DATE '{DATE}'"
    return dict(duckdb.sql(f"SELECT user_id, {duck} FROM {files} WHERE {days} AND user_id IS NOT NULL GROUP BY 1").fetchall())


def test_parquet_has_lists_and_maps(world):
    world.run()
    table = published(world.out, DATE)
    assert table.schema.field("kinds").type == pa.list_(pa.field("element", pa.string()))
    assert table.schema.field("seen").type == pa.map_(pa.string(), pa.int64())
    rows = {row["user_id"]: row for row in table.to_pylist()}
    want = of_source(world, "list_sort(list(DISTINCT kind) FILTER (WHERE kind IS NOT NULL))")
    assert {user: row["kinds"] for user, row in rows.items()} == {user: kinds or [] for user, kinds in want.items()}
    assert all(row["none"] == [] and row["nothing"] is None for row in rows.values())
    assert all(sum(count for _, count in row["seen"] or []) == len(row["path"]) for row in rows.values())


def test_duckdb_reads_them(world):
    world.run()
    files = ", ".join(f"'{file}'" for file in data_files(world.out))
    found = duckdb.sql(f"SELECT user_id, kinds, seen, none, nothing FROM read_parquet([{files}])").fetchall()
    rows = {row["user_id"]: row for row in published(world.out, DATE).to_pylist()}
    assert len(found) == len(rows) > 2
    for user, kinds, seen, none, nothing in found:
        row = rows[user]
        assert (kinds, none, nothing) == (row["kinds"], [], None)
        assert seen == (None if row["seen"] is None else dict(row["seen"]))


def test_the_same_whatever_the_threads_and_the_order_of_work(world, tmp_path):
    world.run()
    want = published(world.out, DATE)
    for i, flags in enumerate((["--threads", "1"], ["--threads", "3"], ["--memory", "64MB"])):
        out = tmp_path / f"again{i}"
        call("run", world.file, "--date", DATE, *flags, sets=world.sets | {"OUT": out})
        assert published(out, DATE).equals(want)
    out = tmp_path / "backfilled"
    call("backfill", world.file, "--start", "2026-03-02", "--end", "2026-03-05", sets=world.sets | {"OUT": out})
    assert published(out, DATE).equals(want)


def test_preview_shows_them(world):
    shown = call_json("preview", world.file, "--date", DATE, sets=world.sets)
    rows = shown["rows"]
    assert rows and all(isinstance(row["path"], list) for row in rows)
    assert any(isinstance(row["seen"], dict) for row in rows)
    assert "[" in call("preview", world.file, "--date", DATE, sets=world.sets).stdout


def test_python_reads_them(world):
    world.run()
    table = pa.table(tidemill.read_features(world.out, DATE, ["user_id", "path", "seen"]))
    want = published(world.out, DATE)
    for name in ("user_id", "path", "seen"):
        assert table.column(name).to_pylist() == want.column(name).to_pylist()


@pytest.fixture
def delta(tmp_path, deltars) -> DeltaWorld:
    made = DeltaWorld(tmp_path, deltars)
    clicks(made.events)
    return made


@pytest.mark.parametrize("mode", ["overwrite", "merge"])
def test_delta_has_them(delta, mode):
    delta.pipeline(features=FEATURES, output=f"format: delta, partition_by: [feature_date], mode: {mode}")
    delta.run(date="2026-03-03")
    delta.run()
    delta.run()
    columns = delta.log.columns()
    assert columns["kinds"]["type"] == {"type": "array", "elementType": "string", "containsNull": True}
    assert columns["seen"]["type"]["type"] == "map" and columns["seen"]["type"]["valueType"] == "long"
    rows = {row["user_id"]: row for row in delta.table(DATE).to_pylist()}
    want = of_source(delta, "list_sort(list(DISTINCT kind) FILTER (WHERE kind IS NOT NULL))")
    assert {user: row["kinds"] for user, row in rows.items()} == {user: kinds or [] for user, kinds in want.items()}
    live = duckdb.sql(f"SELECT count(*), sum(len(path)) FROM read_parquet([{', '.join(repr(str(delta.log.file_of(a))) for a in delta.log.live().values())}])")  # fmt: skip
    assert live.fetchall()[0][0] == sum(delta.table(date).num_rows for date in ("2026-03-03", DATE))


def test_optimize_keeps_them(world):
    world.pipeline(features=FEATURES, output="partition_by: [feature_date], max_rows_per_file: 1")
    world.run()
    before = published(world.out, DATE).sort_by("user_id")
    assert len(data_files(world.out)) > 2
    call_json("table", "optimize", world.place, "--cluster-by", "sort(events, user_id)")
    after = published(world.out, DATE).sort_by("user_id")
    assert after.equals(before)
    call("table", "inspect", world.place)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"output": "partition_by: [feature_date, kinds]"}, "partition_by names 'kinds', which is text[]"),
        ({"output": "partition_by: [feature_date], cluster_by: sort(seen)"}, "cluster_by names 'seen', which is map(text, bigint)"),
        ({"features": "x: collect_set(kind) = collect_set(kind)"}, "text[]"),
        ({"features": "x: top_k(kind, 0)"}, "k must be an integer from 1 to 10000"),
        ({"features": "x: top_k(kind, length(kind))"}, "must be a constant"),
        ({"features": "x: mode(distinct kind)"}, "mode(distinct ...) is not supported"),
        ({"features": "x: sum_if(value, kind = 'a')"}, "filter (where condition)"),
        ({"features": "x: percentile_cont(0.5) within group (order by value desc)"}, "descending"),
        ({"features": "x: sum(value) within group (order by value)"}, "WITHIN GROUP is not supported with sum"),
        ({"features": "x: percentile_cont(value, 2)"}, "p must be a number from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(world, change, message):
    write_pipeline(world.file, **({"features": FEATURES} | change))
    failed = call("lint", world.file, sets=world.sets, expect=2)
    assert message in failed.stderr + failed.stdout
