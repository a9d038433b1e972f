"""Hourly features of many dates at once, in one query.

A slot is an hour of UTC, counted from 1970. What a slot is called locally is asked of DuckDB's own time zones.
"""

import duckdb
import pyarrow as pa

# The features of FEATURES in tests/hourly.py. Values of tests are multiples of a quarter: sums of them are exact.
WINDOW = """
    count(*) FILTER ({w}) AS n_{name},
    count(DISTINCT kind) FILTER ({w}) AS kinds_{name},
    sum(value) FILTER ({w}) AS total_{name},
    min(value) FILTER ({w}) AS low_{name},
    max(value) FILTER ({w}) AS high_{name},
    (list(kind ORDER BY "at" DESC, kind) FILTER ({w} AND kind IS NOT NULL))[1] AS last_kind_{name},
    max("at") FILTER ({w}) AS latest_{name}
"""


class Hours:
    """Events (user_id, kind, value, at) on a calendar of hours in a zone. Naive times are local ones."""

    def __init__(self, events: pa.Table, zone: str) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 2")
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.register("given", events)
        span = 'SELECT min(epoch_us("at")) // 3600000000, max(epoch_us("at")) // 3600000000 FROM given'
        first, last = self.connection.execute(span).fetchone()
        self.connection.execute(
            f"""
            CREATE TABLE hours AS
            SELECT slot, start, floor_hour, strftime(floor_hour, '%Y-%m-%dT%H') AS name,
                row_number() OVER (PARTITION BY floor_hour ORDER BY slot) AS nth,
                (epoch(start) - slot * 3600)::BIGINT AS ahead
            FROM (
                SELECT slot, timezone('{zone}', to_timestamp(slot * 3600)) AS start,
                    date_trunc('hour', start) AS floor_hour
                FROM range({first - 96}, {last + 96}) AS r(slot)
            )
            """
        )
        # A naive time belongs to the first hour that has not ended by then on the local clock.
        naive = events.schema.field("at").type.tz is None
        first_hour = '(SELECT min(slot) FROM hours WHERE start + INTERVAL 1 HOUR > "at")'
        slot = first_hour if naive else 'epoch_us("at") // 3600000000'
        self.connection.execute(f"CREATE TABLE events AS SELECT *, {slot} AS slot FROM given")

    def labels(self, first: str, last: str) -> list[str]:
        """All hours from one label to another: the second of two hours of a name has its offset behind it."""
        rows = self.connection.execute(f"SELECT {LABEL} FROM hours ORDER BY slot").fetchall()
        names = [row[0] for row in rows]
        return names[names.index(first) : names.index(last) + 1]

    def rows(self, first: str, last: str, hours: int, days: int) -> list[tuple]:
        """(label, user_id, features of the last `hours` hours, of the last `days` days), in order."""
        short, long = WINDOW.format(w=f"slot > date - {hours}", name="h"), WINDOW.format(w="slot > outside", name="d")
        return self.connection.execute(
            f"""
            WITH named AS (SELECT slot AS date, floor_hour, {LABEL} AS label FROM hours),
            dates AS (
                SELECT date, label, (
                    SELECT max(slot) FROM hours
                    WHERE slot <= date AND hours.floor_hour <= named.floor_hour - INTERVAL {days} DAY
                ) AS outside
                FROM named
                WHERE date BETWEEN (SELECT date FROM named WHERE label = ?) AND (SELECT date FROM named WHERE label = ?)
            ),
            pairs AS (SELECT * FROM dates JOIN events ON slot <= date AND slot > least(outside, date - {hours}))
            SELECT label, user_id, {short}, {long}
            FROM pairs WHERE user_id IS NOT NULL GROUP BY date, label, user_id ORDER BY date, user_id
            """,
            [first, last],
        ).fetchall()

    def counted(self, label: str, hours: int) -> int:
        """How many events there are in the `hours` hours that end with `label`, whoever's they are."""
        (slot,) = self.connection.execute(f"SELECT slot FROM hours WHERE {LABEL} = ?", [label]).fetchone()
        query = "SELECT count(*) FROM events WHERE slot > ? AND slot <= ?"
        return self.connection.execute(query, [slot - hours, slot]).fetchone()[0]


LABEL = """
    name || CASE WHEN nth > 1 THEN
        CASE WHEN ahead < 0 THEN '-' ELSE '+' END || strftime(to_timestamp(abs(ahead)), '%H:%M')
    ELSE '' END
"""
