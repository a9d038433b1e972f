"""User engagement features over 31 days as teams write them in PySpark: what pipelines/user_engagement.yaml replaces.

    python pyspark_job.py EVENTS OUT DATE
"""

import datetime as dt
import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(source: str, out: str, date: str) -> None:
    cores = os.cpu_count()
    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.driver.memory", "8g")
        .config("spark.sql.adaptive.enabled", "true")
        .config("spark.sql.shuffle.partitions", "200")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    first = dt.date.fromisoformat(date) - dt.timedelta(days=30)
    events = spark.read.parquet(source).where((F.col("event_date") >= str(first)) & (F.col("event_date") <= date))

    count = events.count()
    without_user = events.where(F.col("user_id").isNull()).count()
    kinds = {row[0] for row in events.select("event_type").distinct().collect()}
    assert count > 0 and without_user / count <= 0.01
    if not {"page_view", "click", "purchase"} <= kinds:
        print("warning: event types are missing", file=sys.stderr)

    def of(kind: str, since: int = 31):
        start = dt.date.fromisoformat(date) - dt.timedelta(days=since - 1)
        return F.sum(F.when((F.col("event_type") == kind) & (F.col("event_date") >= str(start)), 1).otherwise(0))

    bought = F.when(F.col("event_type") == "purchase", F.col("value"))
    features = (
        events.where(F.col("user_id").isNotNull())
        .groupBy("user_id")
        .agg(
            F.count("*").alias("total_events_30d"),
            F.countDistinct("session_id").alias("total_sessions_30d"),
            F.countDistinct(F.date_trunc("day", "timestamp")).alias("active_days_30d"),
            of("page_view").alias("page_views_30d"),
            of("click").alias("clicks_30d"),
            of("purchase").alias("purchases_30d"),
            of("add_to_cart").alias("cart_adds_30d"),
            F.coalesce(F.sum(bought), F.lit(0.0)).alias("total_spend_30d"),
            F.avg(bought).alias("avg_order_value_30d"),
            F.max("timestamp").alias("last_event_at"),
            F.min("timestamp").alias("first_event_at"),
            F.countDistinct("product_category").alias("unique_categories_30d"),
            of("click", 1).alias("clicks_1d"),
            of("click", 7).alias("clicks_7d"),
        )
        .withColumn("click_through_rate", F.when(F.col("page_views_30d") > 0, F.col("clicks_30d") / F.col("page_views_30d")).otherwise(0.0))
        .withColumn("purchase_rate", F.when(F.col("total_sessions_30d") > 0, F.col("purchases_30d") / F.col("total_sessions_30d")).otherwise(0.0))
        .withColumn("days_since_last_event", F.datediff(F.lit(date), F.col("last_event_at")))
        .withColumn("feature_date", F.lit(date))
        .withColumn("computed_at", F.current_timestamp())
    )
    features.repartition(10).write.mode("overwrite").partitionBy("feature_date").parquet(out)
    print(spark.read.parquet(out).where(F.col("feature_date") == date).count(), "rows")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
