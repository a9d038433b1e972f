"""Every function, operator and cast over odd values gives on Spark what it gives here."""

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from oracle.compare import differences
from tidemill_command import call, published

NAN, INF = float("nan"), float("inf")
DATE = "2026-03-29"
AT = dt.datetime(2026, 3, 29, 12)


def column(kind: pa.DataType, values: list) -> pa.Array:
    """The values over and over, NULL among them; columns have lengths without common divisor."""
    cycle = [*values, None]
    return pa.array([cycle[i % len(cycle)] for i in range(ROWS)], kind)


ROWS = 240
TIMES = [
    dt.datetime(2026, 3, 29, 1, 59, 59, 999999),
    dt.datetime(2026, 3, 29, 3, 0),
    dt.datetime(2026, 10, 25, 0, 30),
    dt.datetime(2026, 10, 25, 2, 30, 0, 1),
    dt.datetime(1969, 12, 31, 23, 59, 58, 500000),
    dt.datetime(2024, 2, 29, 23, 59, 59),
    dt.datetime(1970, 1, 1),
    dt.datetime(2027, 1, 1, 0, 0, 7, 250000),
]
ZONED = [time.replace(tzinfo=dt.timezone.utc) for time in TIMES]
EVENTS = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int64()),
        "at": pa.array([AT] * ROWS, pa.timestamp("us")),
        "n": column(pa.int64(), [0, 1, -1, 7, -7, 42, 10**12, -(10**12), 1234567, 25]),
        "m": column(pa.int64(), [3, -3, 0, 10, 1, -2]),
        "i": column(pa.int32(), [0, 5, -5, 2**31 - 1, -(2**31)]),
        "x": column(pa.float64(), [0.0, -0.0, 2.5, -2.5, 0.5, 3.5, 1.005, NAN, INF, -INF, 1e300, -1e-300, 2.0**53, 99.995]),
        "y": column(pa.float64(), [1.0, -0.0, 2.0, -3.0, NAN, 0.25, INF]),
        "z": column(pa.float64(), [0.5, 1.5, 2.5, -0.5, -1.5, 12.49999, 1e9]),
        "f": column(pa.float32(), [0.5, -0.0, 1e10, NAN]),
        "p": column(pa.decimal128(12, 2), [Decimal(v) for v in ("0.00", "2.50", "-2.50", "99.99", "-0.01", "12345678.90")]),
        "q": column(pa.decimal128(9, 4), [Decimal(v) for v in ("1.5000", "-0.2500", "0.0001")]),
        "s": column(pa.string(), ["", "tide", " Tide Mill ", "a/b/c", "x%y_z", "mühle", "日本語", "o'clock", "a\\b", "line\nline\n"]),
        "t": column(pa.string(), ["t", "", "i", "/", "line"]),
        "num": column(pa.string(), ["42", " 7 ", "-3", "+5"]),
        "real": column(pa.string(), ["1.5", "-2e3", " NaN ", "Infinity"]),
        "day": column(pa.string(), ["2026-03-29", "1969-12-31", "2024-02-29"]),
        "moment": column(pa.string(), ["2026-03-29 02:30:00", "2026-10-25T02:30:00.5", "2026-01-02 03:04:05.000001"]),
        "d": column(pa.date32(), [dt.date(2026, 3, 29), dt.date(1969, 12, 31), dt.date(2024, 2, 29), dt.date(2027, 1, 3)]),
        "e": column(pa.date32(), [dt.date(2026, 3, 1), dt.date(2000, 1, 1)]),
        "ts": column(pa.timestamp("us"), TIMES),
        "tz": column(pa.timestamp("us", "UTC"), ZONED),
        "b": column(pa.bool_(), [True, False]),
        "c": column(pa.bool_(), [True, False, True]),
    }
)

PARTS = "year quarter month week day hour minute second millisecond microsecond dow isodow doy isoyear epoch".split()
UNITS = "second minute hour day week month quarter year".split()
NUMBERS = """
n + m; n - m; i * m; n / m; n % m; mod(n, m); -n; -x; x + y; x - y; x * y; x / y; x % y; p + q; p - q; p * q; p / q; p % q;
p + 1; n * p; -p; abs(n); abs(x); abs(p); sign(n); sign(x); sign(p); round(z); round(z, 1); round(x, 2); round(n, -2);
round(z, -1); round(p); round(p, 1); round(p, -1); round(z, m); floor(n); floor(x); floor(p); ceil(n); ceil(x); ceil(p);
ln(x); log10(x); log2(x); exp(y); sqrt(x); power(x, y); power(y, 2); power(0, m); isnan(x); isnan(f); f * 2; f + x; i + 1;
greatest(n, m); greatest(x, y); least(x, y, 0.5); least(n, m, 3); greatest(s, t); coalesce(n, m, 9); coalesce(x, y, 1.5);
nullif(n, m); nullif(x, y); nullif(s, t); case when n > 0 then m when x > 1 then 5 else -1 end; case when b then s end;
n = m; n <> m; n < m; n <= m; n > m; n >= m; x = y; x < y; x >= y; x > 1; f < x; p > 2; p = q; s < t; s = t; b = c; b < c;
n between -1 and 7; n not between m and 7; n in (1, 7, m); x in (0, 2.5); s in ('tide', ''); n not in (0, 42);
n is null; n is not null; b is true; b is not true; b is false; b is not false; n is distinct from m; x is distinct from y;
x is not distinct from y; s is distinct from null; b and c; b or c; not b; (n > 0) and (x > 0); (n > 0) or b
"""
TEXTS = """
lower(s); upper(s); length(s); octet_length(s); trim(s); ltrim(s); rtrim(s); trim(s, t); ltrim(s, 'ta'); rtrim(s, 'lce');
substring(s, 2); substring(s, 0, 3); substring(s, -1, 4); substring(s, m); substring(s, m, 2); substring(s, 2, abs(m));
left(s, 2); left(s, -2); left(s, m); right(s, 2); right(s, -2); right(s, m); replace(s, t, '-'); replace(s, 'i', '');
split_part(s, '/', 2); split_part(s, '/', -1); split_part(s, t, 1); starts_with(s, t); ends_with(s, t); strpos(s, t);
strpos(s, 'i'); concat(s, t, '!'); concat(s, n, b); s || t; s || '-' || n; s like 't%'; s like '%\\%y\\_%'; s like '_i%';
s not like '%a%'; s ilike 'TIDE'; s like 'x!%y!_z' escape '!'; s like 'a\\\\b'; regexp_matches(s, '^t.d'); s ~ '[a-c]/';
s ~ 'line$'; s ~ '\\s'; s ~ '^[^a-z ]'; s ~ '(?i)TIDE'; s ~ '[[:upper:]]'; s ~ '\\bMill'; s ~ 'l+i*n?e'; s ~ '日.語'
"""
CASTS = """
cast(n as text); cast(p as text); cast(b as text); cast(d as text); cast(ts as text); cast(tz as text); cast(i as bigint);
cast(z as bigint); cast(z as integer); cast(p as bigint); cast(p as double precision); cast(p as decimal(8,0));
cast(p as decimal(14,1)); cast(n as decimal(20,3)); cast(z as decimal(16,3)); cast(n as double precision); cast(m as real);
cast(b as integer); cast(m as boolean); cast(num as bigint); cast(num as integer); cast(real as double precision);
cast(num as decimal(8,2)); cast(day as date); cast(day as timestamp); cast(moment as timestamp); cast(ts as date);
cast(tz as date); cast(d as timestamp); cast(ts as timestamptz); cast(tz as timestamp); cast(d as timestamptz);
cast(f as double precision); cast(z as real)
"""
TIMES_TEXT = """
year(ts); quarter(ts); month(tz); week(ts); day(d); hour(ts); hour(tz); hour(d); minute(tz); second(ts); dayofyear(d);
dayofweek(ts); dayofweek(tz); epoch(ts); epoch(tz); epoch(d); datediff(d, e); datediff(tz, ts); date_add(d, m);
date_sub(d, 3); add_days(d, m); add_days(ts, m); add_days(tz, m); add_micros(ts, n); add_micros(tz, n);
make_date(2026, 3, 1 + abs(m)); to_timestamp(i); to_timestamp(z); d + 7; d - m; d - e; ts + interval '36 hours';
tz + interval '1 day'; tz - interval '90 minutes'; ts - interval '1 week 3 seconds'; hour(to_timestamp(i));
cast(to_timestamp(i) as date); date_trunc('day', to_timestamp(i)); date_trunc('day', tz, 'America/New_York');
date_trunc('hour', tz, 'Asia/Kolkata'); date_trunc('month', tz, 'UTC'); d < e; ts < timestamp '2026-03-29 03:00:00';
tz >= timestamptz '2026-03-29 01:00:00+00'; d = date '2024-02-29'
"""


def listed(text: str) -> list[str]:
    return [part for part in (part.strip().replace("\n", " ") for part in text.split(";")) if part]


EXPRESSIONS = [
    *listed(NUMBERS),
    *listed(TEXTS),
    *listed(CASTS),
    *listed(TIMES_TEXT),
    *(f"extract({part} from {value})" for part in PARTS for value in ("ts", "tz", "d")),
    *(f"date_trunc('{unit}', {value})" for unit in UNITS for value in ("ts", "tz", "d")),
]
AGGREGATES = """
count(*); count(x); count(distinct x); count(distinct s); count(distinct p); count(distinct tz); sum(n); sum(z); sum(x); sum(p);
sum(distinct m); sum(distinct z); avg(n); avg(z); avg(x); avg(p); avg(distinct m); avg(distinct p); min(x); max(x); min(y); max(s);
min(s); max(p); min(d); max(tz); min(b); stddev_samp(z); stddev_pop(n); var_samp(z); var_pop(p); variance(y); stddev(distinct m);
bool_and(b); every(b); bool_or(c); first(s); last(s); first(x); last(n); min_by(s, x); max_by(s, x); min_by(n, s); max_by(n, s);
max_by(s, n); max_by(s, p); max_by(s, d); max_by(s, ts); max_by(s, tz); max_by(x, b); min_by(x, y); arg_max(s, f); arg_min(s, i);
count(*) filter (where b); sum(z) filter (where x > 0); count(distinct s) filter (where n > 0); max_by(s, n) filter (where c);
datediff(feature_date, max(d)); avg(z) filter (where false); var_pop(z) filter (where n = 42); last(s) filter (where b);
count_if(b); count_if(x > 0) filter (where c); mode(s); mode(m); mode(d); top_k(s, 3); top_k(p, 2) filter (where n > 0);
histogram(s); histogram(b); collect_set(s); collect_set(d); collect_set(p) filter (where b); collect_list(s); collect_list(m);
median(z); median(x); median(distinct m); percentile_cont(z, 0.9); percentile_cont(0.1) within group (order by p);
percentile_disc(s, 0.5); percentile_disc(tz, 0.25); percentile_disc(x, 0.75); corr(z, m); corr(z, z); covar_samp(z, m);
covar_pop(p, z) filter (where n > 0); skewness(z); skewness(m); kurtosis(z); cardinality(collect_set(s));
element_at(collect_list(s), 2); element_at(top_k(s, 2), -1)
"""


def pipeline(features: list[str], entity: str, zone: str) -> str:
    lines = ["pipeline: functions", f'source: {{path: "${{EVENTS}}", event_time: at, timezone: {zone}}}', f"entity: {entity}"]
    lines += ["window: 3d", "features:"]
    lines += [f"  f{i}: {json.dumps(text, ensure_ascii=False)}" for i, text in enumerate(features)]
    return "\n".join([*lines, 'output: {path: "${OUT}", partition_by: [feature_date]}']) + "\n"


def compare(spark, folder: Path, features: list[str], entity: str, zone: str, events: pa.Table = EVENTS) -> None:
    (folder / "events").mkdir()
    pq.write_table(events, folder / "events/part-0.parquet")
    file = folder / "functions.yaml"
    file.write_text(pipeline(features, entity, zone), encoding="utf-8")
    sets = {"EVENTS": folder / "events", "OUT": folder / "out"}
    call("run", file, "--date", DATE, sets=sets)
    want = published(folder / "out", DATE)
    got = spark.script(call("sql", file, "--date", DATE, "--dialect", "spark", sets=sets).stdout)
    floats = {field.name for field in want.schema if pa.types.is_floating(field.type)}
    found = differences(got, want, [entity], floats)
    named = [re.sub(r"^f(\d+)\b", lambda match: features[int(match[1])], line) for line in found]
    assert not found, "\n".join(named)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_scalars(spark, zone, tmp_path):
    """An entity per row, so that the largest value is the row's."""
    compare(spark, tmp_path, [f"min_by({text}, id)" for text in EXPRESSIONS], "id", zone)


def test_aggregates(spark, tmp_path):
    at = pa.array([AT - dt.timedelta(hours=i % 60) for i in range(ROWS)], pa.timestamp("us"))
    groups = pa.array([i % 7 for i in range(ROWS)], pa.int32())
    events = EVENTS.set_column(1, "at", at).append_column("g", groups)
    compare(spark, tmp_path, listed(AGGREGATES), "g", "Europe/Berlin", events)


def test_every_function_is_covered():
    text = call("functions", "--markdown").stdout
    names = set(re.findall(r"^\| `(\w+)\(", text, re.MULTILINE))
    names -= {"null_count", "null_rate", "contains", "unique", "previous", "every"}  # of checks
    names -= {"run_timestamp", "cast", "extract", "date_trunc"}  # in every form above
    names -= {"approx_count_distinct", "approx_percentile"}  # Spark approximates in another way
    covered = " ".join([*EXPRESSIONS, AGGREGATES])
    assert len(names) > 60
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\(", covered)] == []
