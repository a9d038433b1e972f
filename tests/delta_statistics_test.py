"""Statistics in add actions bound what the files hold, so that readers skip no file that they need."""

import datetime as dt
import json
import math
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta_log import DeltaLog
from sources import write_file
from world import DATE

EVENTS = pa.schema(
    [
        ("user_id", pa.int64()),
        ("small", pa.int32()),
        ("text", pa.string()),
        ("day", pa.date32()),
        ("naive", pa.timestamp("us")),
        ("instant", pa.timestamp("us", "UTC")),
        ("price", pa.decimal128(20, 4)),
        ("value", pa.float64()),
        ("yes", pa.bool_()),
    ]
)
LONG = "long text that goes on, and on, and on " * 3
TEXTS = ("", "a", LONG, LONG + "\U0010ffff" * 40, "\U0010ffff" * 50, "é\u0000ü", 'quo"te\\', None)
VALUES = (0.0, -0.0, 1.5, math.nan, math.inf, -math.inf, None, 5e-324, 1.7976931348623157e308)


def event(i: int) -> dict:
    """Rows of 200 users: those up to 50 without odd values, those of 150 and more with nothing but NULL."""
    if i >= 150:
        return {"user_id": i}
    instant = dt.datetime(2026, 3, 4, 23, 59, 59, 999_000 + i, dt.timezone.utc)
    return {
        "user_id": i,
        "small": -i,
        "text": TEXTS[i % len(TEXTS)] if i >= 50 else f"t{i}",
        "day": dt.date(1900 + i, 2, 28),
        "naive": dt.datetime(1950, 1, 1) + dt.timedelta(days=i * 99, microseconds=i),
        "instant": instant,
        "price": Decimal(i * 10**13 + i) / 10**4 - 7,
        "value": VALUES[i % len(VALUES)] if i >= 50 else i / 3,
        "yes": i % 3 == 0,
    }


def as_value(written: object, kind: pa.DataType) -> object:
    """A statistic as the type that it bounds; None where that is not to be compared."""
    if pa.types.is_timestamp(kind):
        moment = dt.datetime.fromisoformat(str(written).replace("Z", "+00:00"))
        return moment.replace(tzinfo=None) if kind.tz is None else moment
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(written)
    if pa.types.is_decimal(kind):
        return Decimal(str(written))
    if pa.types.is_floating(kind):
        return float(written)
    return written


def faults_of(log: DeltaLog, add: dict) -> list[str]:
    """What a reader that trusts the statistics of a file would get wrong."""
    stats = json.loads(add["stats"], parse_float=Decimal)
    rows = pq.ParquetFile(log.file_of(add)).read()
    faults = []
    if stats["numRecords"] != rows.num_rows:
        faults.append(f"numRecords {stats['numRecords']} of {rows.num_rows}")
    for name in rows.column_names:
        column = rows[name]
        nulls = stats.get("nullCount", {}).get(name)
        if nulls not in (None, column.null_count):
            faults.append(f"{name}: nullCount {nulls} of {column.null_count}")
        values = [value for value in column.to_pylist() if value is not None]
        for side in ("min", "max"):
            if (written := stats.get(f"{side}Values", {}).get(name)) is not None:
                bound = as_value(written, column.type)
                beyond = [value for value in values if not bounds(side, bound, value)]
                faults += [f"{name}: {side} {written}, and there is {value!r}" for value in beyond]
    return faults


def bounds(side: str, bound: object, value: object) -> bool:
    if isinstance(value, float):
        # NaN is the largest value.
        rank = lambda x: (math.isnan(x), 0.0 if math.isnan(x) else x)  # noqa: E731
        return rank(bound) <= rank(value) if side == "min" else rank(value) <= rank(bound)
    if isinstance(value, dt.datetime) and side == "max":
        bound += dt.timedelta(microseconds=999)  # the protocol lets writers cut off microseconds, and readers add them
    if isinstance(value, str):
        bound, value = bound.encode(), value.encode()
    return bound <= value if side == "min" else value <= bound


def assert_right(log: DeltaLog, complete: bool) -> None:
    faults = {path: found for path, add in log.live().items() if (found := faults_of(log, add))}
    assert faults == {}
    if complete:
        for add in log.live().values():
            stats = json.loads(add["stats"])
            assert stats["minValues"].keys() and stats["maxValues"].keys() and stats["nullCount"].keys()


@pytest.fixture
def typed(disk_delta):
    for folder in disk_delta.events.iterdir():
        (folder / "part-0.parquet").unlink()
        folder.rmdir()
    rows = [event(i) for i in range(200)]
    write_file(disk_delta.events / f"event_date={DATE}/part-0.parquet", rows, EVENTS)
    names = [name for name in EVENTS.names if name not in ("user_id", "yes")]
    disk_delta.pipeline(
        source="day: event_date",
        window="1d",
        features="n: count(*)\nyes: bool_or(yes)\n" + "\n".join(f"{name}: min({name})" for name in names),
        output="format: delta, partition_by: [feature_date], max_rows_per_file: 50",
    )
    return disk_delta


def test_statistics_bound_what_is_in_the_files(typed):
    typed.run()
    log = typed.log
    assert len(log.live()) == 4
    assert_right(log, complete=True)
    first = min(log.live().values(), key=lambda add: json.loads(add["stats"])["minValues"]["user_id"])
    stats = json.loads(first["stats"], parse_float=Decimal)
    low, high, nulls = stats["minValues"], stats["maxValues"], stats["nullCount"]
    assert (low["user_id"], high["user_id"]) == (0, 49)
    assert (low["small"], high["small"]) == (-49, 0)
    assert (low["text"], high["text"]) == ("t0", "t9")
    assert (low["day"], high["day"]) == ("1900-02-28", "1949-02-28")
    assert (Decimal(low["price"]), Decimal(high["price"])) == (event(0)["price"], event(49)["price"])
    assert (float(low["value"]), float(high["value"])) == (0.0, 49 / 3)
    assert set(nulls.values()) == {0}


def test_readers_that_skip_files_find_every_row(typed, duckdb_delta):
    typed.run()
    conditions = {
        "user_id BETWEEN 49 AND 50": 2,
        "small < -148": 1,
        "text = ''": len([i for i in range(50, 150) if TEXTS[i % 8] == ""]),
        f"text = '{LONG}'": len([i for i in range(50, 150) if TEXTS[i % 8] == LONG]),
        "text > 'zz'": len([i for i in range(50, 150) if (TEXTS[i % 8] or "") > "zz"]),
        "day = DATE '2049-02-28'": 1,
        "instant > TIMESTAMPTZ '2026-03-04 23:59:59.999148+00'": 1,
        "price > 148000000000": 1,
        "value > 1.8e308": 0,
        "value = 0": 1 + len([i for i in range(50, 150) if i % 9 in (0, 1)]),
        "text IS NULL": 50 + len([i for i in range(50, 150) if TEXTS[i % 8] is None]),
    }
    for condition, rows in conditions.items():
        if "1.8e308" in condition:
            condition = "isnan(value)"
            rows = len([i for i in range(50, 150) if i % 9 == 3])
        sql = f"SELECT count(*) AS n FROM t WHERE {condition}"
        for reader in (duckdb_delta, typed.deltars):
            dialect = sql.replace("TIMESTAMPTZ", "TIMESTAMP") if reader is typed.deltars else sql
            assert reader.read(typed.out, sql=dialect)["n"].to_pylist() == [rows], f"{reader.program}: {condition}"


def test_those_of_delta_rs_pass_the_same_examination(typed, tmp_path):
    """That is, the examination is right."""
    rows = pa.Table.from_pylist([event(i) for i in range(50)], EVENTS)
    typed.deltars.write(tmp_path / "theirs", rows)
    assert_right(DeltaLog(tmp_path / "theirs"), complete=True)
    (add,) = DeltaLog(tmp_path / "theirs").live().values()
    stats = json.loads(add["stats"])
    stats["maxValues"]["user_id"] = 48
    stats["nullCount"]["text"] = 1
    stats["minValues"]["day"] = "1900-03-01"
    faults = faults_of(DeltaLog(tmp_path / "theirs"), add | {"stats": json.dumps(stats)})
    assert len(faults) == 3
