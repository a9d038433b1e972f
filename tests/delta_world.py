"""Worlds whose table is a Delta table, on disk or in a bucket."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from delta_log import DeltaLog
from interop_worker import Worker
from world import DATE, World

OUTPUT = "format: delta, partition_by: [feature_date]"
FEATURES = """
  events: count(*)
  clicks: count(*) filter (where kind = 'click')
  total: sum(value)
"""
LOG_FILES = r"\d{20}\.(json|crc|checkpoint[-0-9a-f.]*\.(parquet|json))|_last_checkpoint|_sidecars|_staged_commits"


@dataclass
class DeltaWorld(World):
    """A world whose table is a Delta table."""

    deltars: Worker

    @property
    def log(self) -> DeltaLog:
        return DeltaLog(self.out)

    def pipeline(self, **parts: str) -> Path:
        return super().pipeline(**{"output": OUTPUT, "features": FEATURES, **parts})

    def table(self, date: str | None = DATE) -> pa.Table:
        """The rows of a date, or all, as delta-rs reads them."""
        where = f" WHERE CAST(feature_date AS VARCHAR) = '{date}'" if date else ""
        return self.deltars.read(self.out, sql=f"SELECT * FROM t{where}")

    def rows(self, date: str | None = DATE) -> list[dict]:
        return sorted(self.table(date).to_pylist(), key=repr)

    def query(self, sql: str) -> list[tuple]:
        """Rows of a query over the table `t`."""
        return [tuple(row.values()) for row in self.deltars.read(self.out, sql=sql).to_pylist()]

    def fails(self, code: int, *words: str, date: str = DATE, **keywords) -> str:
        """As World.fails; no version is added either."""
        before = self.log.version
        stderr = super().fails(code, *words, date=date, **keywords)
        assert self.log.version == before, "a failed run committed"
        return stderr

    def commit(self, *actions: dict) -> None:
        """Adds a version with these actions."""
        text = "".join(json.dumps(action) + "\n" for action in actions)
        name = f"{self.log.version + 1:020}.json"
        if not self.s3:
            (self.log.folder / name).write_text(text, encoding="utf-8")
            return
        self.s3.put(f"{self.bucket}/tables/out/_delta_log/{name}", text.encode())

    def files_of_nobody(self) -> list[str]:
        """Data files that no commit speaks of, and what does not belong into a log."""
        known = {str(self.log.file_of(add).relative_to(self.out)) for add in self.log.actions("add")}
        found = {str(p.relative_to(self.out)) for p in self.out.rglob("*.parquet") if "_delta_log" not in p.parts}
        strange = [p.name for p in self.log.folder.glob("*") if not re.fullmatch(LOG_FILES, p.name)]
        return sorted(found - known) + strange
