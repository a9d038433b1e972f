"""A random source: columns, rows, and how they are laid out in files."""

import datetime as dt
import random
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .columns import Column, random_columns

ZONES = ["UTC", "UTC", "Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]


@dataclass
class Source:
    first: dt.date
    days: int
    columns: list[Column]
    entity: list[Column]
    event_time: Column
    timezone: str
    partitions: str  # date | date_region | ymd | none
    day: str | None  # the `day` of the pipeline file
    rows: list[dict] = field(repr=False, default_factory=list)

    def all_columns(self) -> list[Column]:
        return [*self.entity, self.event_time, *self.columns]


def random_source(rnd: random.Random) -> Source:
    # Around changes of European summer time as well: days of 23 and 25 hours.
    first = rnd.choice([dt.date(2026, 3, 25), dt.date(2026, 10, 21), dt.date(2026, 1, 28), dt.date(2024, 2, 26)])
    days = rnd.randint(1, 9)
    start = dt.datetime.combine(first, dt.time())
    entity = random_entity(rnd)
    partitions, day = rnd.choice(
        [
            ("date", "event_date"),
            ("date", "event_date"),
            ("date_region", "event_date"),
            ("ymd", "make_date(year, month, day)"),
            ("none", "happened_on"),
            ("none", None),
            ("none", None),
            ("none", "cast(at as date)"),
            ("none", "date_trunc('day', at)"),
        ]
    )
    zoned = rnd.random() < 0.4
    unit = rnd.choice(["ms", "us", "us", "ns"])
    step = rnd.choice([1, 1800, 86400 // 2])
    moments = [start + dt.timedelta(seconds=i) for i in range(0, days * 86400, step)]
    moments = rnd.sample(moments, min(len(moments), 400))
    if zoned:
        moments = [moment.replace(tzinfo=dt.timezone.utc) for moment in moments]
    event_time = Column("at", "time", pa.timestamp(unit, tz="UTC" if zoned else None), moments, rnd.choice([0, 0, 0.05]))
    source = Source(first, days, random_columns(rnd, start, days), entity, event_time, rnd.choice(ZONES), partitions, day)
    _draw_rows(rnd, source)
    return source


def random_entity(rnd: random.Random) -> list[Column]:
    many = rnd.choice([1, 5, 40, 300])
    kinds = [
        Column("user_id", "text", pa.string(), [f"u{i}" for i in range(many)], 0),
        Column("user_id", "text", pa.dictionary(pa.int32(), pa.string()), [f"u{i}" for i in range(many)], 0),
        Column("user_id", "int", pa.int64(), [i * 7919 - 5 for i in range(many)], 0, narrow=pa.int32()),
        Column("user_id", "int", pa.int32(), list(range(-many, many)), 0),
        Column("member", "text", pa.large_string(), ["", "Åsa", "b" * 40, "a\0b"], 0),
        Column("device", "int", pa.uint16(), list(range(0, 65536, 8191)), 0),
        Column("born", "date", pa.date32(), [dt.date(1900, 1, 1), dt.date(2000, 2, 29), dt.date(1970, 1, 1)], 0),
        Column("is_new", "bool", pa.bool_(), [True, False], 0),
    ]
    first = rnd.choice(kinds)
    others = [column for column in kinds if column.name != first.name]
    chosen = [first, *rnd.sample(others, rnd.choice([0, 0, 0, 1, 2]))]
    names = set()
    unique = [c for c in chosen if not (c.name in names or names.add(c.name))]
    for column in unique:
        column.nulls = rnd.choice([0, 0, 0.1])
    return unique


def _draw_rows(rnd: random.Random, source: Source) -> None:
    n = rnd.choice([0, 1, 30, 300, 300, 300, 1500])
    columns = source.all_columns()
    drawn = {column.name: column.draw(rnd, n) for column in columns}
    for i in range(n):
        row = {name: values[i] for name, values in drawn.items()}
        date = source.first + dt.timedelta(days=rnd.randrange(source.days))
        row["happened_on"] = date if source.partitions != "none" or rnd.random() > 0.02 else None
        row["__region"] = rnd.choice(["eu", "us", "ap-south"])
        source.rows.append(row)


def write_source(rnd: random.Random, source: Source, folder: Path) -> None:
    """Lays the rows out in files: by partition, split at random, each file with its own way of writing."""
    groups: dict[str, list[dict]] = {}
    for row in source.rows:
        groups.setdefault(_partition_of(source, row), []).append(row)
    parts: list[tuple[Path, list[dict]]] = []
    for partition, rows in sorted(groups.items()):
        for i, piece in enumerate(_split(rnd, rows)):
            parts.append((folder / partition / f"part-{i}.parquet", piece))
    if not parts:
        parts = [(folder / _partition_of(source, {"happened_on": source.first, "__region": "eu"}) / "part-0.parquet", [])]
    columns = source.all_columns()
    if source.day == "happened_on":
        columns = [*columns, Column("happened_on", "date", pa.date32(), [], 0)]
    whole = rnd.randrange(len(parts))  # one file has every column in its own type
    for i, (path, rows) in enumerate(parts):
        # A run sees the columns of its window alone, so the first file of each partition lacks none.
        complete = i == whole or path.name == "part-0.parquet"
        held = columns if complete else [c for c in columns if c not in source.columns or rnd.random() > 0.2]
        if i != whole and rnd.random() < 0.3:
            held = rnd.sample(held, len(held))  # order of columns is no matter
        types = [c.narrow if c.narrow is not None and i != whole and rnd.random() < 0.5 else c.type for c in held]
        if len(held) < len(columns):
            for row in rows:
                for column in columns:
                    if column not in held:
                        row[column.name] = None
        arrays = [pa.array([row[c.name] for row in rows], kind) for c, kind in zip(held, types)]
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(arrays, names=[c.name for c in held]), path, **_way_of_writing(rnd, held, types))


def _partition_of(source: Source, row: dict) -> str:
    date = row["happened_on"]
    if source.partitions == "date":
        return f"event_date={date}"
    if source.partitions == "date_region":
        return f"event_date={date}/region={row['__region']}"
    if source.partitions == "ymd":
        return f"year={date.year}/month={date.month:02}/day={date.day:02}"
    return "."


def _split(rnd: random.Random, rows: list[dict]) -> list[list[dict]]:
    pieces: list[list[dict]] = [[] for _ in range(rnd.choice([1, 1, 2, 3]))]
    for row in rows:
        rnd.choice(pieces).append(row)
    return pieces


def _way_of_writing(rnd: random.Random, columns: list[Column], types: list[pa.DataType]) -> dict:
    options: dict = {
        "compression": rnd.choice(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]),
        "row_group_size": rnd.choice([1, 7, 100, 10**6]),
        "data_page_size": rnd.choice([64, 1 << 20]),
        "data_page_version": rnd.choice(["1.0", "2.0"]),
        "write_statistics": rnd.random() < 0.8,
        "use_dictionary": rnd.random() < 0.5,
    }
    if not options["use_dictionary"] and rnd.random() < 0.5:
        options["column_encoding"] = {c.name: e for c, t in zip(columns, types) if (e := _encoding(rnd, t))}
    return options


def _encoding(rnd: random.Random, kind: pa.DataType) -> str | None:
    if pa.types.is_integer(kind) and kind.bit_width >= 32 or pa.types.is_date(kind):
        return rnd.choice(["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"])
    if pa.types.is_floating(kind):
        return rnd.choice(["PLAIN", "BYTE_STREAM_SPLIT"])
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return rnd.choice(["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
    return None
