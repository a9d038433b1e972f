"""The command under test, and readers for what it publishes."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("TIDEMILL_BIN", ROOT / "build/release/tidemill")).absolute()


def arguments(*args: object, sets: dict[str, object] | None = None) -> list[str]:
    pairs = [x for name, value in (sets or {}).items() for x in ("--set", f"{name}={value}")]
    return [str(BINARY), *map(str, args), *pairs]


def call(
    *args: object,
    sets: dict[str, object] | None = None,
    expect: int | None = 0,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess:
    """Runs the command and asserts its exit code (`expect` None: any)."""
    done = subprocess.run(
        arguments(*args, sets=sets),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        env=None if env is None else {**os.environ, **env},
        timeout=timeout,
    )
    if expect is not None and done.returncode != expect:
        raise AssertionError(
            f"exit {done.returncode}, expected {expect}: tidemill {' '.join(map(str, args))}\n"
            f"stdout: {done.stdout[-1500:]}\nstderr: {done.stderr[-3000:]}"
        )
    return done


def call_json(*args: object, **keywords) -> dict:
    return json.loads(call(*args, "--json", **keywords).stdout)


def data_files(table: Path) -> list[Path]:
    """Every file that a reader's **/*.parquet finds, in order of path."""
    return sorted(p for p in table.rglob("*.parquet") if not _hidden(p.relative_to(table)))


def published(table: Path, date: str) -> pa.Table | None:
    """The rows of one feature date in the order of the files; None if its partition is not there."""
    files = data_files(table / f"feature_date={date}")
    return pa.concat_tables([pq.ParquetFile(f).read() for f in files]) if files else None


def fingerprint(table: Path) -> dict[str, str]:
    """{relative path: hash} of every data file."""
    return {str(f.relative_to(table)): hashlib.sha256(f.read_bytes()).hexdigest() for f in data_files(table)}


def hidden_files(table: Path) -> list[str]:
    """Every file outside the ledger and a Delta log that readers do not see, in the table or staged beside it: leftovers, once no run
    goes on."""
    files = (p.relative_to(table) for p in table.rglob("*") if p.is_file())
    staged = table.with_name(f".{table.name}.tidemill-staging").rglob("*")
    return sorted([str(p) for p in files if _hidden(p) and p.parts[0] not in ("_tidemill", "_delta_log")] + [str(p) for p in staged])


def _hidden(relative: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.parts)
