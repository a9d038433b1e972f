"""Random pipelines with dimensions, and the query by which DuckDB answers them.

The query is written from the description of joins alone: it knows events, dimensions and SQL."""

import datetime as dt
import random
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

FIRST_DAY = dt.date(2026, 3, 1)
DAYS = 6
COUNTRIES = ["de", "fr", "se", "us", "Österreich", ""]
PLANS = ["free", "pro", None]


@dataclass
class Key:
    """A column that events and a dimension share: its type on either side, and how value number i is written."""

    name: str
    events: pa.DataType
    dimension: pa.DataType
    value: object

    def at(self, number: int | None, type_: pa.DataType) -> object:
        if number is None:
            return None
        value = self.value(number)
        if pa.types.is_fixed_size_binary(type_):
            return value.bytes
        return str(value) if pa.types.is_string(type_) and not isinstance(value, str) else value


KEYS = [
    Key("user_id", pa.string(), pa.string(), lambda i: f"u{i}"),
    Key("item", pa.int64(), pa.int32(), lambda i: i * 3 - 20),
    Key("shop", pa.int32(), pa.uint32(), lambda i: i),
    Key("account", pa.int64(), pa.int64(), lambda i: (i * 7_919_777_777_777 - 10**14) % (2**62)),
    Key("device", pa.string(), pa.string(), lambda i: UUID(int=i * 2**70 + 5)),
    Key("born", pa.date32(), pa.date32(), lambda i: dt.date(1970, 1, 1) + dt.timedelta(days=i * 5 - 40)),
    Key("price", pa.decimal128(9, 2), pa.decimal128(12, 4), lambda i: Decimal(i * 25) / 100),
    Key("seen", pa.timestamp("us"), pa.timestamp("ms"), lambda i: dt.datetime(2026, 1, 1) + dt.timedelta(hours=i)),
]


@dataclass
class Join:
    table: str
    keys: list[tuple[str, str]]  #: of events (or of an earlier join), of the dimension
    columns: list[tuple[str, str]]  #: new name, of the dimension
    inner: bool = False
    dated: bool = False
    rows: list[dict] = field(default_factory=list)
    days: list[dt.date] = field(default_factory=list)  #: of its partitions, those without rows too


@dataclass
class Case:
    joins: list[Join]
    where: str | None
    derived: dict[str, str]
    entity: list[str]
    window: int
    features: dict[str, str] = field(default_factory=dict)
    text: str = ""


def _events(rnd: random.Random, keys: list[Key], wide: int) -> list[dict]:
    rows = []
    for day in range(DAYS):
        for i in range(rnd.choice([0, 5, 60, 120])):
            row = {"event_date": FIRST_DAY + dt.timedelta(days=day), "value": rnd.randrange(-5, 50)}
            row["at"] = dt.datetime.combine(row["event_date"], dt.time()) + dt.timedelta(seconds=rnd.randrange(86400), microseconds=i)
            for key in keys:
                hot = 3 if rnd.random() < 0.4 else rnd.randrange(wide)
                row[key.name] = key.at(None if rnd.random() < 0.08 else hot, key.events)
            row["who"] = rnd.choice(["a", "b", "c", None])
            rows.append(row)
    return rows


def _columns_of(rnd: random.Random) -> dict:
    return {"country": rnd.choice([*COUNTRIES, None]), "plan": rnd.choice(PLANS), "weight": rnd.choice([None, *range(-3, 9)])}


def _dimension(rnd: random.Random, keys: list[Key], names: list[str], wide: int) -> list[dict]:
    size = rnd.choice([0, 1, 3, wide // 2, wide, 2 * wide])
    seen, rows = set(), []
    for _ in range(size):
        numbers = tuple(None if rnd.random() < 0.05 else rnd.randrange(2 * wide) for _ in keys)
        if numbers in seen and None not in numbers:
            continue  # NULL keys may come as often as they like
        seen.add(numbers)
        row = {name: key.at(n, key.dimension) for key, name, n in zip(keys, names, numbers, strict=True)}
        rows.append({**row, **_columns_of(rnd)})
    return rows


def random_case(rnd: random.Random, folder: Path) -> Case:
    wide = rnd.choice([4, 12, 40])
    keys = rnd.sample(KEYS, rnd.randrange(2, 5))
    events = _events(rnd, keys, wide)
    schema = pa.schema([("value", pa.int64()), ("at", pa.timestamp("us")), *((key.name, key.events) for key in keys), ("who", pa.string())])
    _write_events(rnd, folder / "events", events, schema)
    joins = []
    for j in range(rnd.randrange(1, 4)):
        chosen = rnd.sample(keys, rnd.choice([1, 1, 1, 2]))
        names = [rnd.choice([key.name, f"k{n}"]) for n, key in enumerate(chosen)]
        join = Join(f"dim{j}", [(key.name, name) for key, name in zip(chosen, names, strict=True)], [], rnd.random() < 0.3, rnd.random() < 0.35)
        pairs = [(f"{c}{j}", c) for c in ("country", "plan", "weight")]
        join.columns = rnd.sample(pairs, rnd.randrange(1, 4))
        fields = {name: key.dimension for key, name in zip(chosen, names, strict=True)}
        _write_dimension(rnd, folder, join, chosen, names, fields, wide)
        joins.append(join)
    if rnd.random() < 0.4:
        text = next(((n, c) for join in joins for n, c in join.columns if c in ("country", "plan")), None)
        if text:
            chain = Join("chain", [(text[0], "code")], [("region", "region")], rnd.random() < 0.2)
            values = COUNTRIES if text[1] == "country" else ["free", "pro"]
            chain.rows = [{"code": v, "region": rnd.choice(["eu", "na"])} for v in rnd.sample(values, rnd.randrange(1, len(values) + 1))]
            _write(folder / "chain" / "part-0.parquet", chain.rows, pa.schema([("code", pa.string()), ("region", pa.string())]), rnd)
            joins.append(chain)
    return _complete(rnd, folder, Case(joins, None, {}, [], rnd.randrange(1, DAYS)))


def _write(path: Path, rows: list[dict], schema: pa.Schema, rnd: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    pq.write_table(table, path, row_group_size=rnd.choice([3, 17, 1000]), use_dictionary=rnd.random() < 0.6)


def _write_events(rnd: random.Random, folder: Path, rows: list[dict], schema: pa.Schema) -> None:
    """By day, or in files that mix the days."""
    folder.mkdir(parents=True)
    for day in range(DAYS):
        date = FIRST_DAY + dt.timedelta(days=day)
        _write(folder / f"event_date={date}" / "part-0.parquet", [r for r in rows if r["event_date"] == date], schema, rnd)


def _write_dimension(rnd: random.Random, folder: Path, join: Join, keys: list[Key], names: list[str], fields: dict, wide: int) -> None:
    schema = pa.schema([*fields.items(), ("country", pa.string()), ("plan", pa.string()), ("weight", pa.int16())])
    place = folder / join.table
    if join.dated:
        for offset in sorted(rnd.sample(range(-3, DAYS + 1), rnd.randrange(1, 5))):
            day = FIRST_DAY + dt.timedelta(days=offset)
            rows = _dimension(rnd, keys, names, wide)
            join.days.append(day)
            join.rows += [{**row, "as_of_day": day} for row in rows]
            _write(place / f"day={day}" / "part-0.parquet", rows, schema, rnd)
        return
    join.rows = _dimension(rnd, keys, names, wide)
    cut = rnd.randrange(len(join.rows) + 1)
    _write(place / "part-0.parquet", join.rows[:cut], schema, rnd)
    if rnd.random() < 0.5 or cut < len(join.rows):
        _write(place / "part-1.parquet", join.rows[cut:], schema, rnd)


def _complete(rnd: random.Random, folder: Path, case: Case) -> Case:
    joined = [(name, column) for join in case.joins for name, column in join.columns]
    texts = [name for name, column in joined if column != "weight"]
    numbers = [name for name, column in joined if column == "weight"]
    if rnd.random() < 0.6:
        case.where = rnd.choice(["value > 5", *(f"{t} is not null" for t in texts), *(f"coalesce({n}, 1) >= 0" for n in numbers)])
    if numbers and rnd.random() < 0.7:
        case.derived["worth"] = f"coalesce({numbers[0]}, 0) * value"
    case.entity = [rnd.choice(["who", *texts])]
    features = {"n": "count(*)", "total": "sum(value)"}
    for name, column in rnd.sample(joined, rnd.randrange(len(joined)) + 1):
        features[f"has_{name}"] = f"count({name})"
        if column == "weight":
            features |= {f"sum_{name}": f"sum({name})", f"low_{name}": f"min({name}) filter (where value > 0)"}
        else:
            features |= {f"kinds_{name}": f"count(distinct {name})", f"max_{name}": f"max({name})"}
            features[f"de_{name}"] = f"count(*) filter (where {name} in ('de', 'pro', 'eu'))"
    if case.derived:
        features["worth_sum"] = "sum(worth)"
    case.features = features
    lines = ["pipeline: joined", "source:", "  path: ${EVENTS}", "  day: event_date", "  event_time: at"]
    if case.where:
        lines.append(f'  where: "{case.where}"')
    if case.derived:
        lines += ["  columns:", *(f'    {name}: "{text}"' for name, text in case.derived.items())]
    lines.append("  join:")
    for join in case.joins:
        lines += [f"    - path: {folder / join.table}", f"      key: {_columns_text(join.keys)}", f"      columns: {_columns_text(join.columns)}"]
        lines += ["      type: inner"] * join.inner + ["      as_of: day"] * join.dated
    lines += [f"entity: [{', '.join(case.entity)}]", "null_entity: keep", f"window: {case.window}d", "features:"]
    lines += [f'  {name}: "{text}"' for name, text in features.items()]
    lines += ["output:", "  path: ${OUT}"]
    case.text = "\n".join(lines) + "\n"
    return case


def _columns_text(pairs: list[tuple[str, str]]) -> str:
    return "[" + ", ".join(new if new == old else f"{{{new}: {old}}}" for new, old in pairs) + "]"


def query(case: Case, folder: Path, date: dt.date) -> str:
    """The features of a date, an SQL text."""
    first = date - dt.timedelta(days=case.window - 1)
    text = f"""SELECT * FROM (SELECT *, row_number() OVER () AS event_number
      FROM read_parquet('{folder}/events/*/*.parquet', hive_partitioning = true, hive_types = {{'event_date': DATE}}))
      WHERE event_date BETWEEN DATE '{first}' AND DATE '{date}'"""
    for j, join in enumerate(case.joins):
        files = f"read_parquet('{folder}/{join.table}/**/*.parquet'" + (", hive_partitioning = true, hive_types = {'day': DATE})" if join.dated else ")")
        on = " AND ".join(f"e.{mine} = d.{theirs}" for mine, theirs in join.keys)
        if join.dated:
            days = ", ".join(f"DATE '{day}'" for day in join.days)
            on += f" AND d.day = list_max(list_filter([{days}], lambda s: s <= e.event_date))"
        columns = ", ".join(f"d.{old} AS {new}" for new, old in join.columns)
        text = f"SELECT e.*, {columns}, d.{join.keys[0][1]} IS NOT NULL AS found_{j} FROM ({text}) e LEFT JOIN {files} d ON {on}"
    derived = "".join(f", {expression} AS {name}" for name, expression in case.derived.items())
    conditions = [f"({case.where})"] if case.where else []
    conditions += [f"found_{j}" for j, join in enumerate(case.joins) if join.inner]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    entity = ", ".join(case.entity)
    features = ", ".join(f"{expression} AS {name}" for name, expression in case.features.items())
    return f"SELECT {entity}, {features} FROM (SELECT *{derived} FROM ({text})){where} GROUP BY {entity} ORDER BY {entity}"
