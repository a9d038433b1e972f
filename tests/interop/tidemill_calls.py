"""Methods of pipelines called with Spark as their engine."""

import dataclasses
import warnings


def call_method(file: str, names: dict, method: str, arguments: list, keywords: dict, scheduler: object) -> dict:
    """The report, or the code and text of the error."""
    import tidemill  # not there for the tests of Delta tables

    pipeline = tidemill.Pipeline.load(file, **names)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            report = getattr(pipeline, method)(*arguments, **keywords, engine="spark", scheduler=scheduler)
    except tidemill.TidemillError as error:
        return {"code": error.code, "error": str(error), "report": error.report and dataclasses.asdict(error.report)}
    as_dict = [dataclasses.asdict(part) for part in report] if isinstance(report, list) else dataclasses.asdict(report)
    return {"code": 0, "report": as_dict, "warnings": [str(warning.message) for warning in warned]}
