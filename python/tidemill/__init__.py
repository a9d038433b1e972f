"""Tidemill computes ML features from event data: one pipeline, one call (or one command) a feature date.

    import tidemill

    pipeline = tidemill.Pipeline.load("engagement.yaml", EVENTS="/data/events")
    report = pipeline.run("2026-03-02")
    frame = pipeline.compute("2026-03-02").to_pandas()

Names are imported when they are first used: `import tidemill.airflow` works where the extension is not wanted.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._core import __version__ as __version__
    from .errors import Conflict as Conflict
    from .errors import Diagnostic as Diagnostic
    from .errors import InputCheckFailed as InputCheckFailed
    from .errors import Invalid as Invalid
    from .errors import OutputCheckFailed as OutputCheckFailed
    from .errors import RunFailed as RunFailed
    from .errors import TidemillError as TidemillError
    from .errors import TidemillWarning as TidemillWarning
    from .features import Features as Features
    from .features import read_features as read_features
    from ._pipeline import Pipeline as Pipeline
    from ._pipeline import pipeline as pipeline
    from .progress import Progress as Progress
    from .reports import BackfillReport as BackfillReport
    from .reports import CheckResult as CheckResult
    from .reports import PlanReport as PlanReport
    from .reports import RowRuleResult as RowRuleResult
    from .reports import RunReport as RunReport
    from .reports import StatusReport as StatusReport
    from .reports import TrainingSetReport as TrainingSetReport
    from .sample import generate_events as generate_events
    from .together import backfill as backfill
    from .together import run as run
    from .training import TrainingSet as TrainingSet
    from .training import training_set as training_set

_HOMES = {
    "errors": [
        "Conflict",
        "Diagnostic",
        "InputCheckFailed",
        "Invalid",
        "OutputCheckFailed",
        "RunFailed",
        "TidemillError",
        "TidemillWarning",
    ],
    "features": ["Features", "read_features"],
    "_pipeline": ["Pipeline", "pipeline"],
    "progress": ["Progress"],
    "reports": [
        "BackfillReport",
        "CheckResult",
        "PlanReport",
        "RowRuleResult",
        "RunReport",
        "StatusReport",
        "TrainingSetReport",
    ],
    "sample": ["generate_events"],
    "together": ["backfill", "run"],
    "training": ["TrainingSet", "training_set"],
    "native": ["__version__"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


_MODULES = ("airflow", "dask", "engines", "errors", "spark")


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if home is None:
        raise AttributeError(f"module 'tidemill' has no attribute '{name}'")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
