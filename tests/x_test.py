import pyarrow as pa, time, datetime as dt, decimal
def test_x(deltars, duckdb_delta, spark, tmp_path):
    t = pa.table({"id":[1,2,3],"d":[dt.date(2026,1,1)]*3, "s":["a",None,"é'"], "ts": pa.array([dt.datetime(2026,1,1,3)]*3, pa.timestamp("us","UTC")), "x":[1.5,float("nan"),None], "m": pa.array([decimal.Decimal("1.25")]*3, pa.decimal128(12,2))})
    p = tmp_path/"t"
    def T(name, f, *a, **k):
        t0=time.time(); r=f(*a,**k); print(name, round(time.time()-t0,2)); return r
    T("dwrite", deltars.write, p, t, partition_by=["d"])
    a = T("dread", deltars.read, p); a = T("dread", deltars.read, p)
    b = T("duck", duckdb_delta.read, p);b = T("duck", duckdb_delta.read, p)
    c = T("spark", spark.read, p);c = T("spark", spark.read, p)
    for x in a,b,c: print(x.schema, x.sort_by("id").to_pylist())
    print(T("ssql", spark.sql, f"DELETE FROM delta.`{p}` WHERE id=2", f"SELECT count(*) FROM delta.`{p}`"))
    print(deltars.ask("about", table=p))
    try: spark.sql("SELECT nonsense")
    except Exception as e: print(repr(e)[:200])
