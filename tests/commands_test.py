"""The other commands, as a person meets them."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import duckdb
import oracle
import pyarrow as pa
import pyarrow.dataset as dataset
import pytest
from oracle.compare import assert_equal
from tidemill_command import BINARY, ROOT, call, call_json, published

DATE = "2026-03-04"
COMMANDS = ["demo", "run", "plan", "lint", "check", "preview", "sql", "generate", "functions", "completion", "man"]


def test_version():
    assert re.fullmatch(r"tidemill \d+\.\d+\.\d+", call("--version").stdout.strip())


def test_help_names_every_command():
    text = call("--help").stdout
    assert all(re.search(rf"^\s+{name}\b", text, re.M) for name in COMMANDS), text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    text = call(command, "--help").stdout
    assert f"Usage: tidemill {command}" in text and len(text.splitlines()) > 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    text = call("completion", shell).stdout
    assert all(name in text for name in ("preview", "threads", "date"))
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_bash_completion_completes():
    script = call("completion", "bash").stdout
    probe = (
        script
        + """
COMP_WORDS=(tidemill pre); COMP_CWORD=1; COMP_LINE="tidemill pre"; COMP_POINT=12
name=$(complete -p tidemill | sed -E 's/.*-F ([^ ]+).*/\\1/')
$name tidemill pre tidemill; echo "${COMPREPLY[@]}"
"""
    )
    done = subprocess.run(["bash", "--norc", "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["preview"], done


def test_completion_of_an_unknown_shell_exits_2():
    assert "bash" in call("completion", "tcsh", expect=2).stderr


def test_man_page():
    page = call("man").stdout
    assert page.startswith(".TH TIDEMILL 1")
    assert all(section in page for section in (".SH NAME", ".SH COMMANDS", ".SH EXIT STATUS"))


def test_misspelled_command_is_suggested():
    assert "preview" in call("preveiw", expect=2).stderr


def test_lint_of_a_good_file(world):
    call("lint", world.file, sets=world.sets)
    assert not world.out.exists()


@pytest.mark.parametrize(
    "line, replacement, position, words",
    [
        ("window: 3d", "windw: 3d", ":4", ["windw", "window"]),
        ("window: 3d", "window: 3x", ":4", ["3x"]),
        ("total: sum(value)", "total: sum(valeu)", ":8:14", ["valeu", "value"]),
        ("total: sum(value)", "total: smu(value)", ":8:10", ["smu", "sum"]),
        ("total: sum(value)", "total: sum(kind)", ":8", ["sum", "kind"]),
        ("total: sum(value)", "total: value", ":8", ["value"]),
        ("total: sum(value)", "total: sum(value", ":8", []),
        ("total: sum(value)", "total: sum(sum(value))", ":8", ["sum"]),
        ("total: sum(value)", "total: total + 1", ":8", ["total"]),
        ("total: sum(value)", "total: count(*) filter (where at > now())", ":8", ["now", "feature_date"]),
        ("total: sum(value)", "total: random()", ":8", ["random"]),
        ("total: sum(value)", "total: sum(value) over ()", ":8", []),
        ("total: sum(value)", "total: (select 1)", ":8", []),
        ("total: sum(value)", "user_id: sum(value)", ":8", ["user_id"]),
        ("total: sum(value)", "clicks: sum(value)", ":8", ["clicks"]),
        ("entity: user_id", "entity: usr_id", ":3", ["usr_id", "user_id"]),
        ("day: event_date", "day: event_dat", ":2", ["event_dat"]),
        ("partition_by: [feature_date]", "partition_by: [feature_dat]", ":10", ["feature_dat"]),
        ("partition_by: [feature_date]", "partition_by: [feature_date], mode: append", ":10", ["append", "overwrite"]),
        ("partition_by: [feature_date]", "partition_by: [feature_date], compression: zip", ":10", ["zip", "zstd"]),
    ],
)
def test_lint_points_at_the_fault(world, line, replacement, position, words):
    text = world.file.read_text()
    assert line in text
    world.file.write_text(text.replace(line, replacement))
    done = call("lint", world.file, sets=world.sets, expect=2)
    assert f"pipeline.yaml{position}" in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_lint_reports_every_fault_with_a_caret(world):
    world.pipeline(features="a: sum(valeu)\nb: cuont(*)\nc: count(*)")
    stderr = call("lint", world.file, sets=world.sets, expect=2).stderr
    assert "pipeline.yaml:6" in stderr and "pipeline.yaml:7" in stderr
    assert stderr.count("^") >= 2


def test_lint_as_json(world):
    world.pipeline(features="a: sum(valeu)\nb: cuont(*)")
    document = call_json("lint", world.file, sets=world.sets, expect=2)
    errors = document["error"]["diagnostics"]
    assert [(e["line"], e["column"]) for e in errors] == [(6, 10), (7, 6)]
    assert all(e["message"] and e["file"].endswith("pipeline.yaml") for e in errors)


def test_preview_publishes_nothing(world):
    text = call("preview", world.file, "--date", DATE, sets=world.sets).stdout
    assert "user_id" in text and "u1" in text and "clicks" in text
    assert not world.out.exists()


def test_preview_of_one_entity(world):
    world.run()
    (row,) = [row for row in world.rows() if row["user_id"] == "u1"]
    document = call_json("preview", world.file, "--date", DATE, "--entity", "u1", sets=world.sets)
    (got,) = document["rows"]
    assert got["user_id"] == "u1" and got["events"] == row["events"] and got["total"] == row["total"]


def test_preview_limits_rows(world):
    document = call_json("preview", world.file, "--date", DATE, "-n", 3, sets=world.sets)
    world.run()
    assert [row["user_id"] for row in document["rows"]] == [row["user_id"] for row in world.rows()[:3]]


def test_preview_of_an_unknown_entity(world):
    assert call_json("preview", world.file, "--date", DATE, "--entity", "nobody", sets=world.sets)["rows"] == []


def test_plan(world):
    plan = call_json("plan", world.file, "--date", DATE, sets=world.sets)
    assert plan["days_read"] == plan["files_read"] == 3
    assert plan["files_pruned"] == 2
    assert (plan["first_day"], plan["last_day"]) == ("2026-03-02", "2026-03-04")
    assert plan["rows_read"] == 120 and plan["bytes_read"] > 0 and plan["memory_bytes"] > 0
    assert sorted(plan["columns"]) == ["at", "kind", "user_id", "value"]
    assert [(d["feature_date"], d["status"]) for d in plan["dates"]] == [(DATE, "missing")]
    assert not world.out.exists()


def test_plan_for_people(world):
    text = call("plan", world.file, "--start", "2026-03-02", "--end", "2026-03-04", sets=world.sets).stdout
    assert "2026-03-02" in text and "missing" in text


@pytest.mark.parametrize("args", [["--start", "2026-03-04"], ["--start", "2026-03-04", "--end", "2026-03-01"], []])
def test_plan_of_no_dates_exits_2(world, args):
    assert call("plan", world.file, *args, sets=world.sets, expect=2).stderr


def run_sql(query: str) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        return connection.sql(query).to_arrow_table()


def test_sql_gives_the_rows_of_the_run(world):
    world.pipeline(
        features="""
            events: {expr: count(*), windows: [1d, 3d]}
            clicks: count(*) filter (where kind = 'click')
            mean: avg(value)
            spread: stddev_samp(value)
            kinds: count(distinct kind)
            first_kind: first(kind)
            dearest: max_by(kind, value)
            always: every(value > 1)
            rate: clicks / events_3d
            since: datediff(feature_date, max(at))
            label: case when rate > 0.5 then 'keen' else 'calm' end
        """
    )
    world.run()
    query = call("sql", world.file, "--date", DATE, "--dialect", "duckdb", sets=world.sets).stdout
    assert_equal(run_sql(query), world.table(), ["user_id"], loose={"mean", "spread", "rate"})


def test_sql_of_features_named_as_its_own_columns_were(world):
    world.pipeline(features='{aggregate_2: count(*), aggregate_1: max(value), "n": aggregate_2 + 1}')
    world.run()
    query = call("sql", world.file, "--date", DATE, "--dialect", "duckdb", sets=world.sets).stdout
    assert_equal(run_sql(query), world.table(), ["user_id"])


def test_sql_of_the_examples(tmp_path):
    call("demo", tmp_path / "demo")
    (file,) = (tmp_path / "demo").glob("*.yaml")
    (date,) = {f.parent.name.removeprefix("feature_date=") for f in (tmp_path / "demo").rglob("feature_date=*/*.parquet")}
    (out,) = {f.parent.parent for f in (tmp_path / "demo").rglob("feature_date=*/*.parquet")}
    query = call("sql", file, "--date", date, "--dialect", "duckdb").stdout
    got, want = run_sql(query), published(out, date)
    volatile = {"computed_at"}
    want = want.drop_columns([c for c in want.column_names if c in volatile])
    loose = {name for name in want.column_names if pa.types.is_floating(want.schema.field(name).type)}
    assert_equal(got, want, ["user_id"], loose)
    theirs, entity = oracle.features(str(file), date)
    assert_equal(want, theirs, entity, loose={"click_through_rate", "purchase_rate"})


def test_sql_of_an_unknown_dialect_exits_2(world):
    assert "duckdb" in call("sql", world.file, "--date", DATE, "--dialect", "cobol", sets=world.sets, expect=2).stderr


def test_demo_ends_with_a_preview(tmp_path):
    done = call("demo", tmp_path / "demo")
    assert "user_id" in done.stdout and "total_events_30d" in done.stdout
    again = call("demo", tmp_path / "demo", expect=None)
    assert again.returncode in (0, 2) and (again.returncode == 0 or again.stderr.strip())


def test_demo_pipeline_is_the_example(tmp_path):
    call("demo", tmp_path / "demo")
    (file,) = (tmp_path / "demo").glob("*.yaml")
    call("lint", file)
    assert "total_events_30d: count(*)" in file.read_text()


GENERATE = ["--days", 3, "--events-per-day", 2000, "--entities", 300, "--skew", 1.1, "--start", "2026-03-01"]


def tree(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*") if f.is_file()}


def test_generated_events_depend_on_the_seed_alone(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        call("generate", "events", tmp_path / name, *GENERATE, "--seed", seed)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert tree(tmp_path / "a") != tree(tmp_path / "c")
    table = dataset.dataset(tmp_path / "a", partitioning="hive").to_table()
    assert table.num_rows == 6000
    users = table["user_id"].value_counts()
    counts = sorted((c.as_py() for c in users.field("counts")), reverse=True)
    assert counts[0] > 10 * counts[len(counts) // 2], "no skew"


def test_generate_overwrites_only_when_told(tmp_path):
    call("generate", "events", tmp_path / "a", *GENERATE, "--seed", 5)
    before = tree(tmp_path / "a")
    assert "--overwrite" in call("generate", "events", tmp_path / "a", *GENERATE, "--seed", 6, expect=2).stderr
    assert tree(tmp_path / "a") == before
    call("generate", "events", tmp_path / "a", *GENERATE, "--seed", 6, "--overwrite")
    assert tree(tmp_path / "a") != before and tree(tmp_path / "a").keys() == before.keys()


def test_overwrite_removes_nothing_that_is_not_its_own(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    call("generate", "events", tmp_path / "precious", *GENERATE, "--seed", 6, "--overwrite", expect=None)
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "years of work"


def test_functions():
    text = call("functions").stdout
    for name in ("count", "sum", "max_by", "date_trunc", "coalesce"):
        assert name in text
    assert "null" in call("functions", "sum").stdout.lower()
    assert "date_trunc" in call("functions", "date_trunk", expect=2).stderr


@pytest.mark.parametrize("file", sorted((ROOT / "pipelines").rglob("*.yaml")), ids=lambda file: file.stem)
def test_shipped_pipelines_parse(file):
    text = call("lint", file, expect=None).stderr
    assert "unknown key" not in text and ".yaml:" not in text, text


def test_write_errors_on_standard_output_are_errors(world):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "functions"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode != 0
