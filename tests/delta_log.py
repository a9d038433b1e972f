"""What the log of a Delta table on disk says, read commit by commit without any library."""

import json
import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote


class DeltaLog:
    def __init__(self, table: Path) -> None:
        self.table = Path(table)
        self.folder = self.table / "_delta_log"

    def versions(self) -> list[int]:
        """Of the commits that are there as JSON."""
        if not self.folder.is_dir():
            return []
        return sorted(int(p.stem) for p in self.folder.iterdir() if re.fullmatch(r"\d{20}\.json", p.name))

    @property
    def version(self) -> int:
        """The latest; -1 if there is no table."""
        return max(self.versions(), default=-1)

    def commit(self, version: int) -> list[dict]:
        text = (self.folder / f"{version:020}.json").read_text(encoding="utf-8")
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]

    def actions(self, kind: str, version: int | None = None) -> list[dict]:
        """`add`, `remove`, `metaData`, ... of one commit, or of all in their order."""
        commits = self.versions() if version is None else [version]
        return [action[kind] for n in commits for action in self.commit(n) if kind in action]

    def live(self) -> dict[str, dict]:
        """{path as the log has it: add}"""
        files: dict[str, dict] = {}
        for version in self.versions():
            for gone in self.actions("remove", version):
                files.pop(gone["path"], None)
            for add in self.actions("add", version):
                files[add["path"]] = add
        return files

    def file_of(self, add: dict) -> Path:
        return self.table / unquote(add["path"])

    @property
    def metadata(self) -> dict:
        return self.actions("metaData")[-1]

    @property
    def protocol(self) -> dict:
        return self.actions("protocol")[-1]

    @property
    def configuration(self) -> dict[str, str]:
        return self.metadata.get("configuration", {})

    def columns(self) -> dict[str, dict]:
        return {field["name"]: field for field in json.loads(self.metadata["schemaString"])["fields"]}

    def transactions(self, version: int) -> dict[str, int]:
        return {txn["appId"]: txn["version"] for txn in self.actions("txn", version)}
