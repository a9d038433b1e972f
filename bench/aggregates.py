"""What an aggregate costs per event: a run with the aggregate alone, less a run with count(*) alone.

    scripts/build release tidemill && $TIDEMILL_PYTHON bench/aggregates.py [--events 2000000] [--entities 50000]
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/tidemill"
AGGREGATES = [
    "sum(value)",
    "stddev_samp(value)",
    "count(distinct session_id)",
    "approx_count_distinct(session_id)",
    "approx_percentile(value, 0.95)",
    "median(value)",
    "mode(product_category)",
    "top_k(product_category, 3)",
    "collect_set(product_category)",
    "collect_list(event_type)",
    "histogram(event_type)",
    "count_if(value > 10)",
    "skewness(value)",
    "corr(value, value * 2)",
]
PIPELINE = """
pipeline: cost
source: {{path: {events}, day: event_date, event_time: timestamp}}
entity: user_id
window: 4d
features: {{f: "{feature}"}}
output: {{path: {out}, partition_by: [feature_date]}}
"""


def seconds(folder: Path, feature: str, date: str, rounds: int) -> float:
    file = folder / "pipeline.yaml"
    best = float("inf")
    for i in range(rounds):
        file.write_text(PIPELINE.format(events=folder / "events", out=folder / f"out{i}", feature=feature))
        begin = time.perf_counter()
        subprocess.run([PROGRAM, "run", file, "--date", date, "--quiet"], check=True)
        best = min(best, time.perf_counter() - begin)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--entities", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        days = 4
        subprocess.run(
            [PROGRAM, "generate", "events", folder / "events", "--days", str(days), "--events-per-day",
             str(options.events // days), "--entities", str(options.entities), "--quiet"],
            check=True,
        )  # fmt: skip
        dates = sorted(path.name.split("=")[1] for path in (folder / "events").iterdir() if "=" in path.name)
        floor = seconds(folder, "count(*)", dates[-1], options.rounds)
        print(f"{'count(*)':36} {floor:6.2f} s")
        for feature in AGGREGATES:
            taken = seconds(folder, feature, dates[-1], options.rounds)
            print(f"{feature:36} {taken:6.2f} s  {(taken - floor) / options.events * 1e9:8.0f} ns an event more")


if __name__ == "__main__":
    main()
