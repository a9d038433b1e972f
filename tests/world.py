"""A source, a pipeline over it and a table: what most tests begin with."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pipelines import write_pipeline
from tidemill_command import call, call_json, fingerprint, hidden_files, published

DATE = "2026-03-04"


@dataclass
class World:
    """A source, a pipeline over it and a table, in a folder of their own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def events(self) -> Path:
        return self.folder / "events"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def file(self) -> Path:
        return self.folder / "pipeline.yaml"

    @property
    def sets(self) -> dict[str, object]:
        return {"EVENTS": self.events, "OUT": self.out}

    def pipeline(self, **parts: str) -> Path:
        return write_pipeline(self.file, **parts)

    def run(self, *flags: object, date: str = DATE, **keywords):
        return call("run", self.file, "--date", date, *flags, sets=self.sets, **self._with_environment(keywords))

    def report(self, *flags: object, date: str = DATE, **keywords) -> dict:
        return call_json("run", self.file, "--date", date, *flags, sets=self.sets, **self._with_environment(keywords))

    def _with_environment(self, keywords: dict) -> dict:
        return {**keywords, "env": {**self.env, **(keywords.get("env") or {})}}

    def rows(self, date: str = DATE) -> list[dict]:
        table = published(self.out, date)
        return [] if table is None else table.to_pylist()

    def table(self, date: str = DATE) -> pa.Table | None:
        return published(self.out, date)

    def states(self, start: str = DATE, end: str = DATE) -> dict[str, str]:
        """{date: state} as `status` tells."""
        report = call_json("status", self.file, "--start", start, "--end", end, sets=self.sets, env=self.env)
        return {date["feature_date"]: date["status"] for date in report["dates"]}

    def fails(self, code: int, *words: str, date: str = DATE, **keywords) -> str:
        """A run that exits with `code`, says each of `words`, and leaves table and folder as they were."""
        before = fingerprint(self.out)
        stderr = self.run(date=date, expect=code, **keywords).stderr
        for word in words:
            assert word in stderr, f"no {word!r} in: {stderr}"
        assert fingerprint(self.out) == before, "a failed run changed the table"
        assert hidden_files(self.out) == [], "a failed run left files behind"
        return stderr
