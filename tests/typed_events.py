"""Events with a column of each type and odd values, and a comparison of rows whatever system read them."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

TYPED = pa.schema(
    [
        ("user_id", pa.string()),
        ("country", pa.string()),
        ("n", pa.int32()),
        ("price", pa.decimal128(12, 2)),
        ("value", pa.float64()),
        ("day", pa.date32()),
        ("naive", pa.timestamp("us")),
        ("instant", pa.timestamp("us", "UTC")),
        ("yes", pa.bool_()),
    ]
)
COUNTRIES = ("SE", None, "a/b=c d%", "é'\"", "x:y")


def typed_events(days: int = 4, per_day: int = 60) -> pa.Table:
    """Events of COUNTRIES with the column event_date, from 2026-03-01."""
    rows = []
    for i in range(days * per_day):
        day = dt.date(2026, 3, 1) + dt.timedelta(days=i // per_day)
        at = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=i % per_day * 20, microseconds=i)
        rows.append(
            {
                "user_id": f"u{i * i % 11}" if i % 13 else None,
                "country": COUNTRIES[i % len(COUNTRIES)],
                "n": None if i % 7 == 0 else i * 37 % 1000 - 500,
                "price": Decimal(i * 7919 % 10_000) / 100,
                "value": float("nan") if i % 50 == 3 else i / 7,
                "day": day,
                "naive": at,
                "instant": at.replace(tzinfo=dt.timezone.utc),
                "yes": None if i % 4 == 0 else i % 3 == 0,
                "event_date": day,
            }
        )
    return pa.Table.from_pylist(rows, TYPED.append(pa.field("event_date", pa.date32())))


def days_of(events: pa.Table) -> Iterator[tuple[dt.date, pa.Table]]:
    for day in pc.unique(events["event_date"]).to_pylist():
        yield day, events.filter(pc.equal(events["event_date"], day))


def plain(table: pa.Table) -> list[tuple]:
    """Rows in an order of their own, columns by name, types that differ between readers brought together."""
    columns = {}
    for name in sorted(table.column_names):
        column = table[name]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        columns[name] = [str(v) if isinstance(v, float) else v for v in column.to_pylist()]
    return sorted(zip(*columns.values()), key=repr)
