"""How much of a table readers skip: cluster_by against rows in entity order.

    "$TIDEMILL_PYTHON" bench/clustering.py [--rows 10000000] [--order "hilbert(a, b)"] ... [--folder DIR]

Writes one date of features of as many entities with each order, and asks DuckDB for ranges of the columns a and b that
hold one row in a hundred. Two figures for each column, both relative to rows in entity order, of the mean and the worst
of several ranges:

    statistics  bytes of the row groups whose least and greatest values overlap the range
    read        bytes that DuckDB reads from the files to answer (/proc/self/io)

Ends with exit code 1 if hilbert reads more than a fifth, or if the rows of two orders are not the same.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("TIDEMILL_BIN", ROOT / "build/release/tidemill"))
DATE = "2026-03-02"
STARTS = [0.02, 0.1, 0.249, 0.333, 0.495, 0.6, 0.745, 0.9, 0.97]
LIMIT = 0.2

PIPELINE = """
pipeline: clustering
source: {{path: {events}, day: event_date}}
entity: user_id
window: 1d
features:
  a: max(x)
  b: max(y)
  spend: sum(value)
  plan: min(plan)
  events: count(*)
output:
  path: {out}
  file_size: 128MB
"""


def write_events(folder: Path, rows: int) -> None:
    """One event an entity; a and b are skewed, and have nothing to do with the entity or each other."""
    random = np.random.default_rng(7)
    day = folder / f"event_date={DATE}"
    day.mkdir(parents=True)
    step = 2_000_000
    for part, begin in enumerate(range(0, rows, step)):
        n = min(step, rows - begin)
        table = pa.table(
            {
                "user_id": pa.array(np.arange(begin, begin + n, dtype=np.int64) * 7919 % (1 << 40)),
                "x": pa.array(random.lognormal(3, 2, n)),
                "y": pa.array((random.pareto(1.2, n) * 1000).astype(np.int64)),
                "value": pa.array(np.round(random.exponential(40, n), 2)),
                "plan": pa.array(np.array(["free", "plus", "pro"])[random.integers(0, 3, n)]),
            }
        )
        pq.write_table(table, day / f"part-{part}.parquet")


def publish(folder: Path, events: Path, order: str, name: str) -> tuple[Path, dict]:
    out = folder / name
    text = PIPELINE.format(events=events, out=out)
    if order:
        text += f"  cluster_by: {order}\n"
    file = folder / f"{name}.yaml"
    file.write_text(text)
    done = subprocess.run([BINARY, "run", file, "--date", DATE, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return out, json.loads(done.stdout)


def connection() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("SET enable_external_file_cache = false; SET enable_progress_bar = false; SET preserve_insertion_order = false")
    return db


def bytes_read() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    raise RuntimeError("no rchar in /proc/self/io")


class Layout:
    def __init__(self, out: Path):
        self.files = f"'{out}/**/*.parquet'"
        self.table = f"read_parquet({self.files})"

    def fingerprint(self) -> tuple:
        row = "hash(user_id, a, b, spend, plan, events)"
        query = f"SELECT count(*), bit_xor({row}), sum({row}::HUGEINT) FROM {self.table}"
        return connection().execute(query).fetchone()

    def bounds(self, column: str) -> list[tuple]:
        shares = [share for start in STARTS for share in (start, start + 0.01)]
        values = connection().execute(f"SELECT quantile_disc({column}, {shares}) FROM {self.table}").fetchone()[0]
        return list(zip(values[::2], values[1::2], strict=True))

    def bytes_by_statistics(self, column: str, low, high) -> int:
        query = f"""
            WITH chunks AS (SELECT * FROM parquet_metadata({self.files})),
                 groups AS (SELECT file_name, row_group_id FROM chunks
                            WHERE path_in_schema = '{column}'
                              AND stats_min_value::DOUBLE <= $high AND stats_max_value::DOUBLE >= $low)
            SELECT coalesce(sum(total_compressed_size), 0) FROM chunks JOIN groups USING (file_name, row_group_id)"""
        return int(connection().execute(query, {"low": low, "high": high}).fetchone()[0])

    def bytes_by_duckdb(self, column: str, low, high) -> tuple[int, float]:
        db = connection()
        before, start = bytes_read(), time.perf_counter()
        db.execute(
            f"SELECT count(*), sum(user_id), sum(a), sum(b), sum(spend), min(plan), sum(events) FROM {self.table} "
            f"WHERE {column} BETWEEN $low AND $high",
            {"low": low, "high": high},
        ).fetchall()
        return bytes_read() - before, time.perf_counter() - start

    def row_groups(self) -> tuple[int, int]:
        query = f"""SELECT count(DISTINCT file_name), count(DISTINCT (file_name, row_group_id))
                    FROM parquet_metadata({self.files})"""
        return connection().execute(query).fetchone()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--order", action="append", help="default: sort, zorder and hilbert over a and b")
    parser.add_argument("--folder", type=Path, help="keep events and tables there, and use what is there")
    arguments = parser.parse_args()
    orders = arguments.order or ["sort(a, b)", "zorder(a, b)", "hilbert(a, b)"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = (arguments.folder or Path(scratch)).resolve()
        events = folder / f"events-{arguments.rows}"
        if not events.exists():
            write_events(events, arguments.rows)
        is_good = True
        plain = None
        for order in ["", *orders]:
            out, report = publish(folder, events, order, f"table-{order.split('(')[0] or 'entity'}")
            layout = Layout(out)
            if plain is None:
                plain = layout
                fingerprint = plain.fingerprint()
                bounds = {column: plain.bounds(column) for column in "ab"}
                base = {}
                for column in "ab":
                    base[column] = (
                        [plain.bytes_by_statistics(column, *bound) for bound in bounds[column]],
                        [plain.bytes_by_duckdb(column, *bound)[0] for bound in bounds[column]],
                    )
            same = layout.fingerprint() == fingerprint
            files, groups = layout.row_groups()
            seconds = report["seconds"]
            print(
                f"{order or 'by entity':14} {report['rows_written']} rows, {report['bytes_written'] / 1e6:.1f} MB, "
                f"{files} files, {groups} row groups; write {seconds['write']:.2f} s of {seconds['total']:.2f} s; "
                f"rows are {'the same' if same else 'NOT the same'}"
            )
            is_good = is_good and same
            for column in "ab":
                by_statistics = [layout.bytes_by_statistics(column, *bound) for bound in bounds[column]]
                read = [layout.bytes_by_duckdb(column, *bound) for bound in bounds[column]]
                statistics = np.divide(by_statistics, base[column][0])
                duckdb_read = np.divide([bytes_ for bytes_, _ in read], base[column][1])
                print(
                    f"    1 % of {column}: statistics mean {statistics.mean():.3f} worst {statistics.max():.3f}, "
                    f"read mean {duckdb_read.mean():.3f} worst {duckdb_read.max():.3f}, "
                    f"{1000 * np.mean([elapsed for _, elapsed in read]):.0f} ms"
                )
                if order.startswith("hilbert"):
                    is_good = is_good and statistics.max() <= LIMIT and duckdb_read.max() <= LIMIT
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
