"""The pipeline file as plain data: names filled in, features written out one by one."""

import os
import re
from dataclasses import dataclass, field

import yaml


@dataclass
class Feature:
    name: str
    expr: str
    days: int
    default: object = None


@dataclass
class PipelineFile:
    source_path: str
    day: str | None
    event_time: str | None
    timezone: str
    where: str | None
    columns: dict[str, str]
    entity: list[str]
    null_entity: str
    features: list[Feature]
    output_path: str
    raw: dict = field(repr=False)

    @property
    def longest_window(self) -> int:
        return max(feature.days for feature in self.features)


def load(path: str, names: dict[str, str] | None = None) -> PipelineFile:
    with open(path, encoding="utf-8") as file:
        text = file.read()

    def value(match: re.Match) -> str:
        name, default = match[1], match[3]
        found = (names or {}).get(name, os.environ.get(name, default))
        assert found is not None, f"{name} is not set"
        return str(found)

    raw = yaml.safe_load(re.sub(r"\$\{(\w+)(:-([^}]*))?\}", value, text))
    base = os.path.dirname(os.path.abspath(path))
    source = raw["source"]
    entity = raw["entity"]
    return PipelineFile(
        source_path=os.path.join(base, source["path"]),
        day=source.get("day"),
        event_time=source.get("event_time"),
        timezone=source.get("timezone", "UTC"),
        where=source.get("where"),
        columns={name: str(expr) for name, expr in (source.get("columns") or {}).items()},
        entity=[entity] if isinstance(entity, str) else list(entity),
        null_entity=raw.get("null_entity", "drop"),
        features=list(_features(raw)),
        output_path=os.path.join(base, raw["output"]["path"]),
        raw=raw,
    )


def _features(raw: dict):
    for name, spec in raw["features"].items():
        if not isinstance(spec, dict):
            yield Feature(name, str(spec), _days(raw["window"]))
        elif "windows" in spec:
            for window in spec["windows"]:
                yield Feature(f"{name}_{window}", str(spec["expr"]), _days(window), spec.get("default"))
        else:
            window = spec.get("window") or raw["window"]
            yield Feature(name, str(spec["expr"]), _days(window), spec.get("default"))


def _days(window: str) -> int:
    match = re.fullmatch(r"(\d+)d", str(window))
    assert match, f"the oracle knows windows of days only, not {window!r}"
    return int(match[1])
