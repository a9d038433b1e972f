"""Tidemill in Airflow 3: an operator for one command, and factories of whole DAGs.

`tidemill_dag` runs a pipeline for each feature date, `tidemill_backfill_dag` computes a range of them in chunks, and
`TidemillOperator` and `TidemillStatusOperator` are for DAGs of one's own. The command runs as a process of its own, so
a worker needs the `tidemill` program, and the process that parses DAGs only this package.
"""

from tidemill.airflow.dags import EVERY_DATE, tidemill_backfill_dag, tidemill_dag
from tidemill.airflow.operators import TidemillCommandOperator, TidemillOperator, TidemillStatusOperator

__all__ = [
    "EVERY_DATE",
    "TidemillCommandOperator",
    "TidemillOperator",
    "TidemillStatusOperator",
    "tidemill_backfill_dag",
    "tidemill_dag",
]
