"""Clicks on demand: a daily DAG that runs only when triggered, one with a check that cannot pass, one whose command never
ends, and a bulk backfill."""

import json
import os
import sys
from datetime import timedelta

from tidemill.airflow import tidemill_backfill_dag, tidemill_dag

SITE = os.environ["SITE"]
RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=1)}


def names(table: str, **more: str) -> dict[str, str]:
    return {"CLICKS": f"{SITE}/clicks", "OUT": f"{SITE}/{table}", **more}


demanding = tidemill_dag("../clicks.yaml", dag_id="demanding", start_date="2026-03-01", schedule=None,
                         names=names("demanding", LEAST="1000000"), default_args=RETRIES)
endless = tidemill_dag("../clicks.yaml", dag_id="endless", start_date="2026-03-01", schedule=None,
                       command=[sys.executable, os.environ["FAKE_PROGRAM"]],
                       env={"FAKE_TIDEMILL": json.dumps({"note": f"{SITE}/note", "sleep": 300})})
bulk = tidemill_backfill_dag("../clicks.yaml", names=names("bulk"), default_args=RETRIES)
