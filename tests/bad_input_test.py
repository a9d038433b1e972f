"""Sources that are broken, odd or absent: the fault is named, and the published table stays as it was."""

import os
import random
import shutil
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources import CLICKS, write_file
from tidemill_command import call, fingerprint, hidden_files

DATE = "2026-03-04"


@pytest.fixture
def published_world(world):
    world.run()
    return world


def victim(world):
    return world.events / "event_date=2026-03-03" / "part-0.parquet"


def replace_column(path, name, array):
    table = pq.ParquetFile(path).read()
    pq.write_table(table.set_column(table.column_names.index(name), name, array), path)


def test_missing_source(published_world):
    shutil.rmtree(published_world.events)
    published_world.fails(1, str(published_world.events))


def test_source_without_files(published_world):
    shutil.rmtree(published_world.events)
    published_world.events.mkdir()
    published_world.fails(1, str(published_world.events))


@pytest.mark.parametrize("damage", ["zero bytes", "half", "no magic", "text", "garbage footer", "last byte missing"])
def test_damaged_file_is_named(published_world, damage):
    path = victim(published_world)
    data = path.read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    path.write_bytes(
        {
            "zero bytes": b"",
            "half": data[: len(data) // 2],
            "no magic": data[:-4] + b"PAR2",
            "text": b"user_id,kind\nu1,click\n",
            "garbage footer": data[:footer] + b"\xff" * 64 + data[footer + 64 :],
            "last byte missing": data[:-1],
        }[damage]
    )
    published_world.fails(1, "event_date=2026-03-03/part-0.parquet")


def test_flipped_bits_never_crash(published_world):
    """Damage inside pages: found and named, or (where the format has no checksum for it) read as other values."""
    path = victim(published_world)
    data = path.read_bytes()
    before = fingerprint(published_world.out)
    rnd = random.Random(7)
    failed = 0
    for _ in range(30):
        bad = bytearray(data)
        for _ in range(rnd.choice([1, 8])):
            bad[rnd.randrange(len(bad))] ^= 1 << rnd.randrange(8)
        path.write_bytes(bad)
        done = published_world.run(expect=None)
        assert done.returncode in (0, 1, 2), f"exit {done.returncode}: {done.stderr}"
        if done.returncode != 0:
            failed += 1
            assert "event_date=2026-03-03" in done.stderr, done.stderr
            assert fingerprint(published_world.out) == before
        path.write_bytes(data)
        published_world.run()
        assert fingerprint(published_world.out) == before
    assert failed > 5


def test_page_checksums_are_verified(published_world):
    path = victim(published_world)
    table = pq.ParquetFile(path).read()
    pq.write_table(table, path, compression="none", use_dictionary=False, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[data.index(b"click")] ^= 1
    path.write_bytes(data)
    published_world.fails(1, "event_date=2026-03-03/part-0.parquet")


def test_dangling_link_is_named(published_world):
    (published_world.events / "event_date=2026-03-03" / "gone.parquet").symlink_to("/nowhere/at/all.parquet")
    published_world.fails(1, "gone.parquet")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_named(published_world):
    victim(published_world).chmod(0)
    published_world.fails(1, "event_date=2026-03-03/part-0.parquet")


def test_damage_outside_the_window_is_no_matter_for_results(world):
    world.run(date="2026-03-04")
    before = fingerprint(world.out)
    shutil.rmtree(world.events / "event_date=2026-03-01")
    world.run(date="2026-03-04")
    assert fingerprint(world.out) == before


def test_column_missing_in_some_files_is_null_with_a_warning(published_world):
    path = victim(published_world)
    table = pq.ParquetFile(path).read()
    pq.write_table(table.drop_columns(["value"]), path)
    report = published_world.report()
    assert any("value" in warning and "event_date=2026-03-03" in warning for warning in report["warnings"]), report
    pq.write_table(table.set_column(table.column_names.index("value"), "value", pa.nulls(len(table), pa.float64())), path)
    with_nulls = published_world.rows()
    published_world.run()
    assert published_world.rows() == with_nulls


def test_other_order_of_columns_is_no_matter(published_world):
    before = fingerprint(published_world.out)
    path = victim(published_world)
    table = pq.ParquetFile(path).read()
    pq.write_table(table.select(table.column_names[::-1]), path)
    assert published_world.report()["warnings"] == []
    assert fingerprint(published_world.out) == before


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.float32()])
def test_narrower_numbers_are_widened(world, kind):
    """One file holds whole numbers in a narrower type: the rows are those of files of one type."""
    wide = pa.float64() if pa.types.is_floating(kind) else pa.int64()
    for folder in world.events.iterdir():
        numbers = pa.array([i % 100 for i in range(40)], wide)
        replace_column(folder / "part-0.parquet", "value", numbers)
    world.run()
    before = world.rows()
    replace_column(victim(world), "value", pa.array([i % 100 for i in range(40)], kind))
    world.run()
    assert world.rows() == before


def test_strings_of_any_storage_are_one_type(world):
    world.run()
    before = world.rows()
    path = victim(world)
    kinds = pq.ParquetFile(path).read()["kind"]
    replace_column(path, "kind", kinds.cast(pa.large_string()))
    replace_column(world.events / "event_date=2026-03-02" / "part-0.parquet", "kind", kinds.combine_chunks().dictionary_encode())
    world.run()
    assert [{**row, "clicks": None} for row in world.rows()] == [{**row, "clicks": None} for row in before]
    assert sum(row["clicks"] for row in world.rows()) == sum(row["clicks"] for row in before)


def test_incompatible_types_name_both_files(published_world):
    replace_column(victim(published_world), "value", pa.array(["x"] * 40))
    stderr = published_world.run(expect=None).stderr
    assert "'value'" in stderr
    assert "event_date=2026-03-03/part-0.parquet" in stderr
    assert stderr.count(".parquet") >= 2, stderr
    assert "double" in stderr and ("text" in stderr or "string" in stderr), stderr


def test_partitions_that_are_no_dates(published_world):
    write_file(published_world.events / "event_date=yesterday" / "part-0.parquet", [], CLICKS)
    before = fingerprint(published_world.out)
    done = published_world.run(expect=None)
    assert done.returncode in (1, 2) and "yesterday" in done.stderr, done.stderr
    assert fingerprint(published_world.out) == before


def test_files_at_different_depths(published_world):
    shutil.copy(victim(published_world), published_world.events / "stray.parquet")
    before = fingerprint(published_world.out)
    done = published_world.run(expect=None)
    assert done.returncode in (1, 2) and "stray.parquet" in done.stderr, done.stderr
    assert fingerprint(published_world.out) == before


def test_hidden_files_are_not_read(published_world):
    before = fingerprint(published_world.out)
    folder = published_world.events / "event_date=2026-03-03"
    (folder / "_SUCCESS").write_bytes(b"")
    (folder / ".part-9.parquet.crc").write_bytes(b"\0")
    (folder / "_staging.parquet").write_bytes(b"unfinished")
    (folder / "notes.txt").write_text("not data")
    write_file(published_world.events / "_temporary" / "part-0.parquet", [{"user_id": "ghost"}], CLICKS)
    published_world.run()
    assert fingerprint(published_world.out) == before


def test_file_without_rows(published_world):
    before = fingerprint(published_world.out)
    write_file(published_world.events / "event_date=2026-03-03" / "empty.parquet", [], CLICKS)
    published_world.run()
    assert fingerprint(published_world.out) == before


def test_invalid_utf8_names_file_and_row(published_world):
    path = victim(published_world)
    table = pq.ParquetFile(path).read()
    values = [value.encode() for value in table["kind"].to_pylist()]
    values[17] = b"\xff\xfe"
    bad = pa.array(values, pa.binary())
    replace_column(path, "kind", bad)
    schema = pq.ParquetFile(path).schema_arrow
    text = pa.StringArray.from_buffers(len(bad), bad.buffers()[1], bad.buffers()[2])
    index = schema.get_field_index("kind")
    pq.write_table(table.set_column(index, "kind", text), path)
    stderr = published_world.fails(1, "event_date=2026-03-03/part-0.parquet", "UTF-8")
    assert "17" in stderr or "18" in stderr, stderr


def test_casts_that_cannot_be_made_name_the_value(published_world):
    published_world.pipeline(features="n: sum(cast(kind as bigint))")
    published_world.fails(1, "bigint")


def test_sum_overflow_names_the_feature(published_world):
    for folder in published_world.events.iterdir():
        replace_column(folder / "part-0.parquet", "value", pa.array([2**62] * 40, pa.int64()))
    published_world.pipeline(features="enormous: sum(value)")
    published_world.fails(1, "enormous", "does not fit bigint")


def test_null_entity_error(published_world):
    replace_column(victim(published_world), "user_id", pa.array([None] + ["u1"] * 39))
    published_world.pipeline(more="null_entity: error")
    published_world.fails(1, "event_date=2026-03-03/part-0.parquet", "NULL entity")


def test_null_entity_drop_and_keep(world):
    replace_column(victim(world), "user_id", pa.array([None] * 10 + ["u1"] * 30))
    assert world.report()["rows_dropped"] == 10
    assert None not in [row["user_id"] for row in world.rows()]
    world.pipeline(more="null_entity: keep")
    assert world.report()["rows_dropped"] == 0
    assert [row["events"] for row in world.rows() if row["user_id"] is None] == [10]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_full_disk(world):
    disk = world.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs: {mounted.stderr.decode().strip()}")
    out = disk / "features"
    try:
        call("run", world.file, "--date", DATE, sets={**world.sets, "OUT": out})
        before = fingerprint(out)
        assert before
        size = ["--days", 3, "--events-per-day", 60_000, "--seed", 3, "--start", "2026-03-02"]
        call("generate", "events", world.folder / "large", *size)
        world.pipeline(
            source="day: event_date, event_time: timestamp",
            entity="event_id",
            features="session: max(session_id)\ntotal: sum(value)\nlatest: max(timestamp)",
        )
        sets = {"EVENTS": world.folder / "large", "OUT": out}
        stderr = call("run", world.file, "--date", DATE, sets=sets, expect=1).stderr
        assert "space" in stderr.lower(), stderr
        assert fingerprint(out) == before
        assert hidden_files(out) == []
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
