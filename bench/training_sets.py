"""A training set of a million labels: `tidemill training-set` against DuckDB.

    "$TIDEMILL_PYTHON" bench/training_sets.py [--labels 1000000] [--events-per-day 200000] [--entities 200000]
                                              [--dates 31] [--rounds 3] [--folder DIR]

Publishes `dates` feature dates of pipelines/user_engagement.yaml and draws labels of random events at random times. Each
round runs, in turn, as whole processes that write one Parquet file:

    published        tidemill training-set
    DuckDB ASOF      ASOF LEFT JOIN of the labels with all feature rows, each valid from the end of its date
    DuckDB by date   LEFT JOIN on the entity and the day before the label, which presumes that no date is missing
    exact            tidemill training-set --exact, from the events
    exact, one       the same with as many labels of a single entity

and prints medians and their ratios to the first. Ends with exit code 1 if the published features are not DuckDB's.
"""

import argparse
import datetime as dt
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import duckdb
from process_times import times_of

ROOT = Path(__file__).resolve().parent.parent
TIDEMILL = Path(os.environ.get("TIDEMILL_BIN", ROOT / "build/release/tidemill"))
FILE = ROOT / "pipelines/user_engagement.yaml"
START = dt.date(2026, 1, 1)
WINDOW = 31

ASOF = """
COPY (
    SELECT l.*, f.* EXCLUDE (user_id, feature_date, valid_from)
    FROM read_parquet('{labels}') l ASOF LEFT JOIN (
        SELECT *, feature_date::TIMESTAMP + INTERVAL 1 DAY AS valid_from
        FROM read_parquet('{features}/**/*.parquet', hive_partitioning = true)
    ) f ON l.user_id = f.user_id AND l.shown_at >= f.valid_from
    ORDER BY l.label_id
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""

BY_DATE = """
COPY (
    SELECT l.*, f.* EXCLUDE (user_id, feature_date)
    FROM read_parquet('{labels}') l LEFT JOIN read_parquet('{features}/**/*.parquet', hive_partitioning = true) f
        ON l.user_id = f.user_id AND f.feature_date = l.shown_at::DATE - 1
    ORDER BY l.label_id
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""


def seconds(command: list[object]) -> float:
    return times_of([str(part) for part in command])[0]


def prepare(folder: Path, options: argparse.Namespace) -> dict[str, Path]:
    events, features = folder / "events", folder / "features"
    days = WINDOW + options.dates + 1
    if not features.exists():
        volume = ["--days", days, "--events-per-day", options.events_per_day, "--entities", options.entities]
        seconds([TIDEMILL, "generate", "events", events, *volume, "--start", START])
        start, end = (START + dt.timedelta(days=n) for n in (WINDOW, WINDOW + options.dates - 1))
        sets = ["--set", f"EVENTS={events}", "--set", f"OUT={features}"]
        seconds([TIDEMILL, "backfill", FILE, "--start", start, "--end", end, *sets, "--quiet"])
    for name, user in (("labels", "user_id"), ("hot", "first(user_id) OVER ()")):
        duckdb.sql(
            f"""
            COPY (
                SELECT row_number() OVER () AS label_id, {user} AS user_id, random() < 0.1 AS bought,
                    TIMESTAMP '{START + dt.timedelta(days=WINDOW + 1)}' + to_microseconds((random() * {options.dates} * 86400e6)::BIGINT)
                        AS shown_at
                FROM (FROM read_parquet('{events}/*/*.parquet') WHERE user_id IS NOT NULL
                      USING SAMPLE {options.labels} ROWS (reservoir, 11))
            ) TO '{folder}/{name}.parquet' (FORMAT parquet)
            """
        )
    return {"events": events, "features": features, "labels": folder / "labels.parquet", "hot": folder / "hot.parquet"}


def commands(folder: Path, paths: dict[str, Path]) -> dict[str, list[object]]:
    def tidemill(labels: str, out: str, *flags: str) -> list[object]:
        sets = ["--set", f"EVENTS={paths['events']}", "--set", f"OUT={paths['features']}"]
        place = ["--labels", paths[labels], "--label-time", "shown_at", "--out", folder / f"{out}.parquet", "--overwrite"]
        return [TIDEMILL, "training-set", FILE, *place, *flags, *sets, "--quiet"]

    def peer(query: str, out: str) -> list[object]:
        text = query.format(labels=paths["labels"], features=paths["features"], out=folder / f"{out}.parquet")
        return [sys.executable, "-c", f"import duckdb; duckdb.sql({text!r})"]

    return {
        "published": tidemill("labels", "published"),
        "DuckDB ASOF": peer(ASOF, "asof"),
        "DuckDB by date": peer(BY_DATE, "by_date"),
        "exact": tidemill("labels", "exact", "--exact"),
        "exact, one": tidemill("hot", "hot_set", "--exact"),
    }


def same(folder: Path) -> bool:
    """Whether Tidemill and DuckDB's join on the date wrote the same rows, but for the time of the run."""
    rows = "SELECT * EXCLUDE (computed_at) FROM '{}'"
    ours, theirs = (rows.format(folder / f"{name}.parquet") for name in ("published", "by_date"))
    both = f"({ours} EXCEPT ALL {theirs}) UNION ALL ({theirs} EXCEPT ALL {ours})"
    return duckdb.sql(f"SELECT count(*) FROM ({both})").fetchall() == [(0,)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--events-per-day", type=int, default=200_000)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--dates", type=int, default=31)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidemill-training-sets-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        paths = prepare(folder, options)
        times: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for name, command in commands(folder, paths).items():
                times.setdefault(name, []).append(seconds(command))
        medians = {name: statistics.median(taken) for name, taken in times.items()}
        print(f"{'who':<16}{'median s':>10}{'ratio':>8}")
        for name, median in medians.items():
            print(f"{name:<16}{median:>10.2f}{median / medians['published']:>8.2f}")
        print(json.dumps({name: [round(one, 3) for one in taken] for name, taken in times.items()}))
        if not same(folder):
            sys.exit("the rows are not the same")


if __name__ == "__main__":
    main()
