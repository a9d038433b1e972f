"""What runs, plans and states look like. Bytes are bytes, times are seconds, dates are labels such as "2026-03-02"."""

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Self, get_args, get_type_hints


class Document:
    """A dataclass made from the JSON that `--json` prints. Fields that this version does not know are left out."""

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """From a parsed document; lists of such objects inside of it too."""
        hints = get_type_hints(cls)
        return cls(**{one.name: _convert(hints[one.name], document[one.name]) for one in fields(cls) if one.name in document})


def _convert(hint: Any, value: Any) -> Any:
    item = (get_args(hint) or (None,))[0]
    if is_dataclass(item) and isinstance(value, list):
        return [item.from_document(one) for one in value]
    return value


@dataclass(frozen=True)
class CheckResult(Document):
    """The verdict of one check. `value` is what it measured, as text."""

    check: str
    stage: str
    severity: str
    passed: bool
    value: str = ""
    reason: str = ""


@dataclass(frozen=True)
class RowRuleResult(Document):
    """What a row rule found among the events of a date's windows."""

    rule: str
    quarantine: bool
    max_rate: float | None
    rows_failed: int


@dataclass(frozen=True)
class PublishedFile(Document):
    """A file of the table. `path` is relative to it; `hash` is of the content, in hexadecimal."""

    path: str
    rows: int
    bytes: int
    hash: str


@dataclass(frozen=True)
class JoinReport(Document):
    """What a dimension look-up did: `rows` events, of which `unmatched` found nothing."""

    path: str
    type: str
    rows: int
    unmatched: int
    dimension_rows: int


@dataclass(frozen=True, kw_only=True)
class InvocationReport(Document):
    """What one invocation reports, whatever it computes."""

    run_id: str
    pipeline: str
    status: str
    rows_read: int = 0
    rows_quarantined: int = 0
    quarantine: str = ""  #: pattern of the files with them; empty if there are none
    rows_written: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    spilled_bytes: int = 0
    io_retries: int = 0
    peak_memory: int = 0
    joins: list[JoinReport] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RunReport(InvocationReport):
    """One feature date. `status` is "done", "empty" (no entity had events) or "failed"."""

    feature_date: str
    rows_filtered: int = 0
    rows_unmatched: int = 0
    rows_dropped: int = 0
    entities: int = 0
    entities_entered: int | None = None
    entities_left: int | None = None
    features: int = 0
    days_read: int = 0
    files_read: int = 0
    row_rules: list[RowRuleResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    files: list[PublishedFile] = field(default_factory=list)


@dataclass(frozen=True)
class DateReport(Document):
    """A date of a backfill: "done", "empty", "failed", "taken" (another run holds it) or "skipped"."""

    feature_date: str
    status: str
    reason: str = ""
    rows_quarantined: int = 0
    rows_written: int = 0
    bytes_written: int = 0
    files: int = 0
    row_rules: list[RowRuleResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class BackfillReport(InvocationReport):
    """Many feature dates. `status` is "failed" if any of them failed or was taken."""

    passes: int = 0
    dates: list[DateReport] = field(default_factory=list)


@dataclass(frozen=True)
class PlannedDate(Document):
    """A date of a plan, with its state in the ledger."""

    feature_date: str
    status: str
    reason: str = ""
    picked: bool = True


@dataclass(frozen=True)
class PlannedDimension(Document):
    """A dimension that a pass reads: `columns` with its key, `bytes` of them, `memory_bytes` while events are read."""

    path: str
    files: int
    rows: int
    bytes: int
    memory_bytes: int
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PlanReport(Document):
    """What would be read and written. `rows_expected` and `files_expected` are None where nothing is known."""

    pipeline: str
    source: str
    output: str
    first_day: str = ""
    last_day: str = ""
    days_read: int = 0
    files_read: int = 0
    files_pruned: int = 0
    row_groups_read: int = 0
    row_groups_pruned: int = 0
    rows_read: int = 0
    bytes_read: int = 0
    memory_bytes: int = 0
    passes: int = 0
    rows_expected: int | None = None
    files_expected: int | None = None
    columns: list[str] = field(default_factory=list)
    dimensions: list[PlannedDimension] = field(default_factory=list)
    dates: list[PlannedDate] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DateState(Document):
    """A date held against source and pipeline: "done", "empty", "missing", "stale", "failed" or "changed"."""

    feature_date: str
    status: str
    reason: str = ""
    changed_days: list[str] = field(default_factory=list)
    run_id: str = ""
    rows: int = 0
    published_at: str | None = None


@dataclass(frozen=True)
class StatusReport(Document):
    """The states of the dates asked for, in order."""

    pipeline: str
    output: str
    dates: list[DateState] = field(default_factory=list)

    def in_state(self, *states: str) -> list[str]:
        """The dates in any of these states."""
        return [date.feature_date for date in self.dates if date.status in states]


def report_of(document: dict[str, Any]) -> RunReport | BackfillReport:
    """The report that a document of one pipeline is."""
    return (BackfillReport if "dates" in document else RunReport).from_document(document)


def reports_of(document: dict[str, Any]) -> list[RunReport] | list[BackfillReport]:
    """The reports in a document of several pipelines, in their order."""
    return [report_of(report) for report in document["pipelines"]]


@dataclass(frozen=True)
class LabelFeatures(Document):
    """What one pipeline brought to a training set. `without_features` counts labels by cause: "no_time" and "no_entity"
    (NULL), "no_date" (none published before), "too_old" (by max_age), "no_row" (no event in the windows).
    `age_seconds` is from the end of the feature date to the label: "min", "median", "max"."""

    pipeline: str
    table: str = ""
    features: int = 0
    entities: int = 0
    matched: int = 0
    without_features: dict[str, int] = field(default_factory=dict)
    age_seconds: dict[str, float] | None = None
    first_date: str = ""
    last_date: str = ""
    dates_read: int = 0
    files_read: int = 0
    rows_read: int = 0
    bytes_read: int = 0
    spilled_bytes: int = 0


@dataclass(frozen=True)
class TrainingSetReport(Document):
    """A training set. `mode` is "published" or "exact"; `out` is empty where the rows were returned."""

    labels_path: str
    label_time: str
    mode: str
    out: str = ""
    labels: int = 0
    columns: list[str] = field(default_factory=list)
    pipelines: list[LabelFeatures] = field(default_factory=list)
    files_written: int = 0
    bytes_written: int = 0
    peak_memory: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
