"""Delta tables of others as a source: features equal those over the same rows in Parquet, whatever the table uses."""

import datetime as dt
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from delta_log import DeltaLog
from interop_worker import Spark, Worker
from pipelines import write_pipeline
from sources import write_file
from tidemill_command import call, call_json, published
from typed_events import TYPED, days_of, plain, typed_events

DATES = ("2026-03-03", "2026-03-04")
COLUMNS = ("n", "price", "value", "day", "naive", "instant")
FEATURES = "events: count(*)\nyes: count(*) filter (where yes)\n" + "\n".join(
    f"{name}_least: min({name})\n{name}_most: max({name})\n{name}_count: count(distinct {name})" for name in COLUMNS
)


@dataclass
class Reading:
    """A pipeline over a source at ${EVENTS}, and runs of it."""

    folder: Path

    def pipeline(self, source: str = "", window: str = "3d", features: str = FEATURES) -> Path:
        return write_pipeline(
            self.folder / "pipeline.yaml",
            source=f"day: event_date, event_time: instant{source}",
            entity="[user_id, country]",
            window=window,
            more="null_entity: keep",
            features=features,
        )

    def sets(self, events: Path) -> dict[str, object]:
        return {"EVENTS": events, "OUT": self.folder / f"out-{events.name}"}

    def features(self, events: Path) -> list[pa.Table]:
        """Of DATES."""
        for date in DATES:
            call("run", self.folder / "pipeline.yaml", "--date", date, sets=self.sets(events))
        return [published(self.sets(events)["OUT"], date) for date in DATES]

    def report(self, events: Path, **keywords) -> dict:
        return call_json("run", self.folder / "pipeline.yaml", "--date", DATES[1], sets=self.sets(events), **keywords)

    def refused(self, events: Path, *words: str) -> None:
        done = call("run", self.folder / "pipeline.yaml", "--date", DATES[1], sets=self.sets(events), expect=None)
        assert done.returncode in (1, 2), done.stderr
        for word in words:
            assert word in done.stderr, f"no {word!r} in: {done.stderr}"

    def states(self, events: Path) -> dict[str, str]:
        dates = ("--start", "2026-03-01", "--end", "2026-03-04")
        report = call_json("status", self.folder / "pipeline.yaml", *dates, sets=self.sets(events))
        return {date["feature_date"]: date["status"] for date in report["dates"]}

    def as_parquet(self, rows: pa.Table, name: str = "plain") -> Path:
        """Rows as hive partitions of plain files."""
        for day, members in days_of(rows):
            write_file(self.folder / name / f"event_date={day}/part-0.parquet", members.to_pylist(), TYPED)
        return self.folder / name


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    made = Reading(tmp_path)
    made.pipeline()
    return made


def assert_read_as(reading: Reading, table: Path, rows: pa.Table) -> None:
    """Features over the table are those over these rows, to the byte of every value."""
    want = reading.features(reading.as_parquet(rows))
    got = reading.features(table)
    for one, other in zip(got, want):
        assert other.num_rows > 20
        assert one.schema == other.schema
        assert plain(one) == plain(other)


ALL = "SELECT * FROM events"
EARLY, LATE = f"{ALL} WHERE event_date < '2026-03-03'", f"{ALL} WHERE event_date >= '2026-03-03'"
PROPERTIES = {
    "vectors": "'delta.enableDeletionVectors' = 'true'",
    "names": "'delta.columnMapping.mode' = 'name'",
    "ids": "'delta.columnMapping.mode' = 'id'",
    "widening": "'delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported'",
    "often": "'delta.checkpointInterval' = '2', 'delta.checkpoint.writeStatsAsStruct' = 'true'",
    "v2": "'delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2', 'delta.enableDeletionVectors' = 'true'",
    "tracked": "'delta.enableRowTracking' = 'true', 'delta.enableInCommitTimestamps' = 'true', 'team' = 'features'",
}
CREATE = "CREATE TABLE {t} USING delta PARTITIONED BY (event_date{more}) TBLPROPERTIES ({properties}) AS "
OTHERS = "user_id, country, day, naive, instant, yes, event_date"
# {name: (properties, further partition columns, statements)}; `events` is a view of typed_events().
TABLES = {
    "deletion vectors": (
        "vectors",
        "",
        [
            CREATE + ALL,
            "DELETE FROM {t} WHERE user_id = 'u4'",
            "UPDATE {t} SET n = 7 WHERE country = 'SE' AND event_date = '2026-03-03'",
        ],
    ),
    "columns mapped by name": (
        "names",
        "",
        [
            CREATE + f"SELECT {OTHERS}, 'x' AS gone, n AS `a number`, price, value FROM events WHERE n > 0",
            "ALTER TABLE {t} RENAME COLUMN `a number` TO n",
            "ALTER TABLE {t} DROP COLUMN gone",
            f"INSERT INTO {{t}} SELECT {OTHERS}, n, price, value FROM events WHERE n <= 0 OR n IS NULL",
        ],
    ),
    "columns mapped by id, partitions too": (
        "ids",
        ", land",
        [
            CREATE + "SELECT * EXCEPT (country, value), country AS land, value AS other, n AS value FROM events",
            "ALTER TABLE {t} RENAME COLUMN land TO country",
            "ALTER TABLE {t} DROP COLUMN value",
            "ALTER TABLE {t} RENAME COLUMN other TO value",
        ],
    ),
    "odd values in partitions": ("vectors", ", country, yes", [CREATE + ALL]),
    "types widened": (
        "widening",
        "",
        [
            CREATE + f"SELECT {OTHERS.replace('naive', 'CAST(naive AS DATE) AS naive')}, CAST(n AS SMALLINT) AS n, "
            f"CAST(price AS DECIMAL(6, 2)) AS price, CAST(value AS FLOAT) AS value FROM ({EARLY})",
            "ALTER TABLE {t} ALTER COLUMN n TYPE INT",
            "ALTER TABLE {t} ALTER COLUMN price TYPE DECIMAL(12, 2)",
            "ALTER TABLE {t} ALTER COLUMN value TYPE DOUBLE",
            "ALTER TABLE {t} ALTER COLUMN naive TYPE TIMESTAMP_NTZ",
            f"INSERT INTO {{t}} SELECT {OTHERS}, n, price, value FROM ({LATE})",
        ],
    ),
    "checkpoints": (
        "often",
        "",
        [CREATE + EARLY, *["INSERT INTO {t} " + LATE + f" AND n % 4 = {i}" for i in (0, 1)]],
    ),
    "checkpoints of version 2": (
        "v2",
        "",
        [
            CREATE + EARLY,
            "INSERT INTO {t} " + LATE,
            "DELETE FROM {t} WHERE user_id = 'u4'",
        ],
    ),
    "clustered, tracked, with times of commits": (
        "tracked",
        "",
        [CREATE.replace("PARTITIONED BY (event_date{more})", "CLUSTER BY (user_id)") + EARLY, "INSERT INTO {t} " + LATE],
    ),
}


@pytest.fixture(scope="module")
def spark_events(spark: Spark, tmp_path_factory: pytest.TempPathFactory) -> Spark:
    """Spark with the view `events`."""
    file = tmp_path_factory.mktemp("events") / "events.parquet"
    pq.write_table(typed_events(), file)
    spark.sql(f"CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM parquet.`{file}`")
    return spark


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_spark_made(reading, spark_events, name):
    properties, more, statements = TABLES[name]
    table = reading.folder / "table"
    names = {"t": f"delta.`{table}`", "more": more, "properties": PROPERTIES[properties]}
    spark_events.sql(*(statement.format(**names) for statement in statements))
    rows = spark_events.read(table)
    log = DeltaLog(table)
    if name.startswith("checkpoints"):
        last = json.loads((log.folder / "_last_checkpoint").read_text())["version"]
        assert last >= 2
        for version in range(last):
            (log.folder / f"{version:020}.json").unlink()
    if name == "deletion vectors":
        assert any(add.get("deletionVector") for add in log.live().values())
    assert_read_as(reading, table, rows)


def test_tables_that_delta_rs_made(reading, deltars):
    table = reading.folder / "table"
    events = typed_events()
    for day, rows in days_of(events):
        deltars.write(table, rows, partition_by=["event_date", "country"])
    deltars.ask("delete", table=table, where="user_id = 'u4'")
    deltars.ask("checkpoint", table=table)
    again = events.filter(pc.equal(events["event_date"], dt.date(2026, 3, 3))).slice(0, 20)
    deltars.write(table, again, mode="overwrite", predicate="event_date = '2026-03-03'")
    assert_read_as(reading, table, deltars.read(table))


def test_a_table_without_partitions(reading, deltars):
    """Days are a DATE column; files whose statistics lie outside the window are not read."""
    table = reading.folder / "table"
    for _, rows in days_of(typed_events()):
        deltars.write(table, rows)
    assert_read_as(reading, table, typed_events())
    reading.pipeline(window="1d")
    report = reading.report(table)
    assert report["files_read"] == 1 and report["rows_read"] == 60


def test_partitions_outside_the_window_are_not_read(reading, deltars):
    table = reading.folder / "table"
    for _, rows in days_of(typed_events()):
        deltars.write(table, rows, partition_by=["event_date"])
    reading.pipeline(window="2d")
    report = reading.report(table)
    assert report["files_read"] == 2 and report["rows_read"] == 120 and report["days_read"] == 2


def test_a_delta_source_has_what_its_log_says_and_no_more(reading, deltars):
    """Files of older versions and of nobody lie beside those of the current one."""
    table = reading.folder / "table"
    deltars.write(table, typed_events(), partition_by=["event_date"])
    deltars.write(table, typed_events().slice(0, 200), mode="overwrite")
    stray = next((table / "event_date=2026-03-04").glob("*.parquet"))
    stray.with_name("stray.parquet").write_bytes(stray.read_bytes())
    assert_read_as(reading, table, typed_events().slice(0, 200))
    found = reading.features(table)
    reading.pipeline(source=", format: delta")
    assert [plain(part) for part in reading.features(table)] == [plain(part) for part in found]


@pytest.fixture
def versions(reading, deltars) -> Path:
    """A table whose versions 0, 1, 2 and 3 have one day each more, committed at noon of 2026-04-01, -02, -03, -04."""
    table = reading.folder / "table"
    for version, (_, rows) in enumerate(days_of(typed_events())):
        deltars.write(table, rows, partition_by=["event_date"])
        file = DeltaLog(table).folder / f"{version:020}.json"
        at = dt.datetime(2026, 4, version + 1, 12, tzinfo=dt.timezone.utc)
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        for action in lines:
            if "commitInfo" in action:
                action["commitInfo"]["timestamp"] = int(at.timestamp() * 1000)
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        os.utime(file, (at.timestamp(), at.timestamp()))
    return table


@pytest.mark.parametrize(
    "source, days",
    [
        ("version: 0", 1),
        ("version: 2", 3),
        ("version: 3", 4),
        ("timestamp: 2026-04-03T12:00:00Z", 3),
        ("timestamp: 2026-04-03T11:59:59Z", 2),
        ("timestamp: '2026-04-02 12:00:01'", 2),
        ("timestamp: 2027-01-01T00:00:00Z", 4),
    ],
)
def test_a_version_of_the_past(reading, versions, source, days):
    reading.pipeline(source=f", {source}", window="9d")
    assert reading.report(versions)["rows_read"] == days * 60


@pytest.mark.parametrize(
    "source, words",
    [
        ("version: 4", ("4", "3")),
        ("version: -1", ("version",)),
        ("timestamp: 2026-03-31T00:00:00Z", ("2026-03-31",)),
        ("timestamp: yesterday", ("yesterday",)),
        ("version: 1, timestamp: 2026-04-02T12:00:00Z", ("version", "timestamp")),
        ("version: 1, format: parquet", ("version",)),
    ],
)
def test_versions_that_there_are_not(reading, versions, source, words):
    reading.pipeline(source=f", {source}", window="9d")
    reading.refused(versions, *words)


def test_new_versions_make_the_dates_stale_whose_windows_they_touch(reading, deltars):
    table = reading.folder / "table"
    deltars.write(table, typed_events(), partition_by=["event_date"])
    reading.pipeline(window="2d")
    dates = ("--start", "2026-03-01", "--end", "2026-03-04")
    call("backfill", reading.folder / "pipeline.yaml", *dates, sets=reading.sets(table))
    assert set(reading.states(table).values()) == {"done"}
    late = typed_events().slice(60, 5)
    deltars.write(table, late)
    states = reading.states(table)
    assert [date for date, state in states.items() if state == "stale"] == ["2026-03-02", "2026-03-03"]
    deltars.ask("delete", table=table, where="event_date = '2026-03-04' AND user_id = 'u4'")
    states = reading.states(table)
    assert [date for date, state in states.items() if state == "stale"] == ["2026-03-02", "2026-03-03", "2026-03-04"]


@pytest.fixture
def simple(reading, deltars) -> Path:
    """A table that needs no feature."""
    reading.pipeline(features="events: count(*)")
    deltars.write(reading.folder / "table", typed_events().drop_columns(["naive"]), partition_by=["event_date"])
    return reading.folder / "table"


def set_protocol(table: Path, **protocol: object) -> None:
    log = DeltaLog(table)
    text = json.dumps({"protocol": protocol}) + "\n"
    (log.folder / f"{log.version + 1:020}.json").write_text(text)


def test_an_unknown_feature_of_readers_is_named(reading, simple):
    features = ["madeUpFeature"]
    set_protocol(simple, minReaderVersion=3, minWriterVersion=7, readerFeatures=features, writerFeatures=features)
    reading.refused(simple, "madeUpFeature", str(simple))


def test_a_later_protocol_is_refused(reading, simple):
    set_protocol(simple, minReaderVersion=4, minWriterVersion=8)
    reading.refused(simple, "4", str(simple))


def test_features_of_writers_do_not_matter_to_a_reader(reading, simple):
    before = reading.features(simple)
    set_protocol(simple, minReaderVersion=1, minWriterVersion=7, writerFeatures=["madeUpFeature"])
    assert reading.features(simple) == before


@pytest.mark.parametrize("damage", ["gap in the log", "commit cut off", "file missing", "no files of the log"])
def test_a_damaged_table_is_refused(reading, deltars, damage):
    table = reading.folder / "table"
    for _, rows in days_of(typed_events()):
        deltars.write(table, rows, partition_by=["event_date"])
    log = DeltaLog(table)
    if damage == "gap in the log":
        (log.folder / f"{1:020}.json").unlink()
        reading.refused(table, str(table))
    elif damage == "commit cut off":
        file = log.folder / f"{2:020}.json"
        file.write_bytes(file.read_bytes()[:-40])
        reading.refused(table, str(table))
    elif damage == "file missing":
        file = next((table / "event_date=2026-03-03").glob("*.parquet"))
        file.unlink()
        reading.refused(table, file.name)
    else:
        for version in log.versions():
            (log.folder / f"{version:020}.json").unlink()
        reading.pipeline(source=", format: delta")
        reading.refused(table, str(table))


@pytest.mark.parametrize("source", ["", ", version: 1"], ids=["latest", "pinned"])
def test_the_query_for_duckdb_reads_what_the_log_says(tmp_path, deltars, duckdb_delta, source):
    """Files that were removed are still in the folder."""
    reading = Reading(tmp_path)
    events = typed_events()
    table = tmp_path / "events"
    half = events.num_rows // 2
    deltars.write(table, events.slice(0, half), partition_by=["event_date"], mode="append")
    deltars.write(table, events.slice(half), partition_by=["event_date"], mode="append")
    deltars.write(table, events.slice(0, half), partition_by=["event_date"], mode="overwrite")
    file = reading.pipeline(source, features="events: count(*)\nn_most: max(n)\nprices: count(distinct price)")
    call("run", file, "--date", DATES[1], sets=reading.sets(table))
    want = published(reading.sets(table)["OUT"], DATES[1])
    query = call("sql", file, "--date", DATES[1], "--dialect", "duckdb", sets=reading.sets(table)).stdout
    assert "delta_scan(" in query and "read_parquet" not in query
    got = duckdb_delta.read(table, sql=query.split("SET TimeZone = 'UTC';", 1)[1].strip().rstrip(";"))
    assert got.to_pylist() == want.select(got.column_names).to_pylist() and want.num_rows > 0
