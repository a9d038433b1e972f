"""The text of small pipelines over the source `sources.clicks`."""

from pathlib import Path

FEATURES = """
  events: count(*)
  clicks: count(*) filter (where kind = 'click')
  total: sum(value)
  latest: max(at)
"""


def write_pipeline(
    path: Path,
    *,
    source: str = "day: event_date, event_time: at",
    entity: str = "user_id",
    window: str = "3d",
    checks: str = "",
    features: str = FEATURES,
    output: str = "partition_by: [feature_date]",
    more: str = "",
) -> Path:
    """A pipeline file with ${EVENTS} and ${OUT}. `checks` are lines `input: ...` and `output: ...`."""
    text = [
        "pipeline: small",
        f'source: {{path: "${{EVENTS}}", {source}}}',
        f"entity: {entity}",
        f"window: {window}",
        more,
        "checks:\n" + "\n".join("  " + line for line in checks.strip().splitlines()) if checks else "",
        "features:\n" + "\n".join("  " + line.strip() for line in features.strip().splitlines()),
        f'output: {{path: "${{OUT}}", {output}}}',
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(filter(None, text)) + "\n", encoding="utf-8")
    return path
