"""The features of each day, computed when the day is over; and any range of days, on demand.

EVENTS in the environment of the workers says where the events are, FEATURES where the tables are to be.
"""

import os

from tidemill.airflow import tidemill_backfill_dag, tidemill_dag

PIPELINE = "../user_engagement.yaml"
NAMES = {"OUT": os.environ.get("FEATURES", "features") + "/user_engagement"}

daily = tidemill_dag(PIPELINE, start_date="2026-01-01", names=NAMES, default_args={"retries": 2})
on_demand = tidemill_backfill_dag(PIPELINE, names=NAMES, default_args={"retries": 2})
