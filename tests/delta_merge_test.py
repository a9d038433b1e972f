"""mode: merge, an upsert on entity and feature_date that rewrites only files with a row of the same key."""

import shutil
from collections.abc import Iterable

import oracle
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sources import write_file
from world import DATE

OUTPUT = "format: delta, partition_by: [feature_date], mode: merge"
KEYED = pa.schema([("user_id", pa.string()), ("country", pa.string()), ("value", pa.float64())])


def by_user(rows) -> list[dict]:
    return sorted(rows, key=lambda row: row["user_id"])


def merge(world, output: str = "", **parts: str) -> None:
    world.pipeline(output=OUTPUT + output, **parts)


def numbered(world, users: Iterable[int], value: float, max_rows_per_file: int) -> None:
    """The source becomes one event of each of these users, on DATE."""
    shutil.rmtree(world.events, ignore_errors=True)
    ids = pa.array(users, pa.int64())
    events = pa.table({"user_id": ids, "value": pa.array([value] * len(ids))})
    folder = world.events / f"event_date={DATE}"
    folder.mkdir(parents=True)
    pq.write_table(events, folder / "part-0.parquet")
    features = "n: count(*)\ntotal: sum(value)"
    merge(
        world, f", max_rows_per_file: {max_rows_per_file}", source="day: event_date", window="1d", features=features
    )


def totals(world) -> list[tuple]:
    """[(total, rows, users, first, last)]"""
    columns = "total, count(*), count(DISTINCT user_id), min(user_id), max(user_id)"
    return sorted(world.query(f"SELECT {columns} FROM t GROUP BY total"))


def test_rows_are_updated_and_inserted_and_the_rest_is_kept(delta):
    merge(delta)
    delta.run(date="2026-03-03")
    delta.run()
    first = {row["user_id"]: row for row in delta.rows()}
    day = first["u0"]["feature_date"]
    other = delta.rows("2026-03-03")
    file = delta.events / f"event_date={DATE}/part-0.parquet"
    events = pq.ParquetFile(file).read()
    pq.write_table(events.filter(pc.is_in(events["user_id"], pa.array(["u0", "u3"]))), file)
    new = [{"user_id": "new", "kind": "click", "value": 3.0, "at": events["at"][0].as_py()}]
    write_file(file.with_name("new.parquet"), new, events.schema)
    merge(delta, window="1d")
    version = delta.log.version
    report = delta.report()
    assert report["status"] == "done"
    assert delta.log.version == version + 1
    computed, _ = oracle.features(str(delta.file), DATE, {k: str(v) for k, v in delta.sets.items()})
    second = {row["user_id"]: {**row, "feature_date": day} for row in computed.to_pylist()}
    assert set(second) == {"u0", "u3", "new"}
    assert by_user(delta.rows()) == by_user((first | second).values())
    assert delta.rows("2026-03-03") == other


def test_merging_again_changes_no_row(delta):
    merge(delta)
    delta.run()
    rows = delta.rows(date=None)
    for _ in range(2):
        delta.run()
        assert delta.rows(date=None) == rows
    assert delta.states() == {DATE: "done"}


def test_nothing_to_merge_keeps_all(delta):
    merge(delta)
    delta.run()
    rows = delta.rows()
    merge(delta, source="day: event_date, event_time: at, where: \"kind = 'nothing'\"")
    assert delta.report()["status"] == "empty"
    assert delta.rows() == rows


def test_null_is_a_key_like_any_other(delta):
    keys = [("a", "SE"), ("a", None), (None, "SE"), (None, None), ("", "SE")]
    rows = [{"user_id": user, "country": country, "value": 1.0} for user, country in keys]
    shutil.rmtree(delta.events)
    parts = {
        "source": "day: event_date",
        "entity": "[user_id, country]",
        "window": "1d",
        "more": "null_entity: keep",
        "features": "total: sum(value)",
    }
    file = delta.events / f"event_date={DATE}/part-0.parquet"
    write_file(file, rows, KEYED)
    merge(delta, **parts)
    delta.run()
    changed = [{**row, "value": 2.0} for row in rows[1:4]] + [{"user_id": "b", "country": None, "value": 2.0}]
    write_file(file, changed, KEYED)
    delta.run()
    got = sorted(((row["user_id"], row["country"], row["total"]) for row in delta.rows()), key=repr)
    want = {(row["user_id"], row["country"]): row["value"] for row in rows + changed}
    assert got == sorted(((*key, value) for key, value in want.items()), key=repr)


@pytest.mark.parametrize("users, per_file", [(8_193, 1_000), (200_000, 60_000)])
def test_many_rows_in_several_files(disk_delta, users, per_file):
    """Half of the users come again, with others after them; in files of more than one row group, and batch."""
    numbered(disk_delta, range(users), 1.0, per_file)
    disk_delta.run()
    assert len(disk_delta.log.live()) == -(-users // per_file)
    assert totals(disk_delta) == [(1.0, users, users, 0, users - 1)]
    numbered(disk_delta, range(users // 2, users + users // 4), 2.0, per_file)
    disk_delta.run()
    half, more = users // 2, users + users // 4
    assert totals(disk_delta) == [(1.0, half, half, 0, half - 1), (2.0, more - half, more - half, half, more - 1)]
    numbered(disk_delta, range(0, users, 2), 3.0, per_file)
    disk_delta.run()
    assert disk_delta.query("SELECT count(*), count(DISTINCT user_id) FROM t") == [(more, more)]
    evens = len(range(0, users, 2))
    assert disk_delta.query("SELECT count(*), count(DISTINCT user_id) FROM t WHERE total = 3") == [(evens, evens)]
    assert disk_delta.query("SELECT count(*) FROM t WHERE user_id % 2 = 0 AND user_id < 8193 AND total <> 3") == [(0,)]


def test_files_without_a_matching_row_are_left_alone(delta):
    numbered(delta, range(20_000), 1.0, 4_000)
    delta.run()
    before = delta.log.live()
    assert len(before) == 5
    numbered(delta, range(500, 900), 2.0, 4_000)
    delta.run()
    removed = {gone["path"] for gone in delta.log.actions("remove", delta.log.version)}
    assert len(removed) == 1 and len(before.keys() - removed) == 4
    assert before.keys() - removed <= delta.log.live().keys()
    assert totals(delta) == [(1.0, 19_600, 19_600, 0, 19_999), (2.0, 400, 400, 500, 899)]
    numbered(delta, range(30_000, 30_100), 3.0, 4_000)
    delta.run()
    assert delta.log.actions("remove", delta.log.version) == [], "rows that are all new rewrote a file"
    assert delta.query("SELECT count(*) FROM t") == [(20_100,)]


def test_a_failed_audit_merges_nothing(disk_delta):
    merge(disk_delta, checks="output:\n  - max(events) <= ${MOST:-1000}")
    disk_delta.run()
    disk_delta.fails(4, "max(events)", env={"MOST": "3"})
    assert disk_delta.files_of_nobody() == []


def test_a_new_feature_in_a_merge(disk_delta):
    merge(disk_delta, features="events: count(*)")
    disk_delta.run()
    disk_delta.run(date="2026-03-03")
    merge(disk_delta, features="events: count(*)\nkinds: count(distinct kind)")
    disk_delta.run()
    assert {row["kinds"] for row in disk_delta.rows()} == {3}
    assert {row["kinds"] for row in disk_delta.rows("2026-03-03")} == {None}


def test_rows_that_others_appended_are_merged_with(disk_delta):
    merge(disk_delta, features="events: count(*)")
    disk_delta.run()
    rows = disk_delta.table()
    others = rows.slice(0, 2).set_column(0, "user_id", pa.array(["x", "y"]))
    disk_delta.deltars.write(disk_delta.out, others)
    disk_delta.run()
    assert {row["user_id"] for row in disk_delta.rows()} == {*rows["user_id"].to_pylist(), "x", "y"}
    assert len(disk_delta.rows()) == rows.num_rows + 2


def test_merge_needs_delta(world):
    world.pipeline(output="partition_by: [feature_date], mode: merge")
    stderr = world.run(expect=2).stderr
    assert "merge" in stderr and "delta" in stderr
