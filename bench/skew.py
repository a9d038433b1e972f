"""Uneven events against even ones: the same pipeline, the same number of events.

    "$TIDEMILL_PYTHON" bench/skew.py [--events 15500000] [--entities 200000] [--rounds 5] [--case NAME]... [--folder DIR]

    uniform    every entity and every day has the same share of the events
    entity     one entity has half of the events, with sessions of its own
    day        one day has ten times the events of any other, in one file
    row group  the same, and that file is a single row group
    dimension  one key of a joined dimension has half of the events, against the same join with even keys

Every case takes its turn in each round, so that a busy machine is busy for all. The table shows medians of whole
processes: wall seconds, processor seconds, and both relative to the uniform case (limit: 1.3).
"""

import argparse
import datetime as dt
import os
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from process_times import times_of

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("TIDEMILL_BIN", ROOT / "build/release/tidemill"))
LAST = dt.date(2026, 3, 2)
DAYS = 31
LIMIT = 1.3
PRODUCTS = 50_000
CASES = ("uniform", "entity", "day", "row group", "even dimension", "dimension")

JOIN = """
  join:
    - path: {dimension}
      key: product_id
      columns: [brand, price]
"""
JOINED = """
  brands_30d: count(distinct brand)
  worth_30d: sum(price)
"""


def names(prefix: str, numbers: np.ndarray) -> pa.Array:
    """A column of text, of which each distinct value is made once."""
    distinct, codes = np.unique(numbers, return_inverse=True)
    texts = pa.array([f"{prefix}{number:08d}" for number in distinct.tolist()])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), texts).dictionary_decode()


def write_day(folder: Path, day: dt.date, rows: int, entities: int, case: str, random: np.random.Generator) -> None:
    """Sessions of five events on average, each of one entity."""
    sessions = max(1, rows // 5)
    session = np.sort(random.integers(0, sessions, rows))
    user = random.integers(0, entities, sessions)
    if case == "entity":
        user[random.random(sessions) < 0.5] = 0
    product = random.integers(0, PRODUCTS, rows)
    if case == "dimension":
        product[random.random(rows) < 0.5] = 0
    kind = random.choice(5, rows, p=[0.62, 0.22, 0.06, 0.03, 0.07])
    midnight = (day - dt.date(1970, 1, 1)).days * 86_400_000_000
    at = np.sort(random.integers(0, 86_400_000_000, rows))
    types = pa.array(["page_view", "click", "add_to_cart", "purchase", "search"])
    categories = pa.array([f"category {i}" for i in range(20)])
    columns = {
        "user_id": names("u", user[session]),
        "session_id": names(f"{day:%y%m%d}-", session),
        "product_id": names("p", product),
        "event_type": pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int32)), types).dictionary_decode(),
        "product_category": pa.DictionaryArray.from_arrays(
            pa.array(random.integers(0, 20, rows).astype(np.int32)), categories
        ).dictionary_decode(),
        "value": pa.array(np.round(random.lognormal(3.2, 1.0, rows), 2), mask=(kind != 3) & (kind != 2)),
        "timestamp": pa.array(midnight + at, pa.timestamp("us")),
    }
    path = folder / f"event_date={day}"
    path.mkdir(parents=True)
    pq.write_table(pa.table(columns), path / "part-0.parquet", compression="zstd", row_group_size=rows if case == "row group" else 131_072)


def write_events(folder: Path, events: int, entities: int, case: str) -> None:
    random = np.random.default_rng(7)
    shares = np.ones(DAYS)
    if case in ("day", "row group"):
        shares[DAYS // 2] = 10
    for i, share in enumerate(shares / shares.sum()):
        write_day(folder, LAST - dt.timedelta(DAYS - 1 - i), int(events * share), entities, case, random)


def write_dimension(folder: Path) -> None:
    folder.mkdir(parents=True)
    keys = np.arange(PRODUCTS)
    table = {"product_id": names("p", keys), "brand": names("b", keys % 700), "price": pa.array(keys % 977 / 4)}
    pq.write_table(pa.table(table), folder / "products.parquet")


def write_pipeline(file: Path, joined: bool, dimension: Path) -> None:
    """The example pipeline, without the features that only say when it ran."""
    text = (ROOT / "pipelines/user_engagement.yaml").read_text()
    if joined:
        text = text.replace("\nentity:", JOIN.format(dimension=dimension) + "\nentity:", 1)
        text = text.replace("\noutput:\n  path", JOINED + "\noutput:\n  path", 1)
    file.write_text(text)


def measure(case: str, folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    joined = "dimension" in case
    file = folder / ("joined.yaml" if joined else "plain.yaml")
    sets = ["--set", f"EVENTS={folder / case}", "--set", f"OUT={folder / 'out' / case}"]
    return times_of([BINARY, "run", file, "--date", str(LAST), "--quiet", *sets])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=15_500_000)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", action="append", choices=CASES, help="default: all")
    parser.add_argument("--folder", type=Path, help="where events are kept for the next time")
    options = parser.parse_args()
    cases = options.case or list(CASES)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="tidemill-skew-"))
    try:
        for case in cases:
            if not (folder / case).exists():
                write_events(folder / case, options.events, options.entities, case)
        if not (folder / "products").exists():
            write_dimension(folder / "products")
        for joined in (False, True):
            write_pipeline(folder / ("joined.yaml" if joined else "plain.yaml"), joined, folder / "products")
        times: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
        for _ in range(options.rounds):
            for case in cases:
                times[case].append(measure(case, folder))
    finally:
        if not options.folder:
            shutil.rmtree(folder)
    print(f"{options.events:,} events, {options.entities:,} entities, {options.rounds} rounds, {os.cpu_count()} cores\n")
    print("| case | wall s | processor s | wall / uniform | processor / uniform |\n|---|---|---|---|---|")
    medians = {case: [statistics.median(each) for each in zip(*pairs)] for case, pairs in times.items()}
    for case, (wall, processor) in medians.items():
        even = medians.get("even dimension" if "dimension" in case else "uniform", (wall, processor))
        print(f"| {case} | {wall:.2f} | {processor:.2f} | {wall / even[0]:.2f} | {processor / even[1]:.2f} |")


if __name__ == "__main__":
    main()
