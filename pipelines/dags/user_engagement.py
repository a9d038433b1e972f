"""The features of each day, computed when the day is over; and any range of days, on demand.

EVENTS and OUT in the environment of the workers say where events and features are, see the pipeline file.
"""

from tidemill.airflow import tidemill_backfill_dag, tidemill_dag

daily = tidemill_dag("../user_engagement.yaml", start_date="2026-01-01", default_args={"retries": 2})
on_demand = tidemill_backfill_dag("../user_engagement.yaml")
