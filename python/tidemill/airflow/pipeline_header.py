"""What a scheduler has to know of a pipeline file: its name, the zone of its dates and their grain.

The file is parsed as YAML and no further, as a DAG is built many times a minute. Whether it is right is for the run to
say.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

_NAME_USE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
# Every scalar is text, as the reader of pipeline files takes it.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class PipelineHeader:
    name: str
    description: str
    zone: ZoneInfo
    grain: str  # "day" or "hour"


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """`text` with ${NAME} and ${NAME:-default} replaced; $${ stands for ${. KeyError: a name without a value."""

    def value(use: re.Match) -> str:
        name, default = use.groups()
        if name is None:
            return "${"
        if name in values or default is None:
            return str(values[name])
        return default

    return _NAME_USE.sub(value, text)


def read_header(file: str | Path, names: Mapping[str, str] | None = None,
                env: Mapping[str, str] | None = None) -> PipelineHeader:
    """The header of a pipeline file, in which `names`, then `env`, then the environment give values to ${NAME}.

    OSError: the file cannot be read. ValueError: it is no pipeline file, or a value is missing or none that there is.
    """
    try:
        with open(file, "rb") as stream:
            document = yaml.load(stream, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: not YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("pipeline"), str):
        raise ValueError(f"{file}: no key 'pipeline' with the name of the pipeline")
    values = {**os.environ, **(env or {}), **(names or {})}
    source = document.get("source")

    def field(section: object, key: str, default: str) -> str:
        text = section.get(key) if isinstance(section, dict) else None
        try:
            return default if text is None else filled_in(str(text), values)
        except KeyError as error:
            raise ValueError(f"{file}: {key}: ${{{error.args[0]}}} has no value; give it in `names`") from error

    grain = field(document, "grain", "day")
    if grain not in ("day", "hour"):
        raise ValueError(f"{file}: grain: '{grain}' is neither day nor hour")
    zone = field(source, "timezone", "UTC")
    try:
        zone_info = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{file}: timezone: there is no zone '{zone}'") from error
    return PipelineHeader(field(document, "pipeline", ""), field(document, "description", ""), zone_info, grain)
