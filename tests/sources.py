"""Writers of small sources of events."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

START = dt.date(2026, 3, 1)


def day_label(offset: int, start: dt.date = START) -> str:
    return str(start + dt.timedelta(days=offset))


def write_days(folder: Path, rows: list[dict], schema: pa.Schema, column: str = "event_date", **options) -> Path:
    """Rows that hold `column` (a label), as hive partitions of one file each; `schema` is that of the files."""
    by_day: dict[str, list[dict]] = {}
    for row in rows:
        by_day.setdefault(str(row[column]), []).append(row)
    for label, members in by_day.items():
        write_file(folder / f"{column}={label}" / "part-0.parquet", members, schema, **options)
    return folder


def write_file(path: Path, rows: list[dict], schema: pa.Schema, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = schema.names
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=schema)
    pq.write_table(table, path, **options)
    return path


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def with_days(events: Path) -> pa.Table:
    """The rows of a source, with the days of its folders as a column."""
    tables = []
    for path in sorted(events.rglob("*.parquet")):
        rows = pq.ParquetFile(path).read()
        day = path.parent.name.removeprefix("event_date=")
        tables.append(rows.append_column("event_date", pa.array([day] * rows.num_rows)))
    return pa.concat_tables(tables)


CLICKS = pa.schema(
    [
        ("user_id", pa.string()),
        ("kind", pa.string()),
        ("value", pa.float64()),
        ("at", pa.timestamp("us")),
    ]
)


def clicks(folder: Path, days: int = 5, users: int = 7, per_day: int = 40, start: dt.date = START) -> Path:
    """A regular little source: event_date partitions with columns of CLICKS, the same every time."""
    rows = []
    for day in range(days):
        for i in range(per_day):
            date = start + dt.timedelta(days=day)
            rows.append(
                {
                    "event_date": str(date),
                    "user_id": f"u{(i * i + day) % users}",
                    "kind": ("view", "click", "buy")[i % 3],
                    "value": None if i % 5 == 0 else (i * 37 % 101) / 10 + day,
                    "at": dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=i * 30 % 1440, seconds=i),
                }
            )
    return write_days(folder, rows, CLICKS, row_group_size=16)
