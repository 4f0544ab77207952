#!/usr/bin/env python3
"""One case in one engine with two threads, in a process of its own: prints "begin" before each round and its
milliseconds after it. Called by jobs_bench.py, which looks at what the process takes.

usage: jobs_peer.py duckdb|polars|spark LABEL DATA OUTPUT ROUNDS MILLIONS
"""
import os
import pathlib
import shutil
import sys
import time

ENGINE, LABEL, DATA, OUTPUT, ROUNDS, MILLIONS = sys.argv[1:7]
os.environ["POLARS_MAX_THREADS"] = "2"
from jobs_cases import COLUMNS, cases  # noqa: E402

DATA = pathlib.Path(DATA)
CASE = next(case for case in cases(int(MILLIONS)) if case.label == LABEL)


def by_duckdb():
    import duckdb

    def read(path):
        if path.suffix == ".csv":
            types = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
            return f"read_csv('{path}', columns={{{types}}})"
        if path.suffix == ".txt":
            return f"read_csv('{path}', columns={{'line': 'VARCHAR'}}, header=false, delim='\\t', quote='', escape='')"
        return f"'{path}'"

    def run():
        connection = duckdb.connect(config={"threads": 2})
        for name, file in CASE.inputs.items():
            connection.execute(f"CREATE VIEW {name} AS FROM {read(DATA / file)}")
        connection.execute(f"COPY ({CASE.sql}) TO '{OUTPUT}' (FORMAT parquet)")
    return run


def by_polars():
    import polars

    kinds = {"BIGINT": polars.Int64, "INTEGER": polars.Int32, "VARCHAR": polars.String, "DATE": polars.Date}

    def read(path):
        if path.suffix == ".csv":
            return polars.scan_csv(path, schema={name: kinds[kind] for name, kind in COLUMNS.items()})
        if path.suffix == ".txt":
            return polars.scan_csv(path, has_header=False, separator="\t", quote_char=None, schema={"line": polars.String})
        return polars.scan_parquet(path)

    return lambda: CASE.polars(polars, {name: read(DATA / file) for name, file in CASE.inputs.items()}).sink_parquet(OUTPUT)


def by_spark():
    from pyspark.sql import SparkSession

    spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "4g")
             .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
             .config("spark.sql.shuffle.partitions", "8").config("spark.log.level", "ERROR").getOrCreate())

    def read(path):
        if path.suffix == ".csv":
            return spark.read.csv(str(path), header=True, schema=", ".join(f"{name} {kind.replace('VARCHAR', 'STRING')}"
                                                                            for name, kind in COLUMNS.items()))
        if path.suffix == ".txt":
            return spark.read.text(str(path)).withColumnRenamed("value", "line")
        return spark.read.parquet(str(path))

    def run():
        for name, file in CASE.inputs.items():
            read(DATA / file).createOrReplaceTempView(name)
        sql = CASE.sql.replace("unnest(string_split(line, ' '))", "explode(split(line, ' '))")
        spark.sql(sql).write.mode("overwrite").parquet(OUTPUT)
    return run


def main():
    run = {"duckdb": by_duckdb, "polars": by_polars, "spark": by_spark}[ENGINE]()
    for _ in range(int(ROUNDS)):
        shutil.rmtree(OUTPUT, ignore_errors=True)
        pathlib.Path(OUTPUT).unlink(missing_ok=True)
        print("begin", flush=True)
        begin = time.perf_counter()
        run()
        print(1000 * (time.perf_counter() - begin), flush=True)


main()
