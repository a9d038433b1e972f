"""Sources and tables in a bucket: as on disk, with long listings, from an environment or files, and without telling
credentials to anybody."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import oracle
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta_world import DeltaWorld
from oracle.compare import assert_equal
from sources import clicks
from tidemill_command import call, call_json
from typed_events import plain, typed_events
from world import DATE, World


def assert_is_what_the_oracle_says(world: World, date: str = DATE) -> None:
    want, entity = oracle.features(str(world.file), date, {"EVENTS": str(world.events), "OUT": "unused"})
    assert_equal(world.table(date), want, entity)


def options(world: World) -> dict[str, str]:
    return {**world.env, "AWS_ALLOW_HTTP": "true"}


def test_dates_are_what_they_are_on_disk(remote):
    report = remote.backfill("2026-03-02", "2026-03-05")
    assert [date["status"] for date in report["dates"]] == ["done"] * 4
    for date in ("2026-03-02", "2026-03-03", DATE, "2026-03-05"):
        assert_is_what_the_oracle_says(remote, date)
    before = remote.rows()
    report = remote.report()
    assert remote.rows() == before and report["rows_read"] == 120 and report["files_read"] == 3
    assert sum(file["rows"] for file in report["files"]) == len(before)
    assert set(remote.states("2026-03-02", "2026-03-05").values()) == {"done"}


def test_replacing_a_date_leaves_no_file_of_the_old(remote):
    remote.run()
    remote.run(date="2026-03-03")
    other = remote.rows("2026-03-03")
    file = remote.events / f"event_date={DATE}/part-0.parquet"
    pq.write_table(pq.ParquetFile(file).read().slice(0, 10), file)
    remote.upload()
    assert remote.states("2026-03-03")[DATE] == "stale"
    remote.run()
    assert sum(row["events"] for row in remote.rows()) == 2 * 40 + 10
    assert remote.rows("2026-03-03") == other
    if not isinstance(remote, DeltaWorld):
        assert len(remote.s3.keys(remote.bucket, f"tables/out/feature_date={DATE}")) == 1


def test_rows_are_set_aside_beside_the_ledger(remote):
    text = remote.file.read_text()
    rules = 'checks: {rows: [{rule: "value < 8", quarantine: true, max_rate: 0.9}]}\n'
    remote.file.write_text(text.replace("features:", rules + "features:"))
    report = remote.report()
    keys = [key for key in remote.s3.keys(remote.bucket, "tables/out/_tidemill/quarantine")]
    assert len(keys) == 1 and report["quarantine"] == f"{remote.place}/_tidemill/quarantine/{report['run_id']}/*.quarantine"
    rows = pq.ParquetFile(remote.out / "_tidemill/quarantine" / report["run_id"] / f"{DATE}.quarantine").read()
    assert rows.num_rows == report["rows_quarantined"] > 20
    assert sum(row["events"] for row in remote.rows()) == report["rows_read"] - rows.num_rows
    second = remote.report()["run_id"]
    call("table", "vacuum", remote.place, "--apply", env=remote.env)
    left = remote.s3.keys(remote.bucket, "tables/out/_tidemill/quarantine")
    assert len(left) == 1 and second in left[0]


def test_an_empty_result_replaces_the_date(remote):
    remote.run()
    remote.file.write_text(remote.file.read_text().replace("event_time: at", "event_time: at, where: \"kind = 'no'\""))
    assert remote.report()["status"] == "empty"
    assert remote.rows() == []


def test_failed_checks_leave_the_table(remote):
    remote.pipeline(checks="output:\n  - max(events) <= ${MOST:-1000}")
    remote.run()
    keys = {key for key in remote.s3.keys(remote.bucket) if key.endswith(".parquet")}
    remote.fails(4, "max(events)", env={"MOST": "3"})
    assert {key for key in remote.s3.keys(remote.bucket) if key.endswith(".parquet")} == keys
    assert remote.states() == {DATE: "failed"}


def test_other_commands_work_on_a_bucket(remote):
    flags = ("--date", DATE)
    assert remote.states() == {DATE: "missing"}
    for command in ("lint", "check", "preview", "plan"):
        remote.command(command, remote.file, *(flags if command != "lint" else ()))
    remote.run()
    assert DATE in call("table", "history", remote.place, env=remote.env).stdout
    assert remote.states() == {DATE: "done"}


@pytest.mark.parametrize("columns", [["country"], ["country", "'bucket(2, user_id)'"]])
def test_partitions_with_odd_names(remote, columns):
    events = typed_events().drop_columns(["event_date", "naive"])
    folder = remote.events / f"event_date={DATE}"
    for old in remote.events.rglob("*.parquet"):
        old.unlink()
    pq.write_table(events, folder / "part-0.parquet")
    remote.upload()
    form = "format: delta, " if isinstance(remote, DeltaWorld) else ""
    remote.pipeline(
        source="day: event_date",
        entity="[user_id, country]",
        more="null_entity: keep",
        features="n: count(*)",
        output=f"{form}partition_by: [feature_date, {', '.join(columns)}]",
    )
    report = remote.report()
    assert report["rows_written"] == sum(file["rows"] for file in report["files"])
    assert sum(row["n"] for row in remote.rows()) == events.num_rows
    again = remote.report()
    assert again["rows_written"] == report["rows_written"] and len(again["files"]) == len(report["files"])
    assert sum(row["n"] for row in remote.rows()) == events.num_rows


def test_a_delta_source_in_a_bucket(tmp_path, s3, deltars):
    world = World(tmp_path, s3=s3)
    table = f"s3://{world.bucket}/tables/events"
    deltars.write(table, typed_events(), partition_by=["event_date", "country"], options=options(world))
    deltars.ask("delete", table=table, where="user_id = 'u4'", options=options(world))
    features = "n: count(*)\nprice: sum(price)\nat: max(instant)"
    world.pipeline(source="day: event_date", features=features)
    tables = []
    for events in (table, world.s3.path_of(world.bucket, "tables/events")):
        call("run", world.file, "--date", DATE, sets={"EVENTS": events, "OUT": world.place}, env=world.env)
        tables.append(plain(world.table()))
    assert tables[0] == tables[1] and len(tables[0]) > 3


def test_a_delta_table_in_a_bucket_is_read_by_delta_rs_there(tmp_path, s3, deltars):
    world = DeltaWorld(tmp_path, deltars, s3=s3)
    clicks(world.events)
    world.pipeline()
    world.run()
    there = deltars.read(world.place, options=options(world))
    assert plain(there) == plain(world.table()) and there.num_rows == 7


def upload_many(world: World, objects: dict[str, bytes]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: world.s3.put(f"{world.bucket}/{key}", objects[key]), objects))


def test_more_than_a_thousand_files_of_a_day(tmp_path, s3):
    world = World(tmp_path, s3=s3)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"user_id": ["a"], "value": [1.0]}), sink)
    content = sink.getvalue().to_pybytes()
    upload_many(world, {f"events/event_date={DATE}/{i:04}.parquet": content for i in range(1050)})
    world.uploaded = True
    world.pipeline(source="day: event_date", window="1d", features="n: count(*)\ntotal: sum(value)")
    report = world.report()
    assert report["files_read"] == report["rows_read"] == 1050
    assert world.rows() == [{"user_id": "a", "n": 1050, "total": 1050.0}]
    assert world.states() == {DATE: "done"}


def test_more_than_a_thousand_versions(tmp_path, s3, deltars):
    world = DeltaWorld(tmp_path, deltars, s3=s3)
    clicks(world.events)
    world.pipeline()
    world.run()
    info = json.dumps({"commitInfo": {"timestamp": 1, "operation": "NONE"}}).encode() + b"\n"
    upload_many(world, {f"tables/out/_delta_log/{i:020}.json": info for i in range(1, 1030)})
    world.run()
    assert world.log.version == 1030
    assert len(world.rows()) == 7


def everything_said_and_kept(world: World, secrets: tuple[str, ...]) -> list[str]:
    """Where one of these strings stands: in objects and files, byte by byte."""
    roots = (world.folder, world.s3.path_of(world.bucket))
    files = [file for root in roots for file in root.rglob("*") if file.is_file()]
    return [str(file) for file in files if any(secret.encode() in file.read_bytes() for secret in secrets)]


def test_credentials_are_told_to_nobody(remote):
    secrets = (remote.s3.secret_key, remote.s3.access_key)
    said = []

    def note(done) -> None:
        said.append(done.stdout + done.stderr)

    loud = ("-v", "-v")
    flags = ("--start", "2026-03-03", "--end", DATE)
    note(remote.run(*loud))
    note(remote.run(*loud, "--json"))
    note(remote.command("backfill", remote.file, *flags, *loud, "--json"))
    note(remote.command("status", remote.file, *flags, "--json"))
    note(remote.command("plan", remote.file, *flags, *loud, "--json"))
    note(call("table", "history", remote.place, "--json", env=remote.env))
    wrong = {"AWS_SECRET_ACCESS_KEY": "wrong" * 8}
    note(remote.run(*loud, "--json", expect=1, env=wrong))
    note(remote.run(*loud, expect=1, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "2"}))
    remote.pipeline(checks="output:\n  - max(events) <= 3")
    note(remote.run(*loud, "--json", expect=4))
    assert not [text for text in said if any(secret in text for secret in (*secrets, wrong["AWS_SECRET_ACCESS_KEY"]))]
    assert everything_said_and_kept(remote, secrets) == []
    assert remote.rows()


def test_wrong_credentials_are_an_error_that_names_the_place(remote):
    done = remote.run(expect=1, env={"AWS_SECRET_ACCESS_KEY": "wrong" * 8})
    assert f"s3://{remote.bucket}" in done.stderr


def test_no_credentials_are_an_error_that_says_so(remote, tmp_path):
    env = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    done = remote.run(expect=None, env=env, timeout=60)
    assert done.returncode in (1, 2) and f"s3://{remote.bucket}" in done.stderr


def test_credentials_from_a_file(remote, tmp_path):
    file = tmp_path / "credentials"
    lines = ["[default]", "aws_access_key_id = nobody", "aws_secret_access_key = nothing", "[features]"]
    lines += [f"aws_access_key_id = {remote.s3.access_key}", f"aws_secret_access_key = {remote.s3.secret_key}"]
    file.write_text("\n".join(lines) + "\n")
    profile = {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_PROFILE": "features", "AWS_EC2_METADATA_DISABLED": "true"}
    remote.env = {name: remote.s3.env[name] for name in ("AWS_REGION", "AWS_ENDPOINT_URL")} | profile
    remote.run()
    assert_is_what_the_oracle_says(remote)


@pytest.mark.parametrize("what", ["EVENTS", "OUT"])
def test_a_bucket_that_there_is_not_is_named(remote, what):
    place = "s3://no-such-bucket/events"
    done = call("run", remote.file, "--date", DATE, sets={**remote.sets, what: place}, env=remote.env, expect=None)
    assert done.returncode in (1, 2) and "no-such-bucket" in done.stderr


@pytest.mark.parametrize("uri", ["s3://", "s3:///events", "s4://bucket/events", "s3://key:secret@bucket/events"])
def test_odd_uris_are_refused(tmp_path, uri):
    clicks(tmp_path / "events")
    world = World(tmp_path)
    world.pipeline()
    sets = {"EVENTS": uri, "OUT": tmp_path / "out"}
    done = call("run", world.file, "--date", DATE, sets=sets, expect=None, timeout=60)
    assert done.returncode in (1, 2) and done.stderr.strip()
    assert "key:secret" not in done.stderr


@pytest.mark.parametrize("name", ["a%20b", "a b", "a+b"])
def test_names_of_tables_mean_what_they_say(remote, name):
    """Data files, ledger and log of a table lie in one folder, however its name would read in a URL."""
    sets = {**remote.sets, "OUT": f"s3://{remote.bucket}/tables/{name}"}
    for _ in range(2):
        call("run", remote.file, "--date", DATE, sets=sets, env=remote.env)
    assert [folder.name for folder in remote.out.parent.iterdir()] == [name]
    status = call_json("status", remote.file, "--start", DATE, "--end", DATE, sets=sets, env=remote.env)
    assert [date["status"] for date in status["dates"]] == ["done"]
    history = call_json("table", "history", sets["OUT"], env=remote.env)
    assert len(history["runs"]) == 2
    assert len(history.get("versions", [1, 2])) == 2
