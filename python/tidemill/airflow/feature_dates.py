"""Feature dates of runs, and ranges of them."""

import datetime as dt

from tidemill.airflow.pipeline_header import PipelineHeader
from tidemill.feature_dates import label_at


def feature_date_of(instant: dt.datetime, header: PipelineHeader) -> str:
    """The feature date of a pipeline that an instant lies in."""
    return label_at(instant, header.zone, header.grain)


def chunks_of(start: str, end: str, chunk_days: int | str) -> list[dict[str, str]]:
    """The dates from `start` to `end`, both included, as ranges of at most `chunk_days` days, oldest first.

    ValueError: a date that is none, dates of two grains, a range without dates, chunks of less than a day.
    """
    days = int(chunk_days)
    if days < 1:
        raise ValueError(f"chunk_days is {days}; a chunk has at least one day")
    by_hour = "T" in start
    if by_hour != ("T" in end):
        raise ValueError(f"'{start}' and '{end}' are not both days or both hours")
    first, last = (dt.date.fromisoformat(text.partition("T")[0]) for text in (start, end))
    if first > last or (by_hour and start > end):
        raise ValueError(f"no dates: {start} is after {end}")
    chunks = []
    while first <= last:
        until = min(first + dt.timedelta(days=days - 1), last)
        ends = (f"{first}T00", f"{until}T23") if by_hour else (str(first), str(until))
        chunks.append(dict(zip(("start", "end"), ends, strict=True)))
        first = until + dt.timedelta(days=1)
    chunks[0]["start"], chunks[-1]["end"] = start, end
    return chunks
