"""Several pipelines from Python: tidemill.run and tidemill.backfill."""

import pytest
import tidemill
from pipelines import write_pipeline
from tidemill_command import fingerprint
from world import DATE


@pytest.fixture
def pipelines(world):
    """Two over the same events: by user, and by kind."""
    made = []
    for name, entity in (("users", "user_id"), ("kinds", "kind")):
        file = write_pipeline(world.folder / f"{name}.yaml", entity=entity, features="events: count(*)")
        made.append(tidemill.Pipeline.load(file, EVENTS=str(world.events), OUT=str(world.folder / name)))
    return made


def test_each_gets_its_report_and_its_table(world, pipelines):
    reports = tidemill.run(pipelines, DATE)
    assert [(report.status, report.feature_date) for report in reports] == [("done", DATE)] * 2
    shared = fingerprint(world.folder / "users")
    pipelines[0].run(DATE)
    assert fingerprint(world.folder / "users") == shared


def test_a_backfill_of_several(pipelines):
    reports = tidemill.backfill(pipelines, "2026-03-03", DATE, only="missing")
    assert [[date.status for date in report.dates] for report in reports] == [["done", "done"]] * 2


def test_a_failure_carries_all_reports(world, pipelines):
    file = write_pipeline(world.folder / "strict.yaml", checks="input: [row_count > 1000000]", features="events: count(*)")
    strict = tidemill.Pipeline.load(file, EVENTS=str(world.events), OUT=str(world.folder / "strict"))
    with pytest.raises(tidemill.InputCheckFailed) as failed:
        tidemill.run([pipelines[0], strict], DATE)
    assert [report.status for report in failed.value.report] == ["done", "failed"]


def test_what_cannot_run_together_is_said(pipelines):
    with pytest.raises(tidemill.Invalid, match="given twice"):
        tidemill.run([pipelines[0], pipelines[0]], DATE)
    with pytest.raises(tidemill.Invalid, match="no pipeline"):
        tidemill.run([], DATE)
