"""Kinds of source columns: their Arrow types and how values are drawn."""

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

WORDS = ["", "a", "b", "alpha", "Alpha", "beta", "x%y", "x_y", "o'clock", "Åsa", "日本", "nul\0l", "tab\t", "long " * 9]
ODD_DOUBLES = [
    0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.3, 1e16, -1e16, 1e300, -1e300, 1.7e308, -1.7e308, 5e-324, -5e-324, 2.2e-308,
    1e-20, 3.5, 1 / 3, 2.0**53, 2.0**53 + 2, 1e22, -1e22, 123456.789,
]  # fmt: skip
SPECIAL_DOUBLES = [float("nan"), float("inf"), float("-inf")]


@dataclass
class Column:
    """`kind` is what the grammar of expressions goes by: bool, int, double, decimal, text, bytes, date, time."""

    name: str
    kind: str
    type: pa.DataType
    values: list
    nulls: float  # share of NULLs
    narrow: pa.DataType | None = None  # a type that some files may hold it in
    small: bool = True  # fit for arithmetic, sums and variances without overflow

    @property
    def sql(self) -> str:
        return f'"{self.name}"' if not self.name.isidentifier() or self.name != self.name.lower() else self.name

    def draw(self, rnd: random.Random, n: int) -> list:
        return [None if rnd.random() < self.nulls else rnd.choice(self.values) for _ in range(n)]


def random_columns(rnd: random.Random, first: dt.datetime, days: int) -> list[Column]:
    """A handful of columns besides entity, day and event time. Each kind that aggregates take can occur."""
    makers = [
        _booleans, _small_integers, _integers, _large_integers, _unsigned, _floats, _doubles, _odd_doubles,
        _special_doubles, _decimals, _strings, _large_strings, _dictionaries, _binaries, _dates, _times, _zoned_times,
    ]  # fmt: skip
    chosen = rnd.sample(makers, rnd.randint(4, len(makers)))
    columns = [make(rnd, first, days) for make in chosen]
    for column in columns:
        column.nulls = rnd.choice([0, 0, 0.1, 0.3, 0.9, 1])
        if rnd.random() < 0.1:
            column.name = column.name.title() + " X"
    return columns


def _booleans(rnd, first, days):
    return Column("flag", "bool", pa.bool_(), [True, False], 0)


def _small_integers(rnd, first, days):
    kind = rnd.choice([pa.int8(), pa.int16(), pa.uint8(), pa.uint16()])
    low = 0 if pa.types.is_unsigned_integer(kind) else -100
    return Column("tiny", "int", kind, list(range(low, 101, 9)), 0)


def _integers(rnd, first, days):
    kind = rnd.choice([pa.int32(), pa.int64()])
    narrow = pa.int32() if kind == pa.int64() else pa.int16()
    values = [rnd.randint(-9999, 9999) for _ in range(rnd.choice([2, 20, 500]))]
    return Column("number", "int", kind, values, 0, narrow=narrow)


def _large_integers(rnd, first, days):
    values = [-(2**63), 2**63 - 1, 0, -1, 2**53 + 1, 2**53, 10**18]
    return Column("large", "int", pa.int64(), values, 0, small=False)


def _unsigned(rnd, first, days):
    if rnd.random() < 0.5:
        return Column("unsigned32", "int", pa.uint32(), [0, 1, 7, 2**32 - 1, 2**31], 0)
    return Column("unsigned64", "int", pa.uint64(), [0, 1, 2**64 - 1, 2**63, 2**63 - 1, 5], 0, small=False)


def _floats(rnd, first, days):
    values = [0.5, -0.25, 3.0, -0.0, 0.0, 1e10, 16777216.0, 0.10000000149011612]
    return Column("ratio32", "double", pa.float32(), values, 0)


def _doubles(rnd, first, days):
    values = [round(rnd.uniform(-1000, 1000), rnd.choice([0, 2, 17])) for _ in range(rnd.choice([3, 50, 1000]))]
    return Column("value", "double", pa.float64(), values, 0, narrow=None)


def _odd_doubles(rnd, first, days):
    return Column("odd", "double", pa.float64(), ODD_DOUBLES, 0, small=False)


def _special_doubles(rnd, first, days):
    return Column("special", "double", pa.float64(), SPECIAL_DOUBLES + [0.0, -0.0, 1.5, -2.5, 10.0] * 4, 0, small=False)


def _decimals(rnd, first, days):
    precision, scale = rnd.choice([(9, 2), (12, 2), (18, 4), (30, 6)])
    values = [Decimal(rnd.randint(-(10**6), 10**6)).scaleb(-scale) for _ in range(40)]
    narrow = pa.decimal128(9, 2) if (precision, scale) == (12, 2) else None
    return Column("price", "decimal", pa.decimal128(precision, scale), values, 0, narrow=narrow)


def _strings(rnd, first, days):
    values = rnd.choice([WORDS, [f"s{i}" for i in range(400)]])
    return Column("word", "text", pa.string(), values, 0, narrow=rnd.choice([None, pa.large_string()]))


def _large_strings(rnd, first, days):
    return Column("note", "text", pa.large_string(), WORDS, 0)


def _dictionaries(rnd, first, days):
    kind = pa.dictionary(rnd.choice([pa.int8(), pa.int32()]), pa.string())
    return Column("colour", "text", kind, ["red", "green", "blue", "Red", ""], 0, narrow=rnd.choice([None, pa.string()]))


def _binaries(rnd, first, days):
    kind = rnd.choice([pa.binary(), pa.large_binary()])
    return Column("blob", "bytes", kind, [b"", b"\0", b"\xff\xfe", b"abc", b"abcd"], 0)


def _dates(rnd, first, days):
    return Column("on_date", "date", pa.date32(), [dt.date(1969, 12, 31), dt.date(1970, 1, 1), dt.date(2026, 2, 28)], 0)


def _times(rnd, first, days):
    kind = pa.timestamp(rnd.choice(["s", "ms", "us", "ns"]))
    narrow = pa.timestamp("ms") if kind.unit == "us" else None
    return Column("seen_at", "time", kind, _instants(rnd, first, days), 0, narrow=narrow)


def _zoned_times(rnd, first, days):
    values = [value.replace(tzinfo=dt.timezone.utc) for value in _instants(rnd, first, days)]
    kind = pa.timestamp(rnd.choice(["ms", "us", "ns"]), tz="UTC")
    return Column("zoned_at", "time", kind, values, 0)


def _instants(rnd, first, days):
    odd = [dt.datetime(1969, 12, 31, 23, 59, 59), dt.datetime(1970, 1, 1), dt.datetime(2038, 1, 19, 3, 14, 8)]
    return odd + [first + dt.timedelta(seconds=rnd.randrange(days * 86400)) for _ in range(30)]
