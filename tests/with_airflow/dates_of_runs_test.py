"""Which feature date a run computes: the pipeline's header, its zone and grain, and chunks of ranges."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tidemill.airflow import TidemillOperator
from tidemill.airflow.feature_dates import chunks_of, feature_date_of
from tidemill.airflow.pipeline_header import PipelineHeader, filled_in, read_header


def header(zone: str, grain: str = "day") -> PipelineHeader:
    return PipelineHeader("p", "", ZoneInfo(zone), grain)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(("instant", "zone", "grain", "date"), [
    ("2026-03-02T00:00", "UTC", "day", "2026-03-02"),
    ("2026-03-01T23:00", "Europe/Stockholm", "day", "2026-03-02"),
    ("2026-03-02T08:00", "America/Los_Angeles", "day", "2026-03-02"),
    ("2026-03-02T07:59", "America/Los_Angeles", "day", "2026-03-01"),
    ("2026-03-02T14:10", "UTC", "hour", "2026-03-02T14"),
    ("2026-03-02T00:00", "Asia/Kolkata", "hour", "2026-03-02T05"),
    ("2026-03-02T00:45", "Asia/Kolkata", "hour", "2026-03-02T05"),  # there it is 06:15
    ("2026-10-25T00:00", "Europe/Stockholm", "hour", "2026-10-25T02"),
    ("2026-10-25T01:00", "Europe/Stockholm", "hour", "2026-10-25T02+01:00"),
    ("2026-10-25T02:00", "Europe/Stockholm", "hour", "2026-10-25T03"),
])
def test_the_feature_date_is_the_one_that_the_instant_is_in(instant, zone, grain, date):
    assert feature_date_of(utc(instant), header(zone, grain)) == date


def test_names_are_filled_in_as_the_program_does():
    values = {"A": "1", "EMPTY": ""}
    assert filled_in("${A}-${B:-2}-${A:-3}-${EMPTY:-4}-$${A}-$A", values) == "1-2-1--${A}-$A"
    with pytest.raises(KeyError, match="B"):
        filled_in("${B}", values)


def test_the_header_is_read_from_the_file(tmp_path, monkeypatch):
    file = tmp_path / "p.yaml"
    file.write_text("pipeline: ${P:-shop}\nsource: {path: '${EVENTS}', timezone: '${ZONE}'}\ngrain: hour\n")
    found = read_header(file, {"ZONE": "Asia/Tokyo"})
    assert (found.name, found.zone.key, found.grain) == ("shop", "Asia/Tokyo", "hour")
    monkeypatch.setenv("ZONE", "Europe/Paris")
    assert read_header(file).zone.key == "Europe/Paris"
    assert read_header(file, env={"ZONE": "Europe/Rome"}).zone.key == "Europe/Rome"


@pytest.mark.parametrize(("text", "words"), [
    ("pipeline: [", "not YAML"),
    ("window: 3d", "pipeline"),
    ("pipeline: p\nsource: {timezone: Mars/Base}", "Mars/Base"),
    ("pipeline: p\nsource: {timezone: '${NO_SUCH_NAME}'}", "NO_SUCH_NAME"),
    ("pipeline: p\ngrain: week", "week"),
])
def test_a_file_that_is_no_pipeline_is_refused_by_name(tmp_path, text, words):
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match="odd.yaml") as caught:
        read_header(file)
    assert words in str(caught.value)


def test_the_default_date_needs_a_logical_date_and_a_file(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("pipeline: p\nsource: {timezone: Asia/Tokyo}\n")
    task = TidemillOperator(task_id="run", file=file)
    assert task.feature_date(utc("2026-03-01T15:00")) == "2026-03-02"
    with pytest.raises(AirflowFailException, match="no logical date"):
        task.feature_date(None)
    with pytest.raises(AirflowFailException, match="absent.yaml"):
        TidemillOperator(task_id="run", file=tmp_path / "absent.yaml").feature_date(utc("2026-03-01T15:00"))


def test_chunks_cover_a_range_once_and_in_order():
    assert chunks_of("2026-02-27", "2026-03-04", "3") == [
        {"start": "2026-02-27", "end": "2026-03-01"},
        {"start": "2026-03-02", "end": "2026-03-04"},
    ]
    assert chunks_of("2026-03-01", "2026-03-04", 3)[-1] == {"start": "2026-03-04", "end": "2026-03-04"}
    assert chunks_of("2026-03-01", "2026-03-01", 31) == [{"start": "2026-03-01", "end": "2026-03-01"}]


def test_chunks_of_hours_begin_and_end_with_days():
    assert chunks_of("2026-03-01T20", "2026-03-03T05", 1) == [
        {"start": "2026-03-01T20", "end": "2026-03-01T23"},
        {"start": "2026-03-02T00", "end": "2026-03-02T23"},
        {"start": "2026-03-03T00", "end": "2026-03-03T05"},
    ]


@pytest.mark.parametrize("arguments", [("2026-03-02", "2026-03-01", 3), ("2026-03-01", "2026-03-02", 0),
                                       ("2026-03-01", "2026-03-02T03", 3), ("soon", "later", 3)])
def test_ranges_without_dates_are_refused(arguments):
    with pytest.raises(ValueError):
        chunks_of(*arguments)
