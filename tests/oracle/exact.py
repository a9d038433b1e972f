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


def exact_percentile(values: list[float] | None, p: float) -> float | None:
    if not values:
        return None
    values = sorted(values, key=lambda v: (math.isnan(v), v))
    place = (len(values) - 1) * Fraction(str(p))
    low, part = values[place.numerator // place.denominator], place % 1
    if part == 0:
        return low
    high = values[place.numerator // place.denominator + 1]
    if low == high:
        return low
    if not math.isfinite(high - low):
        return low * float(1 - part) + high * float(part)
    return low + float(part) * (high - low)


def _central(values: list[float], power: int) -> Fraction:
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    return sum((v - mean) ** power for v in exact) / len(exact)


def _shape(values: list[float] | None, of_moments) -> float | None:
    if not values:
        return None
    if any(not math.isfinite(v) for v in values):
        return math.nan
    spread = _central(values, 2)
    return None if spread == 0 else of_moments(spread)


def exact_skewness(values: list[float] | None) -> float | None:
    return _shape(values, lambda spread: float(_central(values, 3) / (spread * _relative_root(spread))))


def exact_kurtosis(values: list[float] | None) -> float | None:
    return _shape(values, lambda spread: float(_central(values, 4) / spread**2 - 3))


def _relative_root(value: Fraction) -> Fraction:
    """The square root to at least 40 digits of the root itself."""
    shift = max(0, 2 * 140 + value.denominator.bit_length() - value.numerator.bit_length())
    shift += shift % 2
    return Fraction(math.isqrt((value.numerator << shift) // value.denominator), 1 << shift // 2)


def _covariance(pairs: list[list[float]], left: int, right: int) -> Fraction:
    a, b = [Fraction(pair[left]) for pair in pairs], [Fraction(pair[right]) for pair in pairs]
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    return sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b)) / len(pairs)


def exact_covariance(pairs: list[list[float]] | None, freedom: int) -> float | None:
    if not pairs or len(pairs) <= freedom:
        return None
    if any(not math.isfinite(v) for pair in pairs for v in pair):
        return math.nan
    return _rounded(_covariance(pairs, 0, 1) * len(pairs) / (len(pairs) - freedom))


def exact_corr(pairs: list[list[float]] | None) -> float | None:
    if not pairs or len(pairs) < 2:
        return None
    if any(not math.isfinite(v) for pair in pairs for v in pair):
        return math.nan
    spreads = _covariance(pairs, 0, 0) * _covariance(pairs, 1, 1)
    if spreads == 0:
        return None
    return max(-1.0, min(1.0, float(_covariance(pairs, 0, 1) / _relative_root(spreads))))


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
    of_values = {
        "exact_sum": exact_sum,
        "exact_mean": exact_mean,
        "exact_var_samp": lambda values: exact_variance(values, True),
        "exact_var_pop": lambda values: exact_variance(values, False),
        "exact_stddev_samp": lambda values: exact_deviation(values, True),
        "exact_stddev_pop": lambda values: exact_deviation(values, False),
        "exact_skewness": exact_skewness,
        "exact_kurtosis": exact_kurtosis,
    }
    of_pairs = {
        "exact_corr": exact_corr,
        "exact_covar_samp": lambda pairs: exact_covariance(pairs, 1),
        "exact_covar_pop": lambda pairs: exact_covariance(pairs, 0),
    }
    functions = {name: (function, ["DOUBLE[]"]) for name, function in of_values.items()}
    functions |= {name: (function, ["DOUBLE[][]"]) for name, function in of_pairs.items()}
    functions["exact_percentile"] = (exact_percentile, ["DOUBLE[]", "DOUBLE"])
    # DuckDB takes a NaN that Python returns for NULL, so results cross as text.
    for name, (function, types) in functions.items():
        parameters = ", ".join("ab"[: len(types)])
        connection.create_function(f"{name}_text", _as_text(function), types, "VARCHAR", null_handling="special")
        connection.execute(f"CREATE MACRO {name}({parameters}) AS CAST({name}_text({parameters}) AS DOUBLE)")


def _as_text(function):
    if function is exact_percentile:

        def call_with(values: list[float] | None, p: float) -> str | None:
            result = function(values, p)
            return None if result is None else repr(result)

        return call_with

    def call(values: list[float] | None) -> str | None:
        result = function(values)
        return None if result is None else repr(result)

    return call
