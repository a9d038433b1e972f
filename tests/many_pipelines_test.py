"""Several pipelines in one command: the tables of single runs, one scan, and each fails by itself."""

import datetime as dt
import fcntl
import hashlib
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tidemill_command import arguments, call, call_json, fingerprint

DAYS = [f"2026-03-{day:02d}" for day in range(1, 13)]
DATE = "2026-03-10"

#: What differs: entity, windows, zone, filter, derived columns, grain of what is read, clustering, null entities.
PIPELINES = {
    "users": """
        source: {path: "${EVENTS}", day: event_date, event_time: at}
        entity: user_id
        checks: {input: ["row_count > 0"], output: ["row_count > 0"]}
        features:
          n: {expr: count(*), windows: [1d, 3d, 7d]}
          things: {expr: count(distinct thing), windows: [1d, 7d]}
          total: {expr: sum(value), window: 5d}
          last_thing: {expr: last(thing), window: 4d}
    """,
    "things": """
        source:
          path: "${EVENTS}"
          day: event_date
          where: "kind <> 'k1'"
          columns: {twice: "value * 2", kind_of: "upper(kind)"}
        entity: [thing, kind_of]
        null_entity: keep
        window: 2d
        features: {n: count(*), spend: sum(twice), users: count(distinct user_id), best: "max_by(user_id, twice)"}
    """,
    "stockholm": """
        source: {path: "${EVENTS}", event_time: at, timezone: Europe/Stockholm}
        entity: kind
        window: 3d
        features: {n: count(*), spread: stddev_samp(value), hours: "count(distinct date_trunc('hour', at))"}
    """,
    "wide": """
        source: {path: "${EVENTS}", day: event_date, event_time: at}
        entity: user_id
        window: 9d
        features: {first_at: min(at), kinds: count(distinct kind)}
    """,
}


def write_events(folder: Path, rows: int = 1500) -> None:
    for day in DAYS:
        random = np.random.default_rng(int(hashlib.sha256(day.encode()).hexdigest()[:8], 16))
        midnight = dt.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
        users = random.integers(0, 200, rows)
        table = pa.table(
            {
                "user_id": pa.array([f"u{user}" for user in users], mask=random.random(rows) < 0.01),
                "thing": pa.array([f"t{thing}" for thing in random.integers(0, 90, rows)], mask=random.random(rows) < 0.05),
                "kind": pa.array([f"k{kind}" for kind in random.integers(0, 5, rows)]),
                "value": pa.array(random.normal(0, 1000, rows), mask=random.random(rows) < 0.1),
                "at": pa.array((midnight * 1e6 + random.integers(0, 86_400_000_000, rows)).astype(np.int64), pa.timestamp("us")),
            }
        )
        path = folder / f"event_date={day}"
        path.mkdir(parents=True)
        pq.write_table(table, path / "part-0.parquet", row_group_size=400)


class Together:
    """Pipelines over one source, with tables named after them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = folder / "events"
        write_events(self.events)
        self.files = {}
        for name, text in PIPELINES.items():
            self.write(name, text)

    def write(self, name: str, text: str, output: str = "") -> Path:
        lines = [line[8:] for line in text.strip("\n").splitlines()]
        file = self.folder / f"{name}.yaml"
        out = output or f"${{OUT}}/{name}"
        file.write_text(f"pipeline: {name}\n" + "\n".join(lines) + f"\noutput: {{path: \"{out}\", partition_by: [feature_date]}}\n")
        self.files[name] = file
        return file

    def sets(self, out: str) -> dict[str, object]:
        return {"EVENTS": self.events, "OUT": self.folder / out}

    def tables(self, out: str) -> dict[str, dict[str, str]]:
        return {name: fingerprint(self.folder / out / name) for name in self.files}


@pytest.fixture
def together(tmp_path: Path) -> Together:
    return Together(tmp_path)


def run(together: Together, out: str, *flags: object, code: int = 0, names=None, date: str = DATE) -> dict:
    files = [together.files[name] for name in names or together.files]
    return call_json("run", *files, "--date", date, *flags, sets=together.sets(out), expect=code)


def backfill(together: Together, out: str, *flags: object, code: int = 0, names=None) -> dict:
    files = [together.files[name] for name in names or together.files]
    dates = ["--start", "2026-03-04", "--end", DATE]
    return call_json("backfill", *files, *dates, *flags, sets=together.sets(out), expect=code)


def test_one_scan_publishes_what_single_runs_do(together):
    for name in together.files:
        alone = run(together, "alone", names=[name])
        assert "pipelines" not in alone and alone["pipeline"] == name
    report = run(together, "shared")
    assert report["status"] == "done"
    assert [(one["file"], one["pipeline"], one["status"]) for one in report["pipelines"]] == [
        (str(file), name, "done") for name, file in together.files.items()
    ]
    assert together.tables("shared") == together.tables("alone")
    assert all(together.tables("shared").values())
    # The same scan: each tells how long all of it took.
    assert len({one["seconds"]["scan"] for one in report["pipelines"]}) == 1


@pytest.mark.parametrize("flags", [(), ("--pass-days", 2), ("--threads", 1), ("--memory", "150MB")])
def test_one_backfill_publishes_what_single_backfills_do(together, flags):
    for name in together.files:
        backfill(together, "alone", names=[name])
    report = backfill(together, "shared", *flags)
    assert [one["status"] for one in report["pipelines"]] == ["done"] * 4
    assert together.tables("shared") == together.tables("alone")
    assert {len(files) for files in together.tables("shared").values()} == {7}


def test_little_memory_takes_fewer_pipelines_a_scan_and_gives_the_same(together):
    expected = run(together, "enough")
    report = run(together, "little", "--memory", "1MB")
    assert together.tables("little") == together.tables("enough")
    assert [one["rows_read"] for one in report["pipelines"]] == [one["rows_read"] for one in expected["pipelines"]]


def test_each_backfill_computes_its_own_dates(together):
    backfill(together, "all")
    run(together, "some", names=["users"], date="2026-03-06")
    run(together, "some", names=["things"], date="2026-03-07")
    report = backfill(together, "some", "--only", "missing", names=["users", "things"])
    skipped = [[d["feature_date"] for d in one["dates"] if d["status"] == "skipped"] for one in report["pipelines"]]
    assert skipped == [["2026-03-06"], ["2026-03-07"]]
    for name in ("users", "things"):
        assert together.tables("some")[name] == together.tables("all")[name]


def test_a_check_that_fails_keeps_back_its_own_pipeline_alone(together):
    together.write("strict", PIPELINES["users"].replace('input: ["row_count > 0"]', 'input: ["row_count > 1000000"]'))
    names = ["things", "strict", "wide"]
    report = run(together, "out", code=3, names=names)
    assert [one["status"] for one in report["pipelines"]] == ["done", "failed", "done"]
    assert report["status"] == "failed" and report["pipelines"][1]["error"]["kind"] == "input_check_failed"
    assert together.tables("out")["strict"] == {} and together.tables("out")["wide"]
    text = call("run", *[together.files[name] for name in names], "--date", DATE, sets=together.sets("text"), expect=3)
    assert "3 pipelines: 2 done, 1 failed" in text.stdout and "strict: input check failed" in text.stderr


def test_what_one_cannot_compute_ends_it_alone(together):
    together.write(
        "casts",
        """
        source: {path: "${EVENTS}", day: event_date}
        entity: user_id
        window: 3d
        features: {total: "sum(cast(thing as bigint))"}
        """,
    )
    together.write(
        "strict",
        """
        source: {path: "${EVENTS}", day: event_date}
        entity: user_id
        null_entity: error
        window: 3d
        features: {n: count(*)}
        """,
    )
    names = ["casts", "users", "strict", "wide"]
    report = run(together, "out", code=1, names=names)
    assert [one["status"] for one in report["pipelines"]] == ["failed", "done", "failed", "done"]
    assert "event_date=" in report["pipelines"][0]["error"]["message"]
    assert "NULL entity" in report["pipelines"][2]["error"]["message"]
    for name in ("users", "wide"):
        run(together, "alone", names=[name])
        assert together.tables("out")[name] == together.tables("alone")[name]


def test_what_cannot_be_read_ends_those_that_need_it(together):
    broken = next((together.events / "event_date=2026-03-03").glob("*.parquet"))
    data = bytearray(broken.read_bytes())
    data[64:2000] = b"\0" * (2000 - 64)
    broken.write_bytes(data)
    report = run(together, "out", code=1, names=["users", "things", "wide"])
    assert [one["status"] for one in report["pipelines"]] == ["done", "done", "failed"]
    assert "2026-03-03" in report["pipelines"][2]["error"]["message"]


def test_a_date_that_is_taken_is_left_out_and_the_others_go_on(together):
    run(together, "out", names=["users"])
    before = together.tables("out")
    (lock,) = (together.folder / "out/users/_tidemill").rglob(f"{DATE}.lock")
    with open(lock, "r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        report = run(together, "out", code=5)
        assert [one["status"] for one in report["pipelines"]] == ["failed", "done", "done", "done"]
        assert report["pipelines"][0]["error"]["kind"] == "conflict"
        assert together.tables("out")["users"] == before["users"]
        dates = backfill(together, "out", names=["users", "wide"], code=1)["pipelines"]
        assert [one["dates"][-1]["status"] for one in dates] == ["taken", "done"]


def test_an_interrupted_run_leaves_whole_tables(together):
    run(together, "out", date="2026-03-09")
    before = together.tables("out")
    command = arguments("backfill", *together.files.values(), "--start", "2026-03-04", "--end", DATE, "--json", sets=together.sets("out"))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.03)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode in (0, 130, -signal.SIGINT)
    for name, files in together.tables("out").items():
        assert set(before[name].items()) <= set(files.items())
    if process.returncode == 130 and stdout:
        assert json.loads(stdout)["status"] == "failed"
    again = backfill(together, "out")
    assert again["status"] == "done"
    backfill(together, "alone")
    assert together.tables("out") == together.tables("alone")


def test_every_fault_of_every_file_is_told_before_anything_runs(together):
    together.write("typo", PIPELINES["wide"].replace("entity:", "entiti:"))
    together.write("unknown", PIPELINES["wide"].replace("min(at)", "min(att)").replace("distinct kind", "distinct kinds"))
    files = [together.files[name] for name in ("users", "typo", "unknown")]
    done = call("run", *files, "--date", DATE, sets=together.sets("out"), expect=2)
    for word in ("typo.yaml", "entiti", "unknown.yaml", "'att'", "'kinds'"):
        assert word in done.stderr, done.stderr
    assert not (together.folder / "out").exists()


def test_two_that_get_in_each_others_way_are_refused(together):
    users = together.files["users"]
    twice = call("run", users, users, "--date", DATE, sets=together.sets("out"), expect=2).stderr
    assert "users.yaml" in twice and "given twice" in twice
    same = together.write("same", PIPELINES["wide"], output="${OUT}/users")
    table = call("run", users, same, "--date", DATE, sets=together.sets("out"), expect=2).stderr
    assert "same.yaml" in table and "users.yaml" in table and "out/users" in table
    reads = together.write("reads", PIPELINES["wide"].replace("${EVENTS}", "${OUT}/users"))
    for command in (["run", users, reads, "--date", DATE], ["backfill", reads, users, "--start", DATE, "--end", DATE]):
        assert "reads what" in call(*command, sets=together.sets("out"), expect=2).stderr
    join = ', join: {path: "${OUT}/users", key: {user_id: user_id}, columns: [n_1d]}}'
    joins = together.write("joins", PIPELINES["wide"].replace("event_time: at}", "event_time: at" + join))
    anyway = together.write("anyway", PIPELINES["wide"], output='${OUT}/anyway", entities: {path: "${OUT}/users"}, format: "parquet')
    for reader in (joins, anyway):
        assert "reads what" in call("run", reader, users, "--date", DATE, sets=together.sets("out"), expect=2).stderr
    inner = together.write("inner", PIPELINES["wide"], output="${OUT}/users/inner")
    assert "keep the tables apart" in call("run", inner, users, "--date", DATE, sets=together.sets("out"), expect=2).stderr
    assert not (together.folder / "out").exists()


def test_pipelines_over_other_sources_run_as_well(together):
    other = together.folder / "other"
    write_events(other, rows=300)
    together.write("elsewhere", PIPELINES["wide"].replace("${EVENTS}", str(other)))
    report = run(together, "out", names=["users", "elsewhere", "things"])
    assert [one["status"] for one in report["pipelines"]] == ["done"] * 3
    for name in ("users", "elsewhere", "things"):
        run(together, "alone", names=[name])
        assert together.tables("out")[name] == together.tables("alone")[name]


def test_a_source_that_is_not_there_fails_its_own_pipeline(together):
    together.write("nowhere", PIPELINES["wide"].replace("${EVENTS}", str(together.folder / "nowhere")))
    report = run(together, "out", code=1, names=["nowhere", "users"])
    assert [one["status"] for one in report["pipelines"]] == ["failed", "done"]


def test_types_that_other_days_widen_are_each_pipelines_own(together):
    """A day whose values are wider makes the column wider for the windows that hold it, not for the others."""
    for day, kind in (("2026-03-02", pa.float64()), ("2026-03-09", pa.float32()), (DATE, pa.float32())):
        file = together.events / f"event_date={day}/part-0.parquet"
        table = pq.ParquetFile(file).read()
        at = table.schema.get_field_index("value")
        pq.write_table(table.set_column(at, "value", table["value"].cast(kind)), file, row_group_size=400)
    for day in DAYS[2:8]:
        file = together.events / f"event_date={day}/part-0.parquet"
        table = pq.ParquetFile(file).read()
        at = table.schema.get_field_index("value")
        pq.write_table(table.set_column(at, "value", table["value"].cast(pa.float32())), file, row_group_size=400)
    together.write("narrow", PIPELINES["wide"].replace("9d", "2d").replace("min(at)", "max(value)"))
    together.write("long", PIPELINES["wide"].replace("min(at)", "max(value)"))
    names = ["narrow", "long"]
    run(together, "out", names=names)
    for name in names:
        run(together, "alone", names=[name])
        assert together.tables("out")[name] == together.tables("alone")[name]


@pytest.mark.parametrize("memory", ["1GB", "1MB"])
def test_joins_are_each_pipelines_own(together, memory):
    things = together.folder / "things.parquet"
    pq.write_table(pa.table({"thing": [f"t{i}" for i in range(60)], "price": [i / 4 for i in range(60)]}), things)
    for name, kind in (("inner", "inner"), ("left", "left")):
        together.write(
            name,
            f"""
        source:
          path: "${{EVENTS}}"
          day: event_date
          join: [{{path: "{things}", key: thing, columns: [price], type: {kind}}}]
        entity: user_id
        window: 4d
        features: {{n: count(*), worth: sum(price)}}
            """,
        )
    names = ["inner", "users", "left"]
    run(together, "out", "--memory", memory, names=names)
    for name in names:
        run(together, "alone", names=[name])
        assert together.tables("out")[name] == together.tables("alone")[name]
    assert together.tables("out")["inner"] != together.tables("out")["left"]


def set_aside(table: Path) -> list[dict]:
    files = sorted((table / "_tidemill/quarantine").glob("*/*.quarantine"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


@pytest.mark.parametrize("names", [["ruled", "everyone", "users"], ["strict", "everyone", "ruled"]])
def test_rules_and_entities_are_each_pipelines_own(together, names):
    people = together.folder / "people.parquet"
    pq.write_table(pa.table({"id": ["nobody", "u1", "another"]}), people)
    entities = f'${{OUT}}/everyone", entities: {{path: "{people}", column: id}}, format: "parquet'
    together.write("everyone", PIPELINES["wide"], output=entities)
    rule = '\n        checks: {rows: [{rule: "value > 3", quarantine: trueRATE}]}'
    together.write("ruled", PIPELINES["wide"].rstrip() + rule.replace("RATE", ""))
    together.write("strict", PIPELINES["wide"].rstrip() + rule.replace("RATE", ", max_rate: 0.001"))
    report = run(together, "out", names=names, code=3 if "strict" in names else 0)
    states = {one["pipeline"]: one["status"] for one in report["pipelines"]}
    assert states == {name: "failed" if name == "strict" else "done" for name in names}
    for name in names:
        run(together, "alone", names=[name], code=3 if name == "strict" else 0)
        assert together.tables("out")[name] == together.tables("alone")[name]
        rows = set_aside(together.folder / "out" / name)
        assert rows == set_aside(together.folder / "alone" / name) and bool(rows) == (name in ("ruled", "strict"))


def test_plan_status_and_lint_take_several(together):
    files = [together.files[name] for name in ("users", "wide")]
    run(together, "out", names=["users", "wide"])
    plan = call_json("plan", *files, "--date", DATE, sets=together.sets("out"))
    assert [one["pipeline"] for one in plan["pipelines"]] == ["users", "wide"]
    status = call_json("status", *files, "--start", DATE, "--end", DATE, sets=together.sets("out"))
    assert [one["dates"][0]["status"] for one in status["pipelines"]] == ["done", "done"]
    bad = together.write("bad", PIPELINES["wide"].replace("min(at)", "min(att)"))
    lint = json.loads(call("lint", files[0], bad, "--json", sets=together.sets("out"), expect=2).stdout)
    assert [one["status"] for one in lint["pipelines"]] == ["ok", "failed"]
    dry = call_json("backfill", *files, "--start", DATE, "--end", DATE, "--dry-run", sets=together.sets("out"))
    assert len(dry["pipelines"]) == 2


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_each_row_group_is_read_once(together, tmp_path):
    def reads(*names: str) -> int:
        log = tmp_path / f"strace-{len(names)}"
        files = [together.files[name] for name in names]
        command = arguments("run", *files, "--date", DATE, "--threads", 1, sets=together.sets(f"count{len(names)}"))
        done = subprocess.run(["strace", "-f", "-e", "trace=pread64,read", "-y", "-o", log, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return sum("/events/event_date=" in line for line in log.read_text().splitlines())

    # The columns of both are three, those of the wider one two.
    assert reads("users", "wide") < 2 * reads("wide")
