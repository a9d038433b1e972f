"""The features of each hour, computed ten minutes after it, so that events have the time to arrive."""

from tidemill.airflow import tidemill_dag

hourly = tidemill_dag("../hourly_activity.yaml", start_date="2026-01-01", schedule="10 * * * *",
                      default_args={"retries": 2})
