"""The features of each hour, computed ten minutes after it, so that events have the time to arrive.

EVENTS in the environment of the workers says where the events are, FEATURES where the tables are to be.
"""

import os

from tidemill.airflow import tidemill_dag

hourly = tidemill_dag(
    "../hourly_activity.yaml",
    start_date="2026-01-01",
    schedule="10 * * * *",
    names={"OUT": os.environ.get("FEATURES", "features") + "/hourly_activity"},
    default_args={"retries": 2},
)
