"""Pipelines and data that every engine must agree on: where engines differ by nature."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from cases_test import CASES, all_dates
from cases_test import write_source as write_case
from hourly import Hourly, stream
from pipelines import write_pipeline
from sources import write_days, write_file
from tidemill_command import ROOT, call

INFINITE = float("inf")
NAN = float("nan")


@dataclass(frozen=True)
class EqualityCase:
    """`make` writes a pipeline file and its source below a folder and gives the file's path; the names of the source
    and the table are EVENTS and OUT."""

    name: str
    make: Callable[[Path], Path]
    start: str
    end: str
    entity: tuple[str, ...]
    #: Sums of doubles that cancel on the way, which only exact sums survive.
    cancels: bool = False
    #: Whether Spark computes it at all.
    on_spark: bool = True


def _days(schema: pa.Schema, rows: list[dict], **pipeline: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_days(folder / "events", rows, schema, row_group_size=3)
        return write_pipeline(folder / "pipeline.yaml", **pipeline)

    return make


def _day(number: int) -> str:
    return str(dt.date(2026, 3, number))


def _odd_doubles() -> EqualityCase:
    values = [NAN, -0.0, 0.0, None, INFINITE, -INFINITE, 1e-310, 5e-324, 0.1, 0.2, -0.3, 1e15, 3.0]
    rows = [{"event_date": _day(1 + i % 3), "u": f"u{i % 4}", "x": value, "i": i} for i, value in enumerate(values * 2)]
    schema = pa.schema([("u", pa.string()), ("x", pa.float64()), ("i", pa.int64())])
    features = """
      n: count(x)
      kinds: count(distinct x)
      low: min(x)
      high: max(x)
      finite: sum(x) filter (where abs(x) < 1e100)
      mean: avg(x) filter (where abs(x) < 1e100)
      spread: stddev_samp(x) filter (where abs(x) < 1e10)
      at_low: min_by(i, x)
      at_high: max_by(i, x)
      zero: bool_or(x = 0)
      ratio: case when low = 0 then 0.0 else n / nullif(low, 0) end
    """
    return EqualityCase("doubles", _days(schema, rows, source="day: event_date", entity="u", window="2d", features=features),
                        _day(1), _day(4), ("u",))  # fmt: skip


def _decimals() -> EqualityCase:
    rows = [
        {
            "event_date": _day(1 + i % 3),
            "u": f"u{i % 3}",
            "small": None if i % 7 == 0 else Decimal(i * 37 - 200) / 100,
            "large": Decimal("99999999999999999999999.999") - i if i % 2 else None,
        }
        for i in range(40)
    ]
    schema = pa.schema([("u", pa.string()), ("small", pa.decimal128(9, 2)), ("large", pa.decimal128(26, 3))])
    features = """
      total: sum(small)
      mean: avg(small)
      low: min(small)
      high: max(large)
      distinct_small: count(distinct small)
      positive: sum(small) filter (where small > 0.5)
      large_total: sum(large)
      as_double: cast(sum(small) as double precision) / 2
    """
    return EqualityCase("decimals", _days(schema, rows, source="day: event_date", entity="u", window="2d", features=features),
                        _day(1), _day(4), ("u",))  # fmt: skip


def _lists() -> EqualityCase:
    """Lists and maps, and what needs all values."""
    words = ["view", "buy", None, "", "é", "view"]
    rows = [
        {
            "event_date": _day(1 + i % 4),
            "u": f"u{i % 3}",
            "at": dt.datetime(2026, 3, 1 + i % 4, 12, i % 5),
            "kind": words[i % 6],
            "x": None if i % 7 == 0 else (i * 37 % 50) / 4,
            "n": i % 9,
        }
        for i in range(90)
    ]
    schema = pa.schema([("u", pa.string()), ("at", pa.timestamp("us")), ("kind", pa.string()), ("x", pa.float64()), ("n", pa.int32())])
    features = """
      path: {expr: collect_list(kind), windows: [1d, 3d]}
      kinds: {expr: collect_set(kind), windows: [1d, 3d]}
      best: {expr: "top_k(n, 3)", windows: [1d, 3d]}
      seen: histogram(kind)
      usual: mode(n)
      middle: {expr: median(x), windows: [1d, 3d]}
      upper: percentile_disc(x, 0.9)
      together: corr(x, n)
      apart: {expr: "covar_samp(x, n)", windows: [1d, 3d]}
      lean: skewness(x)
      tails: kurtosis(x)
      some: count_if(x > 3)
      first_kind: element_at(collect_list(kind), 1)
      steps: cardinality(collect_list(kind))
      none: collect_set(kind) filter (where n > 100)
    """
    return EqualityCase("lists", _days(schema, rows, source="day: event_date, event_time: at", entity="u", window="3d", features=features),
                        _day(1), _day(5), ("u",))  # fmt: skip


def _null_entities(policy: str) -> EqualityCase:
    countries = ["de", None, "", "DE", "é"]
    rows = [
        {"event_date": _day(1 + i % 4), "u": None if i % 5 == 0 else i % 3 - 1, "country": countries[i % 4 if i % 3 else 4], "x": i}
        for i in range(60)
    ]
    schema = pa.schema([("u", pa.int32()), ("country", pa.string()), ("x", pa.int16())])
    features = "n: count(*)\n total: sum(x)\n words: count(distinct country)\n latest: max_by(country, x)"
    pipeline = {"source": "day: event_date", "entity": "[u, country]", "window": "3d", "features": features}
    return EqualityCase(f"null-entities-{policy}", _days(schema, rows, **pipeline, more=f"null_entity: {policy}"),
                        _day(2), _day(5), ("u", "country"))  # fmt: skip


def _empty_windows() -> EqualityCase:
    rows = [{"event_date": day, "u": "a", "x": 1} for day in ("2026-03-02", "2026-03-09")]
    schema = pa.schema([("u", pa.string()), ("x", pa.int64())])
    features = """
      n: {expr: count(*), windows: [1d, 3d]}
      total: {expr: sum(x), windows: [1d, 3d]}
      filled: {expr: sum(x), window: 1d, default: 0}
      since: datediff(feature_date, cast('2026-03-01' as date))
    """
    return EqualityCase("empty-windows", _days(schema, rows, source="day: event_date", entity="u", window="3d", features=features),
                        "2026-02-27", "2026-03-14", ("u",))  # fmt: skip


def _rules_and_entities() -> EqualityCase:
    rows = [{"event_date": _day(1 + i % 4), "u": f"u{i % 5}" if i % 7 else None, "x": i % 11 if i % 6 else None} for i in range(90)]
    days = _days(
        pa.schema([("u", pa.string()), ("x", pa.int64())]),
        rows,
        source="day: event_date",
        entity="u",
        window="2d",
        checks="""
        rows:
          - {rule: "x < 9", quarantine: true}
          - {rule: "u is not null", max_rate: 0.2}
        input: ["every(x < 9)", row_count > 0]""".replace("        ", ""),
        features="n: count(*)\n total: sum(x)\n values: count(distinct x)",
        output='partition_by: [feature_date], entities: {path: entities, column: id}',
    )

    def make(folder: Path) -> Path:
        write_file(folder / "entities/part-0.parquet", [{"id": name} for name in ("u1", "z", "a", None, "z")], pa.schema([("id", pa.string())]), row_group_size=2)
        return days(folder)

    return EqualityCase("rules-and-entities", make, _day(1), _day(6), ("u",), on_spark=False)


def _hours(zone: str, first: str, last: str, start: str, end: str) -> EqualityCase:
    def make(folder: Path) -> Path:
        hourly = Hourly(folder, zone, zoned=True, partitioned=True)
        hourly.add(stream(first, last, zone, zoned=True, minutes=17))
        return hourly.file

    return EqualityCase(f"hours-{zone.replace('/', '-')}", make, start, end, ("user_id",))


def _example() -> EqualityCase:
    def make(folder: Path) -> Path:
        sizes = ("--days", 9, "--start", "2026-02-22", "--events-per-day", 3000, "--entities", 400)
        call("generate", "events", folder / "events", *sizes)
        # The time of a run is no property of its date.
        text = (ROOT / "pipelines/user_engagement.yaml").read_text().replace("  computed_at: run_timestamp()\n", "")
        (folder / "pipeline.yaml").write_text(text)
        return folder / "pipeline.yaml"

    return EqualityCase("user-engagement", make, "2026-02-26", "2026-03-02", ("user_id",))


def _by_hand(name: str, dates: list[str]) -> EqualityCase:
    file = CASES / name / "pipeline.yaml"
    entity = {"composite-entity": ("user_id", "country")}

    def make(folder: Path) -> Path:
        write_case(name, folder / "events")
        return file

    return EqualityCase(name, make, min(dates), max(dates), entity.get(name, ("user_id",)), cancels=name == "exact-sums")


def _joined() -> EqualityCase:
    """A left join whose column the filter uses, an inner one with a composite key by day, and one by what was joined."""
    schema = pa.schema([("u", pa.string()), ("item", pa.int64()), ("x", pa.int64())])
    rows = [
        {"event_date": _day(1 + i % 4), "u": None if i % 11 == 0 else f"u{0 if i % 2 else i % 9}", "item": i % 5, "x": i}
        for i in range(120)
    ]

    def make(folder: Path) -> Path:
        write_days(folder / "events", rows, schema, row_group_size=7)
        users = [{"id": f"u{i}", "country": ("de", "se", None)[i % 3], "level": i} for i in range(6)] + [{"id": None, "level": 77}] * 2
        write_file(folder / "users/a.parquet", users, pa.schema([("id", pa.string()), ("country", pa.string()), ("level", pa.int32())]))
        for number in (1, 3):
            prices = [{"item": i, "u": f"u{j}", "price": Decimal(100 * number + i) / 4} for i in range(4) for j in range(9)]
            types = pa.schema([("item", pa.int32()), ("u", pa.string()), ("price", pa.decimal128(9, 2))])
            write_file(folder / f"prices/day={_day(number)}/a.parquet", prices, types)
        write_file(folder / "prices" / f"day={_day(4)}" / "a.parquet", [], types)
        regions = [{"country": "de", "region": "eu"}]
        write_file(folder / "regions.parquet", regions, pa.schema([("country", pa.string()), ("region", pa.string())]))
        joins = f"""[{{path: {folder}/users, key: {{u: id}}, columns: [country, {{rank: level}}]}},
            {{path: {folder}/prices, key: [item, u], columns: price, type: inner, as_of: day}},
            {{path: {folder}/regions.parquet, key: country, columns: [region]}}]"""
        source = f"""day: event_date, where: "rank is distinct from 2", columns: {{worth: x * rank}}, join: {joins}"""
        features = "n: count(*)\nworth: sum(worth)\ntotal: sum(price)\ntop: max(price)\nregions: count(region)\ncountries: count(distinct country)"
        checks = "input: [null_count(region) >= 0, row_count > 0]"
        return write_pipeline(folder / "pipeline.yaml", source=source, entity="country", more="null_entity: keep", window="2d",
                              features=features, checks=checks)  # fmt: skip

    return EqualityCase("joined", make, _day(1), _day(4), ("country",))


def all_cases() -> list[EqualityCase]:
    by_name: dict[str, list[str]] = {}
    for name, date in all_dates():
        by_name.setdefault(name, []).append(date)
    by_hand = [_by_hand(name, dates[:1]) if name == "summer-time" else _by_hand(name, dates) for name, dates in by_name.items()]
    summer = [_by_hand("summer-time", [date]) for date in by_name["summer-time"][1:]]
    return [
        *by_hand,
        *summer,
        _odd_doubles(),
        _lists(),
        _decimals(),
        _null_entities("drop"),
        _null_entities("keep"),
        _empty_windows(),
        _rules_and_entities(),
        _hours("Europe/Stockholm", "2026-03-28", "2026-03-31", "2026-03-29T00", "2026-03-29T08"),
        _hours("Europe/Stockholm", "2026-10-24", "2026-10-27", "2026-10-25T00", "2026-10-25T06"),
        _hours("America/St_Johns", "2026-03-07", "2026-03-10", "2026-03-08T20", "2026-03-09T04"),
        _example(),
        _joined(),
    ]
