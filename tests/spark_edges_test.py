"""Names, constants and values at the edges give on Spark what they give here, errors included."""

import datetime as dt
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from interop_worker import Spark
from oracle.compare import differences
from spark_functions_test import DATE, compare
from tidemill_command import call, published

AT = dt.datetime(2026, 3, 29, 12)
MOMENTS = {
    "Pacific/Apia": ["2011-12-30 00:00", "2011-12-30 13:37:11", "2011-12-30 23:59", "2011-12-29 23:59"],
    "Australia/Lord_Howe": ["2025-10-05 02:00", "2025-10-05 02:15", "2025-10-05 02:29:59", "2025-10-05 02:30"],
    "America/St_Johns": ["2010-03-14 00:00", "2010-03-14 00:01", "2010-03-14 00:45", "2010-03-14 01:00:59", "2024-03-10 02:30"],
    "Antarctica/Troll": ["2026-03-29 01:00", "2026-03-29 01:59", "2026-03-29 02:30", "2026-03-29 03:00"],
    "Antarctica/Casey": ["2009-10-18 03:30", "2016-10-22 01:30", "2018-10-07 02:00", "2020-10-04 00:01", "2020-10-04 02:59"],
    "America/Sao_Paulo": ["2018-11-04 00:00", "2018-11-04 00:30", "2018-02-17 23:30"],
    "Europe/Berlin": ["2026-03-29 02:00", "2026-03-29 02:59:59.999999", "2026-10-25 02:30"],
}


def rows(**columns: pa.Array) -> pa.Table:
    count = len(next(iter(columns.values())))
    ids = {"id": pa.array(range(count), pa.int64()), "at": pa.array([AT] * count, pa.timestamp("us"))}
    return pa.table({**ids, **columns})


@pytest.mark.parametrize("zone", MOMENTS)
def test_local_times_that_clocks_skip(spark, zone, tmp_path):
    moments = pa.array([dt.datetime.fromisoformat(text) for text in MOMENTS[zone]], pa.timestamp("us"))
    features = ["min_by(cast(ts as timestamptz), id)", "min_by(add_days(cast(ts as timestamptz), -1), id)"]
    features.append("min_by(add_days(cast(add_days(ts, -1) as timestamptz), 1), id)")
    compare(spark, tmp_path, features, "id", zone, rows(ts=moments))


def test_braces_in_regular_expressions(spark, tmp_path):
    texts = pa.array(["a{b", "a{,2}", "aa", "a}", "a}}", "{", "a{2}", "{x}"])
    patterns = ["a{b", "^a{,2}$", "^a{2}$", "^a{1,}$", "^a}+$", "{", "[{}]$", "{x}", "a{1,x"]
    compare(spark, tmp_path, [f"min_by(s ~ '{pattern}', id)" for pattern in patterns], "id", "UTC", rows(s=texts))


def test_any_number_of_digits(spark, tmp_path):
    values = [1.25, -17.5, 0.0, 1e300, 123456.789, 4503599627370497.0, math.inf, -math.inf, math.nan]
    digits = [0, 1, 2, -1, -2, 292, 293, 400, -308, -400]
    pairs = [(x, n) for x in values for n in digits]
    features = [f"min_by(round(x, {n}), id)" for n in digits] + ["min_by(round(x, n), id)"]
    features += [f"min_by(round({exact}, {n}), id)" for exact in ("n", "cast(n as decimal(9,2))") for n in (400, -1, -400)]
    table = rows(x=pa.array([x for x, _ in pairs]), n=pa.array([n for _, n in pairs]))
    compare(spark, tmp_path, features, "id", "UTC", table)


def pipeline(folder: Path, features: str, entity: str = "id", window: str = "1d") -> tuple[Path, dict[str, object]]:
    file = folder / "edges.yaml"
    lines = ["pipeline: edges", 'source: {path: "${EVENTS}", event_time: at}', f"entity: {entity}", f"window: {window}"]
    lines += ["features:", features, 'output: {path: "${OUT}", partition_by: [feature_date]}']
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file, {"EVENTS": folder / "events", "OUT": folder / "out"}


def both(spark: Spark, folder: Path, events: pa.Table, features: str, entity: str = "id") -> tuple[pa.Table, pa.Table]:
    (folder / "events").mkdir()
    pq.write_table(events, folder / "events/part-0.parquet")
    file, sets = pipeline(folder, features, entity)
    call("run", file, "--date", DATE, sets=sets)
    got = spark.script(call("sql", file, "--date", DATE, "--dialect", "spark", sets=sets).stdout)
    return got, published(folder / "out", DATE)


@pytest.mark.parametrize("entity", ["aggregate_1", "date_index", "tide ${x}"])
def test_any_name(spark, entity, tmp_path):
    events = rows(s=pa.array(["a", "b", "b"])).append_column(entity, pa.array(["x", "x", "y"]))
    features = '  aggregate_2: count(*)\n  aggregate_3: max(s)\n  "mill $${y}": max(id)\n  "n": aggregate_2 + 1'
    got, want = both(spark, tmp_path, events, features, f'"{entity}"'.replace("$", "$$"))
    assert differences(got, want, [entity]) == []


def test_the_sign_of_zero(spark, tmp_path):
    events = rows(x=pa.array([-0.0, 0.0]), f=pa.array([-0.0, 0.0], pa.float32()))
    texts = ["min(x)", "max(x)", "min(-x)", "max(sign(x))", "min_by(x % 2, at)", "last(f)", "max(cast(x as real))", "sum(x)", "avg(x)"]
    features = "\n".join(f"  f{i}: {text}" for i, text in enumerate([*texts, "-min(x)"]))
    got, want = both(spark, tmp_path, events, features)
    for name in want.column_names[1:]:
        assert [str(x) for x in got[name].to_pylist()] == [str(x) for x in want[name].to_pylist()], name


@pytest.mark.parametrize("value, text", [(math.nan, "decimal(5,2)"), (-math.inf, "decimal(5,2)"), (1e39, "real"), (-1e300, "real")])
def test_casts_that_cannot_be_made(spark, value, text, tmp_path):
    (tmp_path / "events").mkdir()
    pq.write_table(rows(x=pa.array([1.5, value])), tmp_path / "events/part-0.parquet")
    file, sets = pipeline(tmp_path, f"  y: max(cast(x as {text}))")
    assert "cannot cast" in call("run", file, "--date", DATE, sets=sets, expect=1).stderr
    script = call("sql", file, "--date", DATE, "--dialect", "spark", sets=sets).stdout
    with pytest.raises(Exception, match="cannot cast .* to .*: out of range"):
        spark.script(script)


def test_casts_to_real_that_can_be_made(spark, tmp_path):
    values = pa.array([3.4e38, math.inf, -math.inf, math.nan, None])
    compare(spark, tmp_path, ["min_by(cast(x as real), id)"], "id", "UTC", rows(x=values))
