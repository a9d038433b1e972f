"""tidemill.training_set: labels in memory and on disk, rows as a table and written."""

import datetime as dt

import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tidemill

LABELS = {
    "user": ["u3", "u0", None, "nobody", "u3"],
    "shown_at": [dt.datetime(2026, 3, 4, 12), dt.datetime(2026, 3, 3), dt.datetime(2026, 3, 4), dt.datetime(2026, 3, 4), None],
    "bought": [True, False, False, True, True],
}
ON = {"user": "user_id"}


@pytest.fixture
def pipeline(world):
    made = tidemill.Pipeline.load(world.file, **{name: str(value) for name, value in world.sets.items()})
    made.backfill("2026-03-01", "2026-03-03")
    return made


@pytest.mark.parametrize("make", [pa.table, polars.DataFrame])
def test_labels_in_memory(world, pipeline, make):
    train = pipeline.training_set(make(LABELS), "shown_at", on=ON)
    rows = train.to_arrow().to_pylist()
    events = {date: {row["user_id"]: row["events"] for row in world.rows(date)} for date in ("2026-03-02", "2026-03-03")}
    assert train.column_names == ["user", "shown_at", "bought", "events", "clicks", "total", "latest"]
    assert [row["bought"] for row in rows] == LABELS["bought"]
    assert [row["events"] for row in rows] == [events["2026-03-03"]["u3"], events["2026-03-02"].get("u0"), None, None, None]
    (one,) = train.report.pipelines
    assert (one.matched, one.without_features["no_entity"], one.without_features["no_row"], one.without_features["no_time"]) == (2, 1, 1, 1)
    assert one.age_seconds["max"] == 12 * 3600 and train.report.mode == "published"


def test_labels_keep_lists_and_refuse_structs(pipeline):
    tags = pa.array([["a", None], [], None, ["b"], ["c"]], pa.list_(pa.string()))
    train = pipeline.training_set(pa.table({**LABELS, "tags": tags}), "shown_at", on=ON)
    assert train.to_arrow()["tags"].to_pylist() == tags.to_pylist()
    with pytest.raises(tidemill.Invalid, match="'pair' has type struct"):
        pipeline.training_set(pa.table({**LABELS, "pair": [{"a": 1}] * 5}), "shown_at", on=ON)


def test_exact_and_published_meet_at_midnight(pipeline):
    labels = pa.table({"user_id": [f"u{i}" for i in range(7)], "day": [dt.date(2026, 3, 4)] * 7})
    published = tidemill.training_set(pipeline, labels, "day")
    exact = tidemill.training_set([pipeline], labels, "day", exact=True, threads=1)
    assert exact.to_arrow().equals(published.to_arrow()) and exact.report.pipelines[0].matched > 0


def test_written_rows_are_those_in_memory(world, pipeline, tmp_path):
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table(LABELS), path)
    train = pipeline.training_set(path, "shown_at", on=ON, max_age=dt.timedelta(hours=36))
    report = pipeline.training_set(path, "shown_at", on=ON, max_age="36h", out=tmp_path / "train")
    assert pq.read_table(tmp_path / "train").equals(train.to_arrow())
    assert (report.labels, report.files_written, report.out) == (5, 1, str(tmp_path / "train"))


def test_what_is_wrong_is_said(pipeline):
    labels = pa.table(LABELS)
    with pytest.raises(tidemill.Invalid, match="no column 'user_id'"):
        pipeline.training_set(labels, "shown_at")
    with pytest.raises(tidemill.Invalid, match="no whole number of hours"):
        pipeline.training_set(labels, "shown_at", on=ON, max_age=dt.timedelta(minutes=5))
    with pytest.raises(tidemill.Invalid, match="by this process alone"):
        pipeline.training_set(labels, "shown_at", on=ON, engine="dask")
    with pytest.raises(tidemill.Invalid, match="there is none"):
        tidemill.training_set([], labels, "shown_at")
    with pytest.raises(tidemill.RunFailed, match="there are no labels"):
        pipeline.training_set("/nonexistent/labels", "shown_at")


def test_progress_is_told(pipeline):
    seen = []
    pipeline.training_set(pa.table(LABELS), "shown_at", on=ON, exact=True, progress=seen.append)
    assert {"scan", "merge"} & {progress.stage for progress in seen}
