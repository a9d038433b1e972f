"""output.entities on Spark: the rows that the native engine publishes, of single dates and of many."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from entity_universe_test import WITHOUT_EVENTS, by_user, entities, with_entities
from sources import write_days
from spark_engine_test import FEATURES, assert_same_tables, both
from spark_sql_test import assert_spark_agrees
from world import DATE, World


@pytest.mark.parametrize("policy", ["drop", "keep"])
@pytest.mark.parametrize("dates", [(DATE, DATE), ("2026-02-27", "2026-03-09")], ids=["one", "many"])
def test_entities_without_events(spark, world, dates, policy):
    entities(world, ["u1", "z", "a", "z", None, "é"])
    with_entities(world, features=FEATURES, window="4d", more=f"null_entity: {policy}")
    done = both(spark, world, *dates)
    assert done["code"] == 0, done
    rows = by_user(world, dates[1])
    assert {"a", "z", "é"} <= rows.keys() and (None in rows) == (policy == "keep")
    assert rows["z"]["n_1d"] == 0 and rows["z"]["low_4d"] is None


def test_a_date_without_any_events(spark, world):
    entities(world, ["b", "a"])
    assert both(spark, with_entities(world), "2026-04-20", "2026-04-20")["code"] == 0
    assert by_user(world, "2026-04-20") == {"a": WITHOUT_EVENTS, "b": WITHOUT_EVENTS}


def test_several_columns_one_of_them_a_partition_of_the_table(spark, tmp_path):
    world = World(tmp_path)
    schema = pa.schema([("u", pa.int32()), ("c", pa.string()), ("x", pa.int64())])
    write_days(world.events, [{"event_date": DATE, "u": 1, "c": "se", "x": 5}, {"event_date": DATE, "u": 2, "c": "no", "x": 6}], schema)
    for country, users in (("se", [1, 3]), ("no", [9])):
        path = tmp_path / f"entities/land={country}/part-0.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": pa.array(users, pa.int64())}), path)
    with_entities(world, "columns: [id, land]", source="day: event_date", entity="[u, c]", features="n: count(*)\n total: sum(x)")
    sets = {**world.sets, "OUT": tmp_path / "on-spark"}
    assert spark.tidemill(world.file, sets, "backfill", DATE, "2026-03-05")["code"] == 0
    world.backfill(DATE, "2026-03-05")
    assert_same_tables(sets["OUT"], world.out, ["u", "c"])


def test_the_query_as_a_script(spark, world):
    entities(world, ["u1", "z", None])
    assert_spark_agrees(spark, with_entities(world).file, DATE, world.sets, ["user_id"])
