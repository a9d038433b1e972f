"""A join of events with a dimension, here and elsewhere: the same features, taking turns.

    python bench/joins.py --python PYTHON [--days 31] [--events-per-day 500000] [--entities 1000000] [--hot 0.5]
                          [--rounds 5] [--without spark]

PYTHON has duckdb, polars, pyarrow and pyspark. Times are of whole processes, start included, from the events and the
dimension in Parquet to features in Parquet. `--hot` adds a run over the same events in which that share of them has one
key. The table shows medians, and ratios to this program.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from process_times import times_of

ROOT = Path(__file__).resolve().parent.parent
TIDEMILL = Path(os.environ.get("TIDEMILL_BIN", ROOT / "build/release/tidemill"))
DATE = "2026-03-02"

PIPELINE = """\
pipeline: joined
source:
  path: ${EVENTS}
  day: event_date
  join:
    - {path: "${USERS}", key: user_id, columns: [country, plan, age]}
entity: country
window: 400d
features:
  events: count(*)
  purchases: count(*) filter (where event_type = 'purchase')
  pro_events: count(*) filter (where plan = 'pro')
  spend: sum(value) filter (where event_type = 'purchase')
  mean_age: avg(age)
  categories: count(distinct product_category)
output: {path: "${OUT}"}
"""

QUERY = """SELECT country, count(*) AS events, count(*) FILTER (WHERE event_type = 'purchase') AS purchases,
  count(*) FILTER (WHERE plan = 'pro') AS pro_events, sum(value) FILTER (WHERE event_type = 'purchase') AS spend,
  avg(age) AS mean_age, count(DISTINCT product_category) AS categories
FROM {events} e LEFT JOIN {users} u ON e.user_id = u.user_id
WHERE country IS NOT NULL GROUP BY country ORDER BY country"""


def with_duckdb(events: str, users: str, out: str) -> None:
    import duckdb

    files = {"events": f"read_parquet('{events}/**/*.parquet')", "users": f"read_parquet('{users}/*.parquet')"}
    duckdb.sql(f"COPY ({QUERY.format(**files)}) TO '{out}' (FORMAT parquet)")


def with_polars(events: str, users: str, out: str) -> None:
    import polars as pl

    buys = pl.col("event_type") == "purchase"
    joined = pl.scan_parquet(f"{events}/**/*.parquet").join(pl.scan_parquet(f"{users}/*.parquet"), on="user_id", how="left")
    features = joined.filter(pl.col("country").is_not_null()).group_by("country")
    frame = features.agg(
        events=pl.len(),
        purchases=buys.sum(),
        pro_events=(pl.col("plan") == "pro").sum(),
        spend=pl.col("value").filter(buys).sum(),
        mean_age=pl.col("age").mean(),
        categories=pl.col("product_category").drop_nulls().n_unique(),
    )
    frame.sort("country").collect(engine="streaming").write_parquet(out)


def with_spark(events: str, users: str, out: str) -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[*]").config("spark.driver.memory", "4g").config("spark.ui.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    session.read.parquet(events).createOrReplaceTempView("events")
    session.read.parquet(users).createOrReplaceTempView("users")
    session.sql(QUERY.format(events="events", users="users")).write.parquet(out)


PEERS = {"duckdb": with_duckdb, "polars": with_polars, "spark": with_spark}


def write_users(folder: Path, count: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(3)
    names = np.char.add("u", np.char.zfill(np.arange(count).astype("U8"), 8))
    columns = {
        "user_id": names[rng.permutation(count)],
        "country": np.array([f"c{i:02d}" for i in range(60)])[rng.integers(0, 60, count)],
        "plan": np.array(["free", "pro", "team", "gold"])[rng.choice(4, count, p=[0.7, 0.2, 0.07, 0.03])],
        "age": rng.integers(13, 90, count).astype(np.int16),
        "email": np.char.add(names, "@example.org"),
    }
    folder.mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "part-0.parquet", compression="zstd", row_group_size=131_072)


def write_events(folder: Path, days: int, per_day: int, users: int, hot: float) -> None:
    """Users of the dimension, two in a thousand events without one; `hot` of all events are of one user."""
    import datetime as dt

    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    weights = 1 / np.power(np.arange(1, users + 1), 0.75)
    cumulated = np.cumsum(weights / weights.sum())
    order = rng.permutation(users)
    kinds = pa.array("page_view click add_to_cart purchase search".split())
    categories = pa.array([f"category {i}" for i in range(20)])
    for day in range(days):
        date = dt.date.fromisoformat(DATE) - dt.timedelta(days=day)
        who = order[np.minimum(np.searchsorted(cumulated, rng.random(per_day)), users - 1)]
        who = np.where(rng.random(per_day) < hot, order[0], who)
        distinct, codes = np.unique(who, return_inverse=True)
        names = pa.array(np.char.add("u", np.char.zfill(distinct.astype("U8"), 8)))
        kind = rng.choice(5, per_day, p=[0.62, 0.22, 0.06, 0.03, 0.07])

        def taken(values: pa.Array, at: np.ndarray, null: np.ndarray | None = None) -> pa.Array:
            return pa.DictionaryArray.from_arrays(pa.array(at.astype(np.int32), mask=null), values).dictionary_decode()

        table = pa.table(
            {
                "user_id": taken(names, codes, rng.random(per_day) < 0.002),
                "event_type": taken(kinds, kind),
                "product_category": taken(categories, rng.integers(0, 20, per_day), kind == 4),
                "value": pa.array(np.round(rng.lognormal(3.2, 1.0, per_day), 2), mask=kind < 2),
            }
        )
        place = folder / f"event_date={date}"
        place.mkdir(parents=True)
        pq.write_table(table, place / "part-0.parquet", compression="zstd", row_group_size=262_144)


def measure(folder: Path, events: Path, options: argparse.Namespace) -> dict[str, list[float]]:
    file = folder / "joined.yaml"
    file.write_text(PIPELINE)
    users = folder / "users"
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    times: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "out").mkdir()
        names = {"EVENTS": events, "USERS": users, "OUT": folder / "out/tidemill"}
        sets = [word for name, value in names.items() for word in ("--set", f"{name}={value}")]
        commands = {"tidemill": [str(TIDEMILL), "run", str(file), "--date", DATE, "--quiet", *sets]}
        for peer in PEERS:
            if peer not in options.without:
                commands[peer] = [options.python, __file__, "--peer", peer, str(events), str(users), str(folder / f"out/{peer}")]
        for name, command in commands.items():
            times.setdefault(name, []).append(times_of(command, environment)[0])
    return times


def report(title: str, times: dict[str, list[float]]) -> None:
    own = statistics.median(times["tidemill"])
    print(f"\n{title}\n\n| who | median s | times tidemill |\n|---|---|---|")
    for name, each in times.items():
        print(f"| {name} | {statistics.median(each):.2f} | {statistics.median(each) / own:.2f} |")


def main() -> None:
    if sys.argv[1:2] == ["--peer"]:
        PEERS[sys.argv[2]](*sys.argv[3:6])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--events-per-day", type=int, default=500_000)
    parser.add_argument("--entities", type=int, default=1_000_000)
    parser.add_argument("--hot", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without", action="append", choices=list(PEERS), default=[])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tidemill-joins-"))
    try:
        write_users(folder / "users", options.entities)
        sizes = (options.days, options.events_per_day, options.entities)
        for title, hot in (("Keys as they come", 0.0), (f"One key in {options.hot:.0%} of the events", options.hot)):
            events = folder / f"events-{hot}"
            write_events(events, *sizes, hot)
            report(f"{title}: {options.days * options.events_per_day:,} events, {options.entities:,} rows of the dimension, "
                   f"{os.cpu_count()} cores, {options.rounds} rounds", measure(folder, events, options))
            shutil.rmtree(events)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
