"""These tests run in the interpreter that has Airflow, see scripts/bootstrap_airflow; scripts/test airflow does that.

Airflow writes its settings when it is imported, so what it goes by stands in the environment before that.
"""

import os
import tempfile

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="tidemill-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

import shutil  # noqa: E402
import sys  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from airflow_site import AirflowSite  # noqa: E402
from tidemill_command import ROOT  # noqa: E402

sys.path.insert(0, str(ROOT / "python"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> AirflowSite:
    """Airflow with a database and the DAGs of this repository and of site_dags/; nothing runs."""
    made = AirflowSite(tmp_path_factory.mktemp("site"))
    made.install_dags(ROOT / "pipelines", Path(__file__).with_name("site_dags"))
    made.migrate()
    return made


@pytest.fixture(scope="session")
def running_site(site: AirflowSite) -> Iterator[AirflowSite]:
    site.start()
    yield site
    site.stop()
