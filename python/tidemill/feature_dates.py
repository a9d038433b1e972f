"""Labels of feature dates: "2026-03-02", and "2026-03-02T14" at grain hour."""

from datetime import date as Date
from datetime import datetime, tzinfo

from .errors import Invalid

FeatureDate = str | Date


def label_at(instant: datetime, zone: tzinfo, grain: str) -> str:
    """The feature date that an instant with a zone lies in. Hours are counted in UTC and called by their local time,
    without minutes; one that a clock runs through twice has its offset behind it the second time."""
    if grain == "day":
        return f"{datetime.fromtimestamp(instant.timestamp(), zone):%Y-%m-%d}"
    local = datetime.fromtimestamp(instant.timestamp() // 3600 * 3600, zone)
    return f"{local:%Y-%m-%dT%H}" + (local.isoformat()[-6:] if local.fold else "")


def label_of(date: FeatureDate, grain: str = "", zone: tzinfo | None = None) -> str:
    """The label of a feature date given as a label, a date or a datetime. A datetime with a zone is an instant, one
    without stands in the pipeline's zone. `grain` "" takes a date for a day and a datetime for an hour. Errors:
    Invalid for a time that no feature date begins at, and for a zone where none is to convert to."""
    if isinstance(date, str):
        return date
    if not isinstance(date, Date):
        raise Invalid(f"{date!r} is no feature date: give a label such as '2026-03-02', a date or a datetime")
    if not isinstance(date, datetime):
        return date.isoformat()
    if date.tzinfo is not None and zone is None:
        raise Invalid(f"{date} has a zone, and there is no pipeline to say which day that is: give a label")
    local = date if date.tzinfo is None else datetime.fromtimestamp(date.timestamp(), zone)
    if local.minute or local.second or local.microsecond or (grain == "day" and local.hour):
        raise Invalid(f"no feature date begins at {local}: give the {grain or 'hour'} alone")
    if date.tzinfo is not None:
        return label_at(date, zone, grain)
    if grain == "day":
        return f"{local:%Y-%m-%d}"
    placed = local.replace(tzinfo=zone)
    return f"{local:%Y-%m-%dT%H}" + (placed.isoformat()[-6:] if zone is not None and local.fold else "")
