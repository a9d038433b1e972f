"""Three pipelines in one scan, against the most expensive of them alone and all three one after the other.

    "$TIDEMILL_PYTHON" bench/shared_scan.py [--events-per-day 500000] [--entities 200000] [--rounds 5] [--backfill DAYS]

The pipelines are what a recommendation team has over one click stream: engagement of users (the example pipeline),
popularity of categories, and the state of the current session's user a few days back. Over 31 days of events, once for one
feature date, or with --backfill for as many dates. The table shows medians of whole processes and ratios to the most
expensive pipeline alone (goal for the three in one scan: 1.6).
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from process_times import times_of

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("TIDEMILL_BIN", ROOT / "build/release/tidemill"))
DATE = "2026-03-02"

CATEGORIES = """
pipeline: category_popularity
source: {path: "${EVENTS}", day: event_date, event_time: timestamp, where: "event_type <> 'search'"}
entity: product_category
window: 28d
features:
  views: {expr: "count(*) filter (where event_type = 'page_view')", windows: [1d, 7d, 28d]}
  purchases: {expr: "count(*) filter (where event_type = 'purchase')", windows: [1d, 7d, 28d]}
  revenue: {expr: "sum(value) filter (where event_type = 'purchase')", windows: [7d, 28d]}
  largest: max(value)
output: {path: "${OUT}/category_popularity", partition_by: [feature_date]}
"""

RECENCY = """
pipeline: user_recency
source: {path: "${EVENTS}", day: event_date, event_time: timestamp}
entity: user_id
window: 14d
features:
  events: {expr: count(*), windows: [1d, 3d, 7d, 14d]}
  carts_14d: count(*) filter (where event_type = 'add_to_cart')
  last_event_at: max(timestamp)
  last_category: last(product_category)
  spend_14d: coalesce(sum(value) filter (where event_type = 'purchase'), 0)
  idle_days: datediff(feature_date, last_event_at)
output: {path: "${OUT}/user_recency", partition_by: [feature_date]}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--events-per-day", type=int, default=500_000)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--backfill", type=int, default=0, help="dates to compute in place of one")
    parser.add_argument("--events", type=Path, help="events to read in place of generated ones")
    options = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="tidemill-shared-"))
    try:
        events = options.events or folder / "events"
        if not options.events:
            sizes = ["--events-per-day", str(options.events_per_day), "--entities", str(options.entities)]
            dates = ["--days", str(options.days), "--end", DATE]
            subprocess.run([BINARY, "generate", "events", events, *dates, *sizes, "--quiet"], check=True)
        (folder / "categories.yaml").write_text(CATEGORIES)
        (folder / "recency.yaml").write_text(RECENCY)
        # Its own default for OUT is one table; here OUT is the folder of all.
        text = (ROOT / "pipelines/user_engagement.yaml").read_text()
        (folder / "engagement.yaml").write_text(text.replace("${OUT:-features/user_engagement}", "${OUT}/user_engagement"))
        files = [folder / f"{name}.yaml" for name in ("engagement", "categories", "recency")]

        def command(out: str, *which: Path) -> list[str]:
            what = ["run", "--date", DATE]
            if options.backfill:
                first = time.strftime("%Y-%m-%d", time.gmtime(1772409600 - 86400 * (options.backfill - 1)))
                what = ["backfill", "--start", first, "--end", DATE]
            sets = ["--set", f"EVENTS={events}", "--set", f"OUT={folder / out}"]
            return [str(BINARY), *what, *map(str, which), "--quiet", *sets]

        cases = {f"{file.stem} alone": [command("alone", file)] for file in files}
        cases["one after the other"] = [command("alone", file) for file in files]
        cases["one scan"] = [command("together", *files)]
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        for _ in range(options.rounds):
            for name, commands in cases.items():
                each = [times_of(command) for command in commands]
                times[name].append((sum(wall for wall, _ in each), sum(processor for _, processor in each)))
    finally:
        shutil.rmtree(folder)
    medians = {name: [statistics.median(each) for each in zip(*pairs)] for name, pairs in times.items()}
    wall, processor = (max(medians[f"{file.stem} alone"][i] for file in files) for i in (0, 1))
    print(f"{options.rounds} rounds, {os.cpu_count()} cores\n")
    print("| what | wall s | processor s | wall / dearest alone | processor / dearest alone |\n|---|---|---|---|---|")
    for name, each in medians.items():
        print(f"| {name} | {each[0]:.2f} | {each[1]:.2f} | {each[0] / wall:.2f} | {each[1] / processor:.2f} |")


if __name__ == "__main__":
    main()
