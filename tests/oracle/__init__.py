"""A second, independent reading of pipeline files, computed with DuckDB and Python fractions.

Slow and simple on purpose. `features(file, date, names)` gives what a run must publish; nothing here is shared with
the engine, so that a mistake has to be made twice to go unseen.
"""

from .features import features
from .pipeline_file import Feature, PipelineFile, load

__all__ = ["Feature", "PipelineFile", "features", "load"]
