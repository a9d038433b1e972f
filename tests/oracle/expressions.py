"""PostgreSQL expression text -> DuckDB text, with aggregates taken out by name.

Functions are parsed without any knowledge of what they mean, so that nothing is translated behind our back: the
meaning of every function that differs from DuckDB's own is in MACROS or in `aggregate_sql`.
"""

from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.dialects.postgres import Postgres

# Scalar functions and operators where DuckDB differs from what pipeline files mean.
MACROS = [
    "CREATE MACRO td_divide(a, b) AS CAST(a AS DOUBLE) / nullif(CAST(b AS DOUBLE), 0)",
    "CREATE MACRO td_ln(x) AS CASE WHEN CAST(x AS DOUBLE) > 0 THEN ln(CAST(x AS DOUBLE)) END",
    "CREATE MACRO td_log10(x) AS CASE WHEN CAST(x AS DOUBLE) > 0 THEN log10(CAST(x AS DOUBLE)) END",
    "CREATE MACRO td_sqrt(x) AS CASE WHEN CAST(x AS DOUBLE) >= 0 THEN sqrt(CAST(x AS DOUBLE)) END",
    "CREATE MACRO td_datediff(a, b) AS date_diff('day', CAST(b AS DATE), CAST(a AS DATE))",
]
RENAMED = {
    "ln": "td_ln", "log10": "td_log10", "sqrt": "td_sqrt", "datediff": "td_datediff",
    "cardinality": "len", "element_at": "list_extract",
}  # fmt: skip

AGGREGATES = {
    "count", "sum", "avg", "min", "max", "stddev", "variance", "stddev_samp", "stddev_pop", "var_samp", "var_pop",
    "bool_and", "every", "bool_or", "first", "last", "min_by", "max_by",
    "count_if", "approx_count_distinct", "mode", "top_k", "histogram", "collect_set", "collect_list", "median",
    "percentile_cont", "percentile_disc", "approx_percentile", "corr", "covar_samp", "covar_pop", "skewness", "kurtosis",
}  # fmt: skip

#: The values in list {v} with their negated counts, so that the most frequent comes first.
COUNTED = "list_transform(list_distinct({v}), lambda e: struct_pack(n := -len(list_filter({v}, lambda o: o = e)), x := e))"
OF_VALUES = {
    "mode": f"list_sort({COUNTED})[1].x",
    "top_k": f"list_transform(list_sort({COUNTED})[1:{{p}}], lambda e: e.x)",
    "histogram": "map_from_entries(list_sort(list_transform(list_distinct({v}), "
    "lambda e: struct_pack(k := e, n := len(list_filter({v}, lambda o: o = e))))))",
    "collect_set": "coalesce(list_sort(list_distinct({v})), [])",
    "percentile_disc": "list_sort({v})[CAST(greatest(1, ceil({p} * len({v}))) AS BIGINT)]",
}
OF_VALUES["approx_percentile"] = OF_VALUES["percentile_disc"]  # exact while the different values are few
PAIRS = ("corr", "covar_samp", "covar_pop")


class _Plain(Postgres):
    class Parser(Postgres.Parser):
        FUNCTIONS = {}
        FUNCTION_PARSERS = {
            name: parser
            for name, parser in Postgres.Parser.FUNCTION_PARSERS.items()
            if name in ("CAST", "EXTRACT", "SUBSTRING", "TRIM", "POSITION")
        }


@dataclass
class Aggregate:
    """One aggregate call: arguments and filter as DuckDB text."""

    name: str
    arguments: list[str]
    distinct: bool = False
    condition: str | None = None


def parse(text: str) -> exp.Expression:
    return parse_one(f"SELECT {text} AS x", read=_Plain).expressions[0].this


def duckdb_sql(tree: exp.Expression) -> str:
    return tree.transform(_rewrite).sql("duckdb")


def row_sql(text: str) -> str:
    """An expression without aggregates."""
    return duckdb_sql(parse(text))


def take_aggregates(text: str, name_of) -> str:
    """DuckDB text in which `name_of(aggregate)`, a column, stands for each aggregate call."""

    def visit(node: exp.Expression) -> exp.Expression:
        condition = None
        call = node
        if isinstance(node, exp.Filter):
            call, condition = node.this, duckdb_sql(node.expression.this)
        ordered = []
        if isinstance(call, exp.WithinGroup):
            ordered = [call.expression.expressions[0].this]
            call = call.this
        if not isinstance(call, exp.Anonymous) or call.name.lower() not in AGGREGATES:
            return node
        arguments = [*ordered, *call.expressions]
        distinct = len(arguments) == 1 and isinstance(arguments[0], exp.Distinct)
        if distinct:
            arguments = arguments[0].expressions
        found = Aggregate(call.name.lower(), [duckdb_sql(a) for a in arguments], distinct, condition)
        return exp.column(name_of(found), quoted=True)

    return duckdb_sql(parse(text).transform(visit))


def names_in(text: str) -> set[str]:
    """Columns that stand outside every aggregate."""
    outside = take_aggregates(text, lambda aggregate: "")
    tree = parse_one(f"SELECT {outside} AS x", read="duckdb")
    return {column.name for column in tree.find_all(exp.Column)} - {""}


def _rewrite(node: exp.Expression) -> exp.Expression:
    """For `transform`, which does not look into what it has replaced: the parts of a new node are rewritten here."""

    def call(name: str, *arguments: exp.Expression) -> exp.Expression:
        return exp.Anonymous(this=name, expressions=[argument.transform(_rewrite) for argument in arguments])

    if isinstance(node, exp.Div):
        return call("td_divide", node.this, node.expression)
    if isinstance(node, exp.Anonymous) and node.name.lower() in RENAMED:
        return call(RENAMED[node.name.lower()], *node.expressions)
    if isinstance(node, (exp.Like, exp.ILike)) and not isinstance(node.parent, exp.Escape):
        # PostgreSQL escapes with a backslash unless told otherwise; DuckDB does not.
        like = type(node)(this=node.this.transform(_rewrite), expression=node.expression.transform(_rewrite))
        return exp.Escape(this=like, expression=exp.Literal.string("\\"))
    return node


def aggregate_sql(call: Aggregate, within: str, event_time: str | None, types) -> str:
    """One aggregate over the rows where `within` holds. `types(sql)` is the DuckDB type of a row expression."""
    conditions = [within] + ([f"({call.condition}) IS TRUE"] if call.condition else [])
    arguments = call.arguments
    name = {"every": "bool_and", "stddev": "stddev_samp", "variance": "var_samp"}.get(call.name, call.name)
    distinct = "DISTINCT " if call.distinct else ""

    if name in ("first", "last", "min_by", "max_by"):
        by = event_time if name in ("first", "last") else arguments[1]
        x = arguments[0]
        order = "DESC" if name in ("last", "max_by") else "ASC"
        conditions += [f"({x}) IS NOT NULL", f"({by}) IS NOT NULL"]
        return f"(list({x} ORDER BY {by} {order}, {x}) FILTER (WHERE {' AND '.join(conditions)}))[1]"

    where = f" FILTER (WHERE {' AND '.join(conditions)})"
    x = arguments[0]
    if name == "count_if":
        return f"count(*) FILTER (WHERE {' AND '.join([*conditions, f'({x}) IS TRUE'])})"
    if name == "approx_count_distinct":  # exact while they are few
        return f"count(DISTINCT {x}){where}"
    if name == "collect_list":
        conditions += [f"({x}) IS NOT NULL", f"({event_time}) IS NOT NULL"]
        return f"coalesce(list({x} ORDER BY {event_time}, {x}) FILTER (WHERE {' AND '.join(conditions)}), [])"
    if name in OF_VALUES:
        listed = f"(list({distinct}{x}) FILTER (WHERE {' AND '.join([*conditions, f'({x}) IS NOT NULL'])}))"
        return OF_VALUES[name].format(v=listed, p=arguments[1] if len(arguments) > 1 else "")
    if name in PAIRS:
        both = [f"({argument}) IS NOT NULL" for argument in arguments]
        pairs = ", ".join(f"CAST({argument} AS DOUBLE)" for argument in arguments)
        return f"exact_{name}(list([{pairs}]) FILTER (WHERE {' AND '.join([*conditions, *both])}))"
    if name == "count" and x == "*":
        return f"count(*){where}"
    if name in ("count", "min", "max", "bool_and", "bool_or"):
        return f"{name}({distinct}{x}){where}"

    kind = types(x)
    values = f"list({distinct}CAST({x} AS DOUBLE)) FILTER (WHERE {' AND '.join([*conditions, f'({x}) IS NOT NULL'])})"
    if name == "sum":
        if kind in ("DOUBLE", "FLOAT"):
            return f"exact_sum({values})"
        total = f"sum({distinct}{x}){where}"
        return total if kind.startswith("DECIMAL") else f"CAST({total} AS BIGINT)"
    if name == "avg":
        if kind in ("DOUBLE", "FLOAT"):
            return f"exact_mean({values})"
        return f"td_divide(sum({distinct}{x}){where}, count({distinct}{x}){where})"
    if name in ("median", "percentile_cont"):
        return f"exact_percentile({values}, {arguments[1] if len(arguments) > 1 else '0.5'})"
    return f"exact_{name}({values})"
