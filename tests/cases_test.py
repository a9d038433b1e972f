"""Whole pipelines with answers worked out by hand: tests/cases, described in its README."""

import csv
import datetime as dt
import math
from decimal import Decimal
from pathlib import Path

import oracle
import pyarrow as pa
import pytest
from sources import write_file
from tidemill_command import call, published

CASES = Path(__file__).parent / "cases"
TYPES = {
    "string": (pa.string(), str),
    "int32": (pa.int32(), int),
    "int64": (pa.int64(), int),
    "double": (pa.float64(), float),
    "bool": (pa.bool_(), lambda text: text == "true"),
    "date": (pa.date32(), dt.date.fromisoformat),
    "timestamp": (pa.timestamp("us"), dt.datetime.fromisoformat),
    "timestamptz": (pa.timestamp("us", "UTC"), lambda text: dt.datetime.fromisoformat(text + "+00:00")),
    "decimal": (pa.decimal128(12, 2), Decimal),
}


def all_dates() -> list[tuple[str, str]]:
    return [(file.parent.name, file.stem.removeprefix("expected-")) for file in sorted(CASES.glob("*/expected-*.csv"))]


def read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert all(len(row) == len(header) for row in rows), f"{path}: a row of another length than the header"
    return header, rows


def write_source(case: str, folder: Path) -> None:
    header, rows = read_csv(CASES / case / "events.csv")
    columns = [field.rsplit(":", 1) for field in header]
    held = [(name, kind) for name, kind in columns if kind != "partition"]
    schema = pa.schema([(name, TYPES[kind][0]) for name, kind in held])
    partitions: dict[str, list[dict]] = {}
    for row in rows:
        fields = dict(zip([name for name, _ in columns], row))
        path = "/".join(f"{name}={fields[name]}" for name, kind in columns if kind == "partition")
        values = {name: None if fields[name] == "NULL" else TYPES[kind][1](fields[name]) for name, kind in held}
        partitions.setdefault(path, []).append(values)
    for path, values in partitions.items():
        write_file(folder / path / "part-0.parquet", values, schema)


def as_text(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return str(value.astimezone(dt.timezone.utc).replace(tzinfo=None) if value.tzinfo else value)
    if isinstance(value, float):
        return repr(value + 0.0)  # -0.0 is 0.0
    return str(value)


def close(got: str, want: str) -> bool:
    """Equal, or doubles that differ in the last place: the oracle rounds some of its own way."""
    try:
        return got == want or math.isclose(float(got), float(want), rel_tol=1e-14)
    except ValueError:
        return False


@pytest.mark.parametrize("case, date", all_dates())
def test_published_rows_are_as_expected(case: str, date: str, tmp_path: Path) -> None:
    write_source(case, tmp_path / "events")
    sets = {"EVENTS": tmp_path / "events", "OUT": tmp_path / "out"}
    call("run", CASES / case / "pipeline.yaml", "--date", date, sets=sets)
    header, rows = read_csv(CASES / case / f"expected-{date}.csv")
    got = published(tmp_path / "out", date)
    assert got.column_names == header
    assert [[as_text(value) for value in row.values()] for row in got.to_pylist()] == rows


@pytest.mark.parametrize("case, date", all_dates())
def test_oracle_agrees(case: str, date: str, tmp_path: Path) -> None:
    write_source(case, tmp_path / "events")
    names = {"EVENTS": str(tmp_path / "events"), "OUT": "unused"}
    table, entity = oracle.features(str(CASES / case / "pipeline.yaml"), date, names)
    header, rows = read_csv(CASES / case / f"expected-{date}.csv")
    got = {tuple(map(as_text, row.values())) for row in table.select(header).to_pylist()}
    for row in rows:
        assert any(all(map(close, other, row)) for other in got), f"the oracle has no row {row}; it has {got}"
    assert len(got) == len(rows)
