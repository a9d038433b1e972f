"""Exact arithmetic for DuckDB as functions over lists: what sums and variances are defined to be."""

import math
from fractions import Fraction

import duckdb


def exact_sum(values: list[float] | None) -> float | None:
    """The correctly rounded sum; None of nothing, and where it is undefined: with NaN or both infinities."""
    if not values or _is_undefined(values):
        return None
    special = _sum_of_special(values)
    if special is not None:
        return special
    try:
        return math.fsum(values)
    except OverflowError:  # of an intermediate sum; the total may yet fit
        return _rounded(sum(map(Fraction, values)))


def exact_mean(values: list[float] | None) -> float | None:
    total = exact_sum(values)
    return None if total is None else total / len(values)


def exact_variance(values: list[float] | None, sample: bool) -> float | None:
    if not values or (sample and len(values) < 2):
        return None
    if any(not math.isfinite(v) for v in values):
        return math.nan
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    squares = sum((v - mean) ** 2 for v in exact)
    return _rounded(squares / (len(exact) - 1 if sample else len(exact)))


def exact_deviation(values: list[float] | None, sample: bool) -> float | None:
    variance = exact_variance(values, sample)
    return None if variance is None else math.sqrt(variance)


def _is_undefined(values: list[float]) -> bool:
    return any(math.isnan(v) for v in values) or (math.inf in values and -math.inf in values)


def _sum_of_special(values: list[float]) -> float | None:
    for infinity in (math.inf, -math.inf):
        if infinity in values:
            return infinity
    return None


def _rounded(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def register(connection: duckdb.DuckDBPyConnection) -> None:
    functions = {
        "exact_sum": exact_sum,
        "exact_mean": exact_mean,
        "exact_var_samp": lambda values: exact_variance(values, True),
        "exact_var_pop": lambda values: exact_variance(values, False),
        "exact_stddev_samp": lambda values: exact_deviation(values, True),
        "exact_stddev_pop": lambda values: exact_deviation(values, False),
    }
    # DuckDB takes a NaN that Python returns for NULL, so results cross as text.
    for name, function in functions.items():
        connection.create_function(f"{name}_text", _as_text(function), ["DOUBLE[]"], "VARCHAR", null_handling="special")
        connection.execute(f"CREATE MACRO {name}(list) AS CAST({name}_text(list) AS DOUBLE)")


def _as_text(function):
    def call(values: list[float] | None) -> str | None:
        result = function(values)
        return None if result is None else repr(result)

    return call
