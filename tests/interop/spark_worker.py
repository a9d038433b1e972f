"""Reads and writes Delta tables with Spark, and is Tidemill's engine: spark_worker.py JARS SCRATCH."""

import sys
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from requests_by_line import serve
from tidemill_calls import call_method

jars, scratch = map(Path, sys.argv[1:])
settings = {
    "spark.jars": ",".join(map(str, sorted(jars.glob("*.jar")))),
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.warehouse.dir": str(scratch / "warehouse"),
    "spark.local.dir": str(scratch / "local"),
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1500m",
    "spark.driver.extraJavaOptions": f"-Dderby.system.home={scratch} -Djava.io.tmpdir={scratch} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.ui.enabled": "false",
}
builder = SparkSession.builder.master("local[2]").appName("interop")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def sql(statements: list[str]) -> list[list]:
    """Runs statements and gives the rows of the last."""
    rows = []
    for statement in statements:
        rows = spark.sql(statement)
    return [list(row) for row in rows.collect()]


def read(table: str, into: str, sql: str = "SELECT * FROM t"):
    """Writes the answer to a query over the table `t` to a Parquet file."""
    spark.read.format("delta").load(table).createOrReplaceTempView("t")
    pq.write_table(spark.sql(sql).toArrow(), into)


def script(text: str, into: str):
    """Runs a script of statements in a session of its own and writes the answer of the last to a Parquet file."""
    session = spark.newSession()
    statements = [statement for statement in text.split(";\n") if statement.strip()]
    for statement in statements[:-1]:
        session.sql(statement)
    pq.write_table(session.sql(statements[-1]).toArrow(), into)


def tidemill(file: str, names: dict, method: str, arguments: list, keywords: dict):
    """Calls a method of a pipeline with this session as its engine, which is afterwards as it was before."""
    settings, views = set(spark.sql("SET").collect()), spark.catalog.listTables()
    answer = call_method(file, names, method, arguments, keywords, spark)
    assert set(spark.sql("SET").collect()) == settings, "a pass has changed the session"
    assert spark.catalog.listTables() == views, "a pass has left a view"
    return answer


serve(sql, read, script, tidemill)
spark.stop()
