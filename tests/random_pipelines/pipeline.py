"""A random pipeline over a random source, as the text of its file."""

import datetime as dt
import json
import random
from dataclasses import dataclass

from .columns import Column
from .source import Source


@dataclass
class RandomPipeline:
    text: str
    date: str
    loose: set[str]  # features that may differ by rounding


@dataclass
class Expr:
    sql: str
    kind: str
    exact: bool = True  # both sides must agree to the last bit
    small: bool = True  # fit for sums of integers and for variances


class Grammar:
    """Draws expressions over the columns of a source."""

    def __init__(self, rnd: random.Random, source: Source, columns: list[Column]):
        self.rnd = rnd
        self.source = source
        self.columns = columns

    def column(self, *kinds: str, small: bool = False) -> Expr | None:
        fit = [c for c in self.columns if (not kinds or c.kind in kinds) and (c.small or not small)]
        if not fit:
            return None
        column = self.rnd.choice(fit)
        return Expr(column.sql, column.kind, small=column.small)

    def number(self, depth: int = 2) -> Expr:
        rnd = self.rnd
        leaf = self.column("int", "double", "decimal", small=True) or Expr(str(rnd.randint(-9, 9)), "int")
        if depth == 0 or rnd.random() < 0.35:
            return leaf
        a, b = self.number(depth - 1), self.number(depth - 1)
        exact = a.exact and b.exact and "decimal" not in (a.kind, b.kind)
        choice = rnd.randrange(9)
        if choice == 0:
            return Expr(f"{self._wide(a)} {rnd.choice('+-')} {self._wide(b)}", "double", exact)
        if choice == 1:
            return Expr(f"({self._wide(a)}) * {rnd.choice(['2', '0.5', '-1'])}", "double", False)
        if choice == 2:
            return Expr(f"abs({a.sql})", a.kind, a.exact)
        if choice == 3:
            return Expr(f"coalesce({self._wide(a)}, {self._wide(b)})", "double", exact)
        if choice == 4:
            return Expr(f"case when {self.condition(1).sql} then {self._wide(a)} else {self._wide(b)} end", "double", exact)
        if choice == 5:
            return Expr(f"{rnd.choice(['greatest', 'least'])}({self._wide(a)}, {self._wide(b)})", "double", exact)
        if choice == 6 and (text := self.column("text")):
            return Expr(f"length({text.sql})", "int")
        if choice == 7 and (time := self.column("time", "date")):
            return Expr(f"extract({rnd.choice(['year', 'month', 'day'])} from {time.sql})", "int")
        return Expr(f"({self._wide(a)}) / ({self._wide(b)})", "double", False)

    def _wide(self, e: Expr) -> str:
        return f"cast({e.sql} as double precision)" if e.kind != "double" or "ratio32" in e.sql else e.sql

    def text(self, depth: int = 1) -> Expr:
        rnd = self.rnd
        leaf = self.column("text")
        if leaf is None:
            return Expr("'none'", "text")
        if depth == 0 or rnd.random() < 0.4:
            return leaf
        a = self.text(depth - 1)
        forms = [
            f"lower({a.sql})",
            f"upper({a.sql})",
            f"coalesce({a.sql}, 'none')",
            f"{a.sql} || '-'",
            f"substring({a.sql} from 1 for 2)",
            f"trim({a.sql})",
            f"nullif({a.sql}, '')",
            f"case when {self.condition(1).sql} then {a.sql} else 'other' end",
        ]
        return Expr(rnd.choice(forms), "text")

    def condition(self, depth: int = 2) -> Expr:
        rnd = self.rnd
        if depth > 0 and rnd.random() < 0.4:
            a, b = self.condition(depth - 1).sql, self.condition(depth - 1).sql
            return Expr(rnd.choice([f"({a}) and ({b})", f"({a}) or ({b})", f"not ({a})"]), "bool")
        forms = []
        if number := self.column("int", "double", "decimal"):
            value = rnd.choice(["0", "1", "-3", "50", "0.5"])
            forms += [
                f"{number.sql} {rnd.choice(['=', '<>', '<', '<=', '>', '>='])} {value}",
                f"{number.sql} between -5 and {value}",
                f"{number.sql} in (0, 1, {value})",
            ]
        if text := self.column("text"):
            forms += [
                f"{text.sql} = {rnd.choice(WORDS)}",
                f"{text.sql} <> {rnd.choice(WORDS)}",
                f"{text.sql} in ('a', 'red', {rnd.choice(WORDS)})",
                f"{text.sql} not in ('b', 'green')",
                f"{text.sql} like {rnd.choice(PATTERNS)}",
                f"{text.sql} < 'm'",
            ]
        if flag := self.column("bool"):
            forms += [flag.sql, f"{flag.sql} is not true", f"{flag.sql} = false"]
        if date := self.column("date"):
            forms.append(f"{date.sql} >= date '1970-01-01'")
        if anything := self.column():
            forms += [f"{anything.sql} is null", f"{anything.sql} is not null"]
        return Expr(rnd.choice(forms or ["true"]), "bool")

    def aggregate(self) -> Expr:
        rnd = self.rnd
        anything = self.column() or Expr("1", "int")
        call = self._call(anything)
        if rnd.random() < 0.4:
            call.sql += f" filter (where {self.condition().sql})"
        return call

    def _call(self, anything: Expr) -> Expr:
        rnd = self.rnd
        if rnd.random() < 0.35:
            return self._of_many(anything)
        choice = rnd.randrange(12)
        if choice == 0:
            return Expr("count(*)", "int")
        if choice == 1:
            return Expr(f"count({anything.sql})", "int")
        if choice <= 3:
            value = rnd.choice([anything, self.text(), self.number()])
            if not value.exact:  # a rounding that differs would count as another value
                value = anything
            return Expr(f"count(distinct {value.sql})", "int")
        if choice <= 5:
            value = rnd.choice([self.number(), self.column("double") or self.number(), self.number(0)])
            function = rnd.choice(["sum", "sum", "avg"])
            exact = value.exact and not (function == "avg" and value.kind != "double")
            return Expr(f"{function}({value.sql})", "double" if function == "avg" else value.kind, exact)
        if choice == 6:
            return Expr(f"{rnd.choice(MOMENTS)}({self.number().sql})", "double", False)
        if choice <= 8:
            value = rnd.choice([anything, self.number(), self.text()])
            return Expr(f"{rnd.choice(['min', 'max'])}({value.sql})", value.kind, value.exact)
        if choice == 9:
            return Expr(f"{rnd.choice(['bool_and', 'bool_or', 'every'])}({self.condition().sql})", "bool")
        if choice == 10:
            return Expr(f"{rnd.choice(['first', 'last'])}({anything.sql})", anything.kind)
        by = self.column() or Expr("1", "int")
        return Expr(f"{rnd.choice(['min_by', 'max_by'])}({anything.sql}, {by.sql})", anything.kind)


    def _of_many(self, anything: Expr) -> Expr:
        """What needs the values themselves, or sums of their products and powers."""
        rnd = self.rnd
        choice = rnd.randrange(9)
        p = rnd.choice(["0", "0.1", "0.25", "0.5", "0.9", "0.999", "1"])
        # Times differ between tables in how they are stored, which lists of them would show.
        plain = self.column("int", "text", "bool", "decimal", "date") or Expr("1", "int")
        number = self.column("int", "double", "decimal", small=True) or Expr("1", "int")
        if choice == 0:
            return Expr(f"count_if({self.condition().sql})", "int")
        if choice == 1:
            return Expr(f"approx_count_distinct({anything.sql})", "int")
        if choice == 2:
            return Expr(f"mode({anything.sql})", anything.kind)
        if choice == 3:
            return Expr(f"top_k({plain.sql}, {rnd.choice([1, 2, 5])})", "list")
        if choice == 4:
            return Expr(f"{rnd.choice(['collect_set', 'collect_list', 'histogram'])}({plain.sql})", "list")
        if choice == 5:
            call = rnd.choice([f"median({number.sql})", f"percentile_cont({number.sql}, {p})"])
            return Expr(call, "double", False)
        if choice == 6:
            return Expr(f"percentile_disc({anything.sql}, {p})", anything.kind)
        if choice == 7:
            return Expr(f"approx_percentile({number.sql}, {p})", number.kind)
        if rnd.random() < 0.5:
            return Expr(f"{rnd.choice(['skewness', 'kurtosis'])}({number.sql})", "double", False)
        other = self.column("int", "double", small=True) or number
        return Expr(f"{rnd.choice(['corr', 'covar_samp', 'covar_pop'])}({number.sql}, {other.sql})", "double", False)


WORDS = ["'a'", "'red'", "''", "'o''clock'", "'Åsa'", "'s7'", "'alpha'"]
PATTERNS = ["'a%'", "'%a%'", "'_'", "'x\\%%'", "'%'", "''", "'s1_'", "'%日%'"]
MOMENTS = ["stddev_samp", "stddev_pop", "var_samp", "var_pop"]


def random_pipeline(rnd: random.Random, source: Source) -> RandomPipeline:
    columns = [*source.columns, *source.entity, source.event_time]
    grammar = Grammar(rnd, source, columns)
    widest = rnd.randint(1, 8)
    derived: dict[str, str] = {}
    for i in range(rnd.choice([0, 0, 1, 2])):
        made = rnd.choice([grammar.number(), grammar.text(), grammar.condition()])
        if made.exact:
            derived[f"derived{i}"] = made.sql
            columns.append(Column(f"derived{i}", made.kind, None, [], 0, small=made.small))

    features: list[tuple[str, str]] = []
    made_features: list[tuple[str, Expr]] = []
    loose: set[str] = set()
    for i in range(rnd.randint(1, 12)):
        name = f"f{i}"
        call = grammar.aggregate()
        form: dict[str, object] = {"expr": call.sql}
        names = [name]
        if rnd.random() < 0.3:
            windows = sorted(rnd.sample(range(1, widest + 1), rnd.randint(1, min(3, widest))))
            form["windows"] = [f"{w}d" for w in windows]
            names = [f"{name}_{w}d" for w in windows]
        elif rnd.random() < 0.3:
            form["window"] = f"{rnd.randint(1, widest)}d"
        if call.kind in ("int", "double", "decimal") and rnd.random() < 0.3:
            form["default"] = rnd.choice([0, -1]) if call.kind == "int" else 0
        elif call.kind == "text" and rnd.random() < 0.3:
            form["default"] = "none"
        features.append((name, json.dumps(form, ensure_ascii=False) if len(form) > 1 else json.dumps(call.sql, ensure_ascii=False)))
        made_features += [(n, call) for n in names]
        if not call.exact:
            loose |= set(names)

    numbers = [(n, e) for n, e in made_features if e.kind in ("int", "double") and e.small]
    times = [n for n, e in made_features if e.kind in ("time", "date")]
    for i in range(rnd.choice([0, 1, 3])):
        name = f"g{i}"
        loose.add(name)
        if times and rnd.random() < 0.4:
            features.append((name, f'"datediff(feature_date, {rnd.choice(times)})"'))
        elif numbers:
            a, b = rnd.choice(numbers)[0], rnd.choice(numbers)[0]
            forms = [f"{a} / {b}", f"case when {a} > 0 then {b} end", f"coalesce({a}, {b}, 0)", f"{a} / nullif({b}, 0)"]
            features.append((name, json.dumps(rnd.choice(forms))))

    date = source.first + dt.timedelta(days=rnd.randint(source.days // 2, source.days))
    lines = ["pipeline: random", "source:", '  path: "${EVENTS}"', "  event_time: at"]
    if source.day:
        lines.append(f'  day: "{source.day}"')
    lines.append(f"  timezone: {source.timezone}")
    if rnd.random() < 0.4:
        lines.append(f"  where: {json.dumps(grammar.condition().sql, ensure_ascii=False)}")
    if derived:
        lines.append("  columns:")
        lines += [f"    {name}: {json.dumps(sql, ensure_ascii=False)}" for name, sql in derived.items()]
    lines.append(f"entity: {json.dumps([c.name for c in source.entity])}")
    lines.append(f"null_entity: {rnd.choice(['drop', 'keep'])}")
    lines.append(f"window: {widest}d")
    lines.append("features:")
    lines += [f"  {name}: {text}" for name, text in features]
    lines.append('output: {path: "${OUT}", partition_by: [feature_date]}')
    return RandomPipeline("\n".join(lines) + "\n", str(date), loose)
