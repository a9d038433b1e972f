"""Comparison of published rows with the oracle's."""

import math

import pyarrow as pa

RELATIVE = 1e-9


def same(got: object, want: object, exact: bool) -> bool:
    if got is None or want is None:
        return got is None and want is None
    if isinstance(got, (list, tuple)) and isinstance(want, (list, tuple)):  # a map is a list of pairs
        return len(got) == len(want) and all(same(a, b, exact) for a, b in zip(got, want))
    if isinstance(got, float) or isinstance(want, float):
        got, want = float(got), float(want)
        if math.isnan(got) or math.isnan(want):
            return math.isnan(got) and math.isnan(want)
        return got == want if exact else math.isclose(got, want, rel_tol=RELATIVE, abs_tol=1e-12)
    return got == want


def plain(table: pa.Table) -> pa.Table:
    """Types that differ only in how a value is stored brought together: dictionaries decoded, instants in
    nanoseconds of UTC, one size of string."""
    columns = []
    for name in table.column_names:
        column = table.column(name)
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
            kind = column.type
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
        elif pa.types.is_large_string(kind):
            column = column.cast(pa.string())
        elif pa.types.is_large_binary(kind):
            column = column.cast(pa.binary())
        columns.append(column)
    return pa.table(columns, names=table.column_names)


def differences(got: pa.Table, want: pa.Table, entity: list[str], loose: set[str] = frozenset()) -> list[str]:
    """What differs, at most ten lines; columns in `loose` may differ by 1e-9."""
    missing = [name for name in want.column_names if name not in got.column_names]
    if missing:
        return [f"columns that are missing: {missing}; there are {got.column_names}"]
    left, right = _by_key(plain(got), entity), _by_key(plain(want), entity)
    lines = []
    if got.num_rows != len(left):
        lines.append(f"{got.num_rows} rows for {len(left)} entities")
    for key in [k for k in right if k not in left][:3]:
        lines.append(f"no row for {dict(zip(entity, key))}")
    for key in [k for k in left if k not in right][:3]:
        lines.append(f"a row too many: {dict(zip(entity, key))}")
    for key, row in right.items():
        for name, value in row.items():
            if len(lines) >= 10:
                return lines
            if key in left and not same(left[key][name], value, name not in loose):
                lines.append(f"{name} of {dict(zip(entity, key))}: {left[key][name]!r}, oracle {value!r}")
    return lines


def assert_equal(got: pa.Table | None, want: pa.Table, entity: list[str], loose: set[str] = frozenset()) -> None:
    assert got is not None, "nothing was published"
    found = differences(got, want, entity, loose)
    assert not found, "\n".join(found)


def _by_key(table: pa.Table, entity: list[str]) -> dict[tuple, dict]:
    return {tuple(_key(row[name]) for name in entity): row for row in table.to_pylist()}


def _key(value: object) -> object:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    return value
