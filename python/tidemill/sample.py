"""Synthetic events to try pipelines on."""

import json
import os

from .native import _core


def generate_events(
    directory: str | os.PathLike[str],
    *,
    days: int = 31,
    start: str = "2026-01-01",
    events_per_day: int = 100_000,
    entities: int = 10_000,
    skew: float = 0.75,
    seed: int = 7,
) -> dict[str, int | str]:
    """Writes a click stream as `directory`/event_date=2026-01-01/part-0.parquet and so on, with event_id, user_id,
    session_id, event_type, product_category, value and timestamp. The same seed gives the same events. The directory
    must be new or empty. Returns the numbers of events, files and bytes, and the first and the last day."""
    return json.loads(_core.generate_events(os.fspath(directory), days, start, events_per_day, entities, skew, seed))
