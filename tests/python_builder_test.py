"""Pipelines built in Python are pipeline files, and the other way round."""

import copy
import datetime as dt
import json
import os
import pickle
import subprocess
import sys
from decimal import Decimal

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tidemill
from sources import with_days
from tidemill_command import ROOT, call, call_json
from world import DATE

EXAMPLES = sorted((ROOT / "pipelines").glob("*.yaml")) + sorted((ROOT / "tests/cases").glob("*/pipeline.yaml"))


def built(world):
    return (
        tidemill.pipeline("small", "what users did")
        .source(world.events, day="event_date", event_time="at", where="kind <> 'view'", columns={"cents": "value * 100"})
        .entity("user_id", null="drop")
        .window("3d")
        .check("row_count > 0")
        .check("null_rate(user_id) <= 0.1", severity="warn")
        .check("row_count > 0", on="output")
        .feature("events", "count(*)")
        .feature("clicks", "count(*) filter (where kind = 'click')", windows=["1d", "3d"], default=0)
        .features(cents="sum(cents)", latest="max(at)")
        .output(world.out, partition_by=["feature_date"], compression="snappy")
    )


def test_a_built_pipeline_is_its_file(world):
    pipeline = built(world)
    saved = pipeline.save(world.folder / "built.yaml")
    assert saved == pipeline == tidemill.Pipeline.load(world.folder / "built.yaml")
    by_file = call_json("preview", world.folder / "built.yaml", "--date", DATE)
    assert by_file["columns"] == ["user_id", *pipeline.feature_names]
    assert pipeline.feature_names == ["events", "clicks_1d", "clicks_3d", "cents", "latest"]
    assert pipeline.run(DATE).rows_written == by_file["num_rows"]
    assert call_json("status", world.folder / "built.yaml")["dates"][0]["status"] == "done"


def test_rules_and_entities_are_built(world):
    entities = world.folder / "entities"
    entities.mkdir()
    pq.write_table(pa.table({"id": ["a", "u1"]}), entities / "part-0.parquet")
    pipeline = (
        tidemill.pipeline("built")
        .source(world.events, day="event_date", event_time="at")
        .entity("user_id")
        .window("3d")
        .rule("kind <> 'gift'")
        .rule("value < 8", name="small", quarantine=True, max_rate=0.9)
        .check("every(value < 8)", quarantine=True)
        .check("row_count > 0", on="output")
        .feature("n", "count(*)")
        .output(world.out, entities={"path": str(entities), "column": "id"})
    )
    report = pipeline.run(DATE)
    assert [rule.rule for rule in report.row_rules] == ["kind <> 'gift'", "small", "every(value < 8)"]
    assert report.row_rules[1] == tidemill.RowRuleResult("small", True, 0.9, report.rows_quarantined)
    assert report.rows_quarantined > 0 and report.quarantine.endswith("*.quarantine")
    assert {row["user_id"]: row["n"] for row in world.rows()}["a"] == 0


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_file_survives_being_built_upon(file):
    text = file.read_text()
    loaded = tidemill.Pipeline(text, str(file), {"EVENTS": "e", "OUT": "o"})
    again = loaded.window("5d") if "\nwindow:" in text else loaded.features()
    spec = loaded._spec | ({"window": "5d"} if "\nwindow:" in text else {})
    assert again._spec == spec
    assert again.feature_names == loaded.feature_names
    assert tidemill.Pipeline.from_yaml(again.to_yaml(), EVENTS="e", OUT="o").to_yaml() == again.to_yaml()


def test_building_changes_nothing_that_is_there(world):
    first = built(world)
    text = first.to_yaml()
    second = first.feature("more", "min(value)")
    assert first.to_yaml() == text and second != first
    assert second.feature_names == [*first.feature_names, "more"]


def test_literals_keep_their_types(world):
    pipeline = built(world).feature("word", "max(kind)", default="'0'").feature("no", "max(kind)", default="'off'")
    row = pipeline.compute("2020-01-05").to_arrow()
    assert row.num_rows == 0
    assert tidemill.Pipeline.from_yaml(pipeline.to_yaml()) == pipeline


def test_what_is_missing_is_said_when_it_is_needed():
    with pytest.raises(tidemill.Invalid, match="output") as caught:
        tidemill.pipeline("half").source("events", day="d").lint()
    assert len(caught.value.diagnostics) >= 3


def test_a_wrong_expression_points_into_the_text(world):
    pipeline = built(world).feature("bad", "sum(valeu)")
    with pytest.raises(tidemill.Invalid) as caught:
        pipeline.lint()
    (fault,) = caught.value.diagnostics
    assert pipeline.to_yaml().splitlines()[fault.line - 1].strip() == "bad: sum(valeu)" and fault.column > 1


ROWS = [
    {"user": "a", "at": dt.datetime(2026, 3, 2, 8), "value": 1.5},
    {"user": "a", "at": dt.datetime(2026, 3, 3, 9), "value": 2.0},
    {"user": "b", "at": dt.datetime(2026, 3, 3, 10), "value": None},
    {"user": None, "at": dt.datetime(2026, 3, 3, 11), "value": 9.0},
]


def stream_of(kind):
    table = pa.Table.from_pylist(ROWS)
    if kind == "polars":
        return polars.from_arrow(table)
    if kind == "duckdb":
        return duckdb.from_arrow(table)
    return table


@pytest.mark.parametrize("kind", ["pyarrow", "polars", "duckdb"])
def test_a_table_in_memory_is_a_source(kind, tmp_path):
    pipeline = (
        tidemill.pipeline("memory")
        .source(stream_of(kind), event_time="at")
        .entity("user")
        .window("2d")
        .features(n="count(*)", total="sum(value)")
        .output(tmp_path / "out")
    )
    assert pipeline.compute("2026-03-03").to_arrow().to_pylist() == [
        {"user": "a", "n": 2, "total": 3.5},
        {"user": "b", "n": 1, "total": None},
    ]
    assert "${TIDEMILL_TABLE}" in pipeline.to_yaml()
    with pytest.warns(tidemill.TidemillWarning, match="TIDEMILL_TABLE=table"):
        pipeline.save(tmp_path / "saved.yaml")
    again = tidemill.Pipeline.load(tmp_path / "saved.yaml", TIDEMILL_TABLE=stream_of(kind))
    assert len(again.compute("2026-03-03")) == 2


def test_the_same_table_is_the_same_source_and_another_is_not(tmp_path):
    def pipeline_over(rows):
        return tidemill.Pipeline.from_yaml(
            f"pipeline: m\nsource: {{path: '${{EVENTS}}', event_time: at}}\nentity: user\nwindow: 2d\n"
            f"features: {{n: count(*)}}\noutput: {{path: {json.dumps(str(tmp_path / 'out'))}}}\n",
            EVENTS=pa.Table.from_pylist(rows),
        )

    pipeline_over(ROWS).run("2026-03-03")
    assert [date.status for date in pipeline_over(ROWS).status().dates] == ["done"]
    changed = [{**row, "value": 8.0} if row["value"] == 9.0 else row for row in ROWS]
    assert [date.status for date in pipeline_over(changed).status().dates] == ["changed"]


SCRIPT = """
import sys, pyarrow, tidemill
rows = pyarrow.table({"user": ["a", "b"], "at": pyarrow.array([0, 1], pyarrow.timestamp("s"))})
pipeline = tidemill.Pipeline.from_yaml(sys.stdin.read(), EVENTS=rows)
print([date.status for date in pipeline.status("1970-01-01", "1970-01-01").dates])
if sys.argv[1] == "run":
    pipeline.run("1970-01-01")
"""


def test_the_same_table_in_the_next_process(tmp_path):
    text = (
        "pipeline: m\nsource: {path: '${EVENTS}', event_time: at}\nentity: user\nwindow: 1d\n"
        f"features: {{n: count(*)}}\noutput: {{path: {json.dumps(str(tmp_path / 'out'))}}}\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)}

    def statuses(what):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, what], input=text, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert statuses("run") == "['missing']\n"
    assert statuses("look") == "['done']\n"
    (folder,) = tmp_path.glob("tidemill-tables-*")
    assert [path.name for path in folder.iterdir()] == ["lock"], "tables outlive the processes that used them"


def test_numbers_in_names_are_text(world):
    pipeline = tidemill.Pipeline.from_yaml(built(world).to_yaml().replace("3d", "${DAYS}d"), DAYS=2)
    assert pipeline.feature_names == ["events", "clicks_1d", "clicks_2d", "cents", "latest"]


def test_a_file_on_disk_and_its_table_in_python(world):
    table = with_days(world.events)
    in_memory = tidemill.Pipeline.load(world.file, EVENTS=table, OUT=world.out).compute(DATE)
    on_disk = tidemill.Pipeline.load(world.file, **world.sets).compute(DATE)
    assert in_memory.to_arrow().equals(on_disk.to_arrow())
    call("lint", world.file, sets=world.sets)


ODD = """
pipeline: 007
description: 2026-13-45
source: {path: e, day: d, where: "x <> 'yes'"}
entity: user
window: 5d
features:
  on: count(*)
  yes: {expr: sum(x), default: 010}
  exact: {expr: sum(y), default: 0.12345678901234567890}
  unset: {expr: max(z), default: =}
output: {path: 0x10, partition_by: [feature_date]}
"""


def test_scalars_stay_the_text_that_they_are():
    loaded = tidemill.Pipeline.from_yaml(ODD)
    longer = loaded.feature("off", "min(x)")
    assert longer.name == "007"
    assert longer.feature_names == ["on", "yes", "exact", "unset", "off"]
    assert {**loaded._spec, "features": {**loaded._spec["features"], "off": "min(x)"}} == longer._spec
    assert longer._spec["features"]["yes"]["default"] == "010" and longer._spec["output"]["path"] == "0x10"


def test_python_values_become_text():
    made = tidemill.pipeline("t").feature("a", "max(b)", default=True).feature("c", "sum(d)", default=Decimal("0.10"))
    made = made.output("o", max_rows_per_file=100, partition_by="feature_date")
    assert made._spec["features"] == {"a": {"expr": "max(b)", "default": "true"}, "c": {"expr": "sum(d)", "default": "0.10"}}
    assert made._spec["output"] == {"path": "o", "partition_by": ["feature_date"], "max_rows_per_file": "100"}
    assert tidemill.pipeline("t").feature("w", "count(*)", windows="7d")._spec["features"]["w"]["windows"] == ["7d"]


def test_a_stream_is_read_once(tmp_path):
    text = f"pipeline: m\nsource: {{path: '${{E}}', event_time: at}}\nentity: user\nwindow: 2d\nfeatures: {{n: count(*)}}\noutput: {{path: {tmp_path}}}\n"
    pipeline = tidemill.Pipeline.from_yaml(text, E=pa.Table.from_pylist(ROWS).to_reader())
    assert len(pipeline.feature("more", "sum(value)").compute("2026-03-03")) == len(pipeline.compute("2026-03-03")) == 2


@pytest.mark.parametrize("value", [None, object(), {"a": 1}, polars.Series([1, 2])])
def test_names_that_stand_for_nothing(value):
    with pytest.raises(tidemill.Invalid):
        tidemill.Pipeline.from_yaml(ODD, EVENTS=value)


def test_a_pipeline_travels(world):
    pipeline = tidemill.Pipeline.load(world.file, **world.sets)
    assert pickle.loads(pickle.dumps(pipeline)) == copy.deepcopy(pipeline) == pipeline
    assert pickle.loads(pickle.dumps(pipeline)).compute(DATE).to_arrow().equals(pipeline.compute(DATE).to_arrow())


def test_a_child_process_leaves_the_tables_of_its_parent(tmp_path):
    script = f"""
import os, pyarrow, sys, tidemill
rows = pyarrow.table({{"user": ["a"], "at": pyarrow.array([0], pyarrow.timestamp("s"))}})
p = tidemill.pipeline("m").source(rows, event_time="at").entity("user").window("1d").features(n="count(*)").output({str(tmp_path / "out")!r})
if os.fork() == 0:
    sys.exit(0)
os.wait()
print(len(p.compute("1970-01-01")))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n", done.stderr


def test_where_a_file_lies_does_not_change_with_the_working_directory(world, monkeypatch, tmp_path):
    text = world.file.read_text().replace("${EVENTS}", "events").replace("${OUT}", "out")
    (world.folder / "relative.yaml").write_text(text)
    monkeypatch.chdir(world.folder)
    pipeline = tidemill.Pipeline.load("relative.yaml")
    monkeypatch.chdir("/")
    assert len(pipeline.compute(DATE)) == len(pipeline.feature("more", "min(value)").compute(DATE)) == 7
