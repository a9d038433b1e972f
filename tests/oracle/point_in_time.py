"""Features of labels, worked out label by label from plain rows, with Python's zoneinfo."""

import datetime as dt
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

UTC = dt.timezone.utc
MICRO = dt.timedelta(microseconds=1)


def to_instant(local: dt.datetime, zone: str) -> dt.datetime:
    """The instant of a local time: the earlier of two; for a time that the zone skips, the first behind the gap."""
    tz = ZoneInfo(zone)
    before, after = (local.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    if before.astimezone(tz).replace(tzinfo=None) == local:
        return before
    # In a gap the two bracket the transition.
    low, high = after, before
    offset = low.astimezone(tz).utcoffset()
    while high - low > MICRO:
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == offset else (low, middle)
    return high


def instant_of(value: dt.datetime | dt.date, zone: str) -> dt.datetime:
    if not isinstance(value, dt.datetime):
        return to_instant(dt.datetime.combine(value, dt.time()), zone)
    return value.astimezone(UTC) if value.tzinfo else to_instant(value, zone)


def window_begin(instant: dt.datetime, window: str, zone: str) -> dt.datetime:
    """Where `31d` or `6h` before an instant begins."""
    count = int(window[:-1])
    if window[-1] == "h":
        return instant - dt.timedelta(hours=count)
    local = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return to_instant(local - dt.timedelta(days=count), zone)


def exact(
    events: Iterable[dict],
    labels: Iterable[dict],
    *,
    time: str,
    label_time: str,
    on: dict[str, str],
    zone: str,
    windows: list[str],
    features: Callable[[dict[str, list[dict]], dict], dict],
) -> list[dict | None]:
    """What `features` makes of each label's events by window, in the order of their times; None where the longest
    window holds none. `on`: {column of the labels: column of the events}."""
    times = [(instant_of(event[time], zone), event) for event in events if event[time] is not None]
    results: list[dict | None] = []
    for label in labels:
        entity = [label[name] for name in on]
        if label[label_time] is None or None in entity:
            results.append(None)
            continue
        end = instant_of(label[label_time], zone)
        own = [(at, event) for at, event in times if [event[name] for name in on.values()] == entity and at < end]
        inside = {
            window: [event for at, event in sorted(own, key=lambda one: one[0]) if at >= window_begin(end, window, zone)]
            for window in windows
        }
        day = end.astimezone(ZoneInfo(zone)).date()
        results.append(features(inside, {"day": day}) if any(inside.values()) else None)
    return results


def published(
    rows: dict[str, list[dict]],
    ends: dict[str, dt.datetime],
    labels: Iterable[dict],
    *,
    label_time: str,
    on: dict[str, str],
    zone: str,
    max_age: str | None = None,
) -> list[dict | None]:
    """The row of each label's entity at the last date of `rows` ({date: rows}) that had ended at the label's time."""
    results: list[dict | None] = []
    for label in labels:
        results.append(None)
        entity = [label[name] for name in on]
        if label[label_time] is None or None in entity:
            continue
        instant = instant_of(label[label_time], zone)
        before = [date for date in rows if ends[date] <= instant]
        if not before:
            continue
        date = max(before, key=lambda one: ends[one])
        if max_age and ends[date] < window_begin(instant, max_age, zone):
            continue
        for row in rows[date]:
            if [row[name] for name in on.values()] == entity:
                results[-1] = row
    return results
