"""A source, a pipeline over it and a table: what most tests begin with."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pipelines import write_pipeline
from s3_server import S3Server
from tidemill_command import call, call_json, fingerprint, hidden_files, published

DATE = "2026-03-04"


@dataclass
class World:
    """A source, a pipeline over it and a table, in a folder of their own; the table, or both, in a bucket.

    `out` is where the table's files lie on disk; `place` is how the pipeline file calls that. `events` is the folder of
    the source; with upload() its files are those in the bucket."""

    folder: Path
    s3: S3Server | None = field(default=None, kw_only=True)
    env: dict[str, str] = field(default_factory=dict, kw_only=True)
    bucket: str = field(default="", init=False)
    uploaded: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.s3:
            self.bucket = self.s3.new_bucket()
            self.env = self.env or self.s3.env

    @property
    def events(self) -> Path:
        return self.folder / "events"

    @property
    def out(self) -> Path:
        return self.s3.path_of(self.bucket, "tables/out") if self.s3 else self.folder / "out"

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/tables/out" if self.s3 else str(self.out)

    @property
    def file(self) -> Path:
        return self.folder / "pipeline.yaml"

    @property
    def sets(self) -> dict[str, object]:
        return {"EVENTS": f"s3://{self.bucket}/events" if self.uploaded else self.events, "OUT": self.place}

    def upload(self) -> None:
        """Makes the source in the bucket what it is in the folder."""
        self.s3.replace(f"{self.bucket}/events", self.events)
        self.uploaded = True

    def pipeline(self, **parts: str) -> Path:
        return write_pipeline(self.file, **parts)

    def command(self, name: str, *args: object, **keywords):
        return call(name, *args, sets=self.sets, **self._with_environment(keywords))

    def run(self, *flags: object, date: str = DATE, **keywords):
        return self.command("run", self.file, "--date", date, *flags, **keywords)

    def report(self, *flags: object, date: str = DATE, **keywords) -> dict:
        return self._json("run", self.file, "--date", date, *flags, **keywords)

    def backfill(self, start: str, end: str, *flags: object, **keywords) -> dict:
        return self._json("backfill", self.file, "--start", start, "--end", end, *flags, **keywords)

    def states(self, start: str = DATE, end: str = DATE) -> dict[str, str]:
        """{date: state} as `status` tells."""
        report = self._json("status", self.file, "--start", start, "--end", end)
        return {date["feature_date"]: date["status"] for date in report["dates"]}

    def _json(self, name: str, *args: object, **keywords) -> dict:
        return call_json(name, *args, sets=self.sets, **self._with_environment(keywords))

    def _with_environment(self, keywords: dict) -> dict:
        return {**keywords, "env": {**self.env, **(keywords.get("env") or {})}}

    def rows(self, date: str = DATE) -> list[dict]:
        table = self.table(date)
        return [] if table is None else table.to_pylist()

    def table(self, date: str = DATE) -> pa.Table | None:
        """What is published of a date. In a bucket the ledger tells; files beside those that it names do not count."""
        return self._table_of_ledger(date) if self.s3 else published(self.out, date)

    def _table_of_ledger(self, date: str) -> pa.Table | None:
        entry = self.out / f"_tidemill/dates/{date}.json"
        files = (json.loads(entry.read_text()).get("published") or {"files": []})["files"] if entry.exists() else []
        tables = [pq.ParquetFile(self.out / file["path"]).read() for file in files]
        return pa.concat_tables(tables) if tables else None

    def fails(self, code: int, *words: str, date: str = DATE, **keywords) -> str:
        """A run that exits with `code`, says each of `words`, and leaves table and folder as they were."""
        before = fingerprint(self.out)
        stderr = self.run(date=date, expect=code, **keywords).stderr
        for word in words:
            assert word in stderr, f"no {word!r} in: {stderr}"
        assert fingerprint(self.out) == before, "a failed run changed the table"
        assert hidden_files(self.out) == [], "a failed run left files behind"
        return stderr
