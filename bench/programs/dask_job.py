"""The same features as teams write them over Dask's data frames.

    python dask_job.py EVENTS OUT DATE
"""

import datetime as dt
import sys

import dask.dataframe as dd
import pandas as pd
from distributed import Client, LocalCluster


def main(source: str, out: str, date: str) -> None:
    last = pd.Timestamp(date)
    days = [(last - dt.timedelta(days=back)).date() for back in range(31)]
    paths = [f"{source}/event_date={day}/*.parquet" for day in reversed(days)]
    columns = ["user_id", "session_id", "event_type", "product_category", "value", "timestamp"]
    events = dd.read_parquet(paths, columns=columns)

    count, without_user = len(events), events["user_id"].isna().sum().compute()
    assert count > 0 and without_user / count <= 0.01

    events = events[~events["user_id"].isna()]
    kind = events["event_type"]
    events = events.assign(
        day=events["timestamp"].dt.floor("D"),
        page_view=(kind == "page_view").astype("int64"),
        click=(kind == "click").astype("int64"),
        click_1d=((kind == "click") & (events["timestamp"] >= last)).astype("int64"),
        click_7d=((kind == "click") & (events["timestamp"] >= last - dt.timedelta(days=6))).astype("int64"),
        purchase=(kind == "purchase").astype("int64"),
        cart_add=(kind == "add_to_cart").astype("int64"),
        spend=events["value"].where(kind == "purchase"),
    )
    by_user = events.groupby("user_id")
    features = by_user.agg(
        {
            "timestamp": ["count", "min", "max"],
            "spend": ["sum", "mean"],
            **{name: "sum" for name in ("page_view", "click", "click_1d", "click_7d", "purchase", "cart_add")},
        }
    ).compute()
    features.columns = ["_".join(name) for name in features.columns]
    for name in ("session_id", "day", "product_category"):
        features[f"distinct_{name}"] = by_user[name].nunique().compute()
    views, sessions = features["page_view_sum"], features["distinct_session_id"]
    features["click_through_rate"] = (features["click_sum"] / views).where(views > 0, 0.0)
    features["purchase_rate"] = (features["purchase_sum"] / sessions).where(sessions > 0, 0.0)
    features["days_since_last_event"] = (last - features["timestamp_max"].dt.floor("D")).dt.days
    features["computed_at"] = pd.Timestamp.now()
    dd.from_pandas(features.reset_index(), npartitions=1).to_parquet(f"{out}/feature_date={date}", compression="zstd")
    print(len(features), "rows")


if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster, Client(cluster):
        main(*sys.argv[1:])
