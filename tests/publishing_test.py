"""How rows become files: partitions, sizes, order; replacement that nobody sees half done; one writer per date."""

import subprocess
import threading
import time

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources import write_file
from tidemill_command import arguments, call, data_files, fingerprint, hidden_files, published

DATE = "2026-03-04"
MANY = pa.schema([("user_id", pa.int64()), ("country", pa.string()), ("value", pa.float64())])


@pytest.fixture
def many(world):
    """20 000 entities in four countries on one day."""
    for i in range(2):
        rows = [
            {"user_id": n * 7919 % 20_000, "country": ("SE", "DE", None, "a/b=c d%")[n % 4], "value": n / 7}
            for n in range(i * 10_000, (i + 1) * 10_000)
        ]
        write_file(world.events / f"event_date={DATE}" / f"many-{i}.parquet", rows, MANY)
    (world.events / f"event_date={DATE}" / "part-0.parquet").unlink()
    for folder in world.events.iterdir():
        if folder.name != f"event_date={DATE}":
            (folder / "part-0.parquet").unlink()
            folder.rmdir()
    return world


def many_pipeline(world, output: str, entity: str = "[user_id, country]") -> None:
    world.pipeline(
        source="day: event_date",
        entity=entity,
        window="1d",
        more="null_entity: keep",
        features="n: count(*)\ntotal: sum(value)",
        output=output,
    )


def sorted_rows(table: pa.Table, names: list[str]) -> list[tuple]:
    return sorted((tuple(row[name] for name in names) for row in table.to_pylist()), key=repr)


def test_rows_are_in_order_over_all_files(many):
    many_pipeline(many, "partition_by: [feature_date], max_rows_per_file: 3000")
    report = many.report()
    files = data_files(many.out)
    assert len(files) == 7
    assert [pq.ParquetFile(f).metadata.num_rows for f in files] == [3000] * 6 + [2000]
    assert [f["path"] for f in report["files"]] == [str(f.relative_to(many.out)) for f in files]
    users = many.table()["user_id"].to_pylist()
    assert users == sorted(users) and len(users) == 20_000


def test_file_size(many):
    many_pipeline(many, "partition_by: [feature_date], compression: none, file_size: 50KB")
    many.run()
    sizes = [f.stat().st_size for f in data_files(many.out)]
    assert len(sizes) >= 3
    assert max(sizes) < 100_000 and min(sizes[:-1]) > 25_000, sizes
    users = many.table()["user_id"].to_pylist()
    assert users == sorted(users) and len(users) == 20_000


def test_partition_columns(many):
    many_pipeline(many, "partition_by: [feature_date]")
    many.run()
    whole = sorted_rows(many.table(), ["user_id", "country", "n", "total"])
    subprocess.run(["rm", "-r", many.out], check=True)
    many_pipeline(many, "partition_by: [feature_date, country]")
    many.run()
    folders = sorted({f.parent.name for f in data_files(many.out)})
    assert len(folders) == 4
    assert "country=SE" in folders and "country=__HIVE_DEFAULT_PARTITION__" in folders
    query = f"SELECT user_id, country, n, total FROM read_parquet('{many.out}/**/*.parquet', hive_partitioning = true)"
    assert sorted_rows(duckdb.sql(query).to_arrow_table(), ["user_id", "country", "n", "total"]) == whole


def test_year_month_day_partitions(world):
    world.pipeline(output="partition_by: [year, month, day]")
    world.run()
    (file,) = data_files(world.out)
    assert file.parent.relative_to(world.out).as_posix() == "year=2026/month=3/day=4"


def test_buckets(many):
    many_pipeline(many, "partition_by: [feature_date, 'bucket(4, user_id)']")
    many.run()
    by_bucket = {}
    for file in data_files(many.out):
        by_bucket.setdefault(file.parent.name, set()).update(pq.ParquetFile(file).read()["user_id"].to_pylist())
    assert len(by_bucket) == 4
    assert sum(map(len, by_bucket.values())) == 20_000, "a user is in two buckets"
    assert all(4000 < len(users) < 6000 for users in by_bucket.values())
    first = fingerprint(many.out)
    many.run("--threads", 1)
    assert fingerprint(many.out) == first


def test_partitions_that_no_longer_occur_are_removed(many):
    many_pipeline(many, "partition_by: [feature_date, country]")
    many.run()
    assert len(data_files(many.out)) == 4
    many.file.write_text(many.file.read_text().replace("day: event_date", "day: event_date, where: \"country = 'SE'\""))
    many.run()
    assert [f.parent.name for f in data_files(many.out)] == ["country=SE"]
    assert hidden_files(many.out) == []


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "none"])
def test_compression(world, compression):
    world.pipeline(output=f"partition_by: [feature_date], compression: {compression}")
    world.run()
    (file,) = data_files(world.out)
    got = pq.ParquetFile(file).metadata.row_group(0).column(0).compression
    assert got == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_other_readers_agree(world):
    world.run()
    pattern = f"{world.out}/**/*.parquet"
    want = world.table().drop_columns(["latest"]).to_pylist()
    by_duckdb = duckdb.sql(f"SELECT * EXCLUDE (latest, feature_date) FROM read_parquet('{pattern}', hive_partitioning = true)")
    by_polars = polars.read_parquet(pattern).drop("latest")
    keys = list(want[0])
    assert [dict(zip(keys, row)) for row in by_duckdb.fetchall()] == want
    assert [{k: row[k] for k in keys} for row in by_polars.to_dicts()] == want


def test_empty_result_replaces_the_partition(world):
    world.run()
    assert world.rows()
    world.file.write_text(world.file.read_text().replace("event_time: at", "event_time: at, where: \"kind = 'nothing'\""))
    report = world.report()
    assert report["status"] == "empty" and report["rows_written"] == 0
    assert world.rows() == []
    assert hidden_files(world.out) == []
    world.pipeline()
    assert world.report()["status"] == "done"
    assert world.rows()


def test_files_that_others_put_into_the_date_are_replaced(world):
    world.run()
    before = fingerprint(world.out)
    (file,) = data_files(world.out)
    file.with_name("older.parquet").write_bytes(file.read_bytes())
    world.run()
    assert fingerprint(world.out) == before


def test_readers_see_old_or_new_rows_while_runs_go_on(world):
    small = world.events / f"event_date={DATE}" / "part-0.parquet"
    whole = pq.ParquetFile(small).read()
    totals = []
    for rows in (whole, whole.slice(0, 20)):
        pq.write_table(rows, small)
        world.run()
        totals.append(sum(row["events"] for row in world.rows()))
    assert totals == [120, 100]
    seen: set[int] = set()
    faults: list[str] = []
    done = threading.Event()

    def read() -> None:
        connection = duckdb.connect()
        while not done.is_set():
            try:
                query = f"SELECT sum(events) FROM read_parquet('{world.out}/**/*.parquet')"
                seen.add(connection.execute(query).fetchall()[0][0])
            except duckdb.Error as error:
                faults.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for i in range(20):
            pq.write_table(whole if i % 2 == 0 else whole.slice(0, 20), small)
            world.run("--quiet")
    finally:
        done.set()
        reader.join()
    assert seen == set(totals), f"a reader saw {seen - set(totals)}"
    assert faults == []


def test_of_runs_at_the_same_time_one_wins_and_the_rest_exit_5(many):
    many_pipeline(many, "partition_by: [feature_date]")
    many.run()
    before = fingerprint(many.out)
    seen = set()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and seen != {0, 5}:
        command = arguments("run", many.file, "--date", DATE, sets=many.sets)
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        ended = [(process.communicate()[1], process.returncode) for process in running]
        codes = [code for _, code in ended]
        seen |= set(codes)
        assert 0 in codes and set(codes) <= {0, 5}, ended
        assert all(DATE in stderr for stderr, code in ended if code == 5), ended
        assert fingerprint(many.out) == before
        assert hidden_files(many.out) == []
    assert seen == {0, 5}, "no two runs ever met"


def test_runs_of_different_dates_do_not_meet(world):
    dates = [f"2026-03-0{n}" for n in range(1, 6)]
    commands = [arguments("run", world.file, "--date", date, sets=world.sets) for date in dates]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for command in commands]
    assert [process.communicate() and process.returncode for process in running] == [0] * 5
    assert all(published(world.out, date).num_rows for date in dates)
    together = fingerprint(world.out)
    for date in dates:
        call("run", world.file, "--date", date, sets={**world.sets, "OUT": world.folder / "alone"})
    assert fingerprint(world.folder / "alone") == together


def test_output_inside_the_source_is_refused_or_harmless(world):
    """A table below its own source would feed on itself."""
    out = world.events / "features"
    done = call("run", world.file, "--date", DATE, sets={"EVENTS": world.events, "OUT": out}, expect=None)
    if done.returncode == 0:
        again = call("run", world.file, "--date", DATE, sets={"EVENTS": world.events, "OUT": out}, expect=None)
        assert again.returncode == 0, again.stderr
    else:
        assert done.returncode == 2 and str(out) in done.stderr
