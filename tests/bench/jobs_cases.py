"""The jobs that jobs.sh compares: what they read, the same question in DuckDB's SQL, in Spark's, in Polars and as a mapreduce job.
Sums are of integers, so that all engines answer the same."""
import dataclasses

ROWS = """SELECT i AS id, (hash(i) % 100000)::INTEGER AS k, (hash(i + 1) % 100)::INTEGER AS g, (hash(i + 2) % 1000)::INTEGER AS v,
  (hash(i + 3) % 1000000)::BIGINT AS w, 'text ' || (hash(i + 4) % 10000) AS s, DATE '2001-01-01' + (hash(i + 5) % 365)::INTEGER AS d
  FROM range({rows}) t(i)"""
# Zipf(1.3): P(key > x) is x to the power of -0.3.
ZIPF = """SELECT least(floor(pow((hash(i) + 1) / 18446744073709551617.0, -1 / 0.3)), 1000000)::BIGINT AS z, (hash(i + 1) % 1000)::INTEGER AS v
  FROM range({rows}) t(i)"""
WORDS = """SELECT string_agg('w' || least(floor(pow((hash(i) + 1) / 18446744073709551617.0, -1 / 0.3)), 50000)::INTEGER, ' ') AS line
  FROM range({rows}) t(i) GROUP BY i // 12"""
COLUMNS = {"id": "BIGINT", "k": "INTEGER", "g": "INTEGER", "v": "INTEGER", "w": "BIGINT", "s": "VARCHAR", "d": "DATE"}


@dataclasses.dataclass
class Case:
    label: str
    inputs: dict           # name -> file in the data folder
    sql: str               # over the inputs by name; DuckDB's and Spark's
    polars: object         # (polars, {name: LazyFrame}) -> LazyFrame
    job: str               # what is in `with` beside inputs, mode and output
    full: bool = False     # only with --full
    user_code: bool = False  # cannot be fused


def group(label, name, key, full=False):
    return Case(
        label, {"rows": name}, f"SELECT {key}, count(*) AS n, CAST(sum(v) AS BIGINT) AS total, max(v) AS most FROM rows GROUP BY {key}",
        lambda pl, f: f["rows"].group_by(key).agg(pl.len().cast(pl.Int64).alias("n"), pl.col("v").cast(pl.Int64).sum().alias("total"),
                                                  pl.col("v").max().alias("most")),
        f"""map: SELECT {key}, v FROM rows
aggregate: {{by: [{key}], select: {{n: count(*), total: CAST(sum(v) AS BIGINT), most: max(v)}}}}""", full)


def join(label, left, right, key, by, value, strategy):
    return Case(
        label, {"rows": left, "other": right},
        f"SELECT {by}, count(*) AS n, CAST(sum({value}) AS BIGINT) AS total FROM rows JOIN other USING ({key}) GROUP BY {by}",
        lambda pl, f: f["rows"].join(f["other"], on=key).group_by(by).agg(
            pl.len().cast(pl.Int64).alias("n"), pl.col(value).cast(pl.Int64).sum().alias("total")),
        f"""stages:
  - {{name: joined, join: {{left: rows, right: other, on: {key}, strategy: {strategy}, select: "{by}, {value}"}}}}
  - name: totals
    aggregate: {{by: [{by}], select: {{n: count(*), total: CAST(sum({value}) AS BIGINT)}}}}""")


def words(label, name, full=False):
    return Case(
        label, {"text": name},
        "SELECT word, count(*) AS n FROM (SELECT unnest(string_split(line, ' ')) AS word FROM text) GROUP BY word",
        lambda pl, f: f["text"].select(pl.col("line").str.split(" ").alias("word")).explode("word").group_by("word").agg(
            pl.len().cast(pl.Int64).alias("n")),
        """map: {library: lib/libword_count.so}
combine: {library: lib/libword_count.so}
reduce: {library: lib/libword_count.so}""", full, True)


def flights():
    return Case(
        "flights, 3 M rows of Parquet", {"rows": "flights-3m.parquet"},
        "SELECT CAST(date AS DATE) AS day, origin, count(*) AS n, CAST(sum(delay) AS BIGINT) AS total FROM rows "
        "GROUP BY CAST(date AS DATE), origin",
        lambda pl, f: f["rows"].with_columns(pl.col("date").cast(pl.Date).alias("day")).group_by("day", "origin").agg(
            pl.len().cast(pl.Int64).alias("n"), pl.col("delay").cast(pl.Int64).sum().alias("total")),
        """map: SELECT CAST(date AS DATE) AS day, origin, delay FROM rows
aggregate: {by: [day, origin], select: {n: count(*), total: CAST(sum(delay) AS BIGINT)}}""")


def cases(millions):
    m = f"{millions} M rows"
    return [
        flights(),
        group(f"CSV, {m}, 100 keys", "rows.csv", "g"),
        group(f"CSV, {m}, 100,000 keys", "rows.csv", "k"),
        group(f"Parquet, {m}, 100 keys", "rows.parquet", "g"),
        group(f"Parquet, {m}, 100,000 keys", "rows.parquet", "k"),
        join(f"join, {m} x 1,000", "rows.parquet", "few.parquet", "v", "c", "w", "auto"),
        join(f"join, {m} x half as many", "rows.parquet", "half.parquet", "id", "g", "u", "auto"),
        join(f"join, {m} of Zipf(1.3) x 1 M", "zipf.parquet", "keys.parquet", "z", "c", "v", "shuffle"),
        Case(f"sort, {m} of seven columns", {"rows": "rows.parquet"}, "SELECT * FROM rows ORDER BY w, id",
             lambda pl, f: f["rows"].sort("w", "id"), "order_by: [w, id]"),
        words("word count, 81 MB", "words.txt"),
        words("word count, 1 GB", "words_1g.txt", full=True),
        group("Parquet, 100 M rows, 100 keys", "rows_100m.parquet", "g", full=True),
        group("Parquet, 100 M rows, 100,000 keys", "rows_100m.parquet", "k", full=True),
        group("CSV, 100 M rows, 100 keys", "rows_100m.csv", "g", full=True),
        group("CSV, 100 M rows, 100,000 keys", "rows_100m.csv", "k", full=True),
    ]


def make_data(duckdb, folder, millions, full):
    """Each file once; a folder of an earlier run is used again."""
    connection = duckdb.connect()
    rows = millions * 1_000_000
    half = f"SELECT id, (hash(id + 9) % 1000)::INTEGER AS u FROM (SELECT 2 * i AS id FROM range({rows // 2}) t(i))"
    selects = {
        "rows.parquet": ROWS.format(rows=rows), "rows.csv": ROWS.format(rows=rows), "half.parquet": half,
        "few.parquet": "SELECT i::INTEGER AS v, (i % 10)::INTEGER AS c FROM range(1000) t(i)",
        "zipf.parquet": ZIPF.format(rows=rows), "keys.parquet": "SELECT i AS z, (i % 100)::INTEGER AS c FROM range(1, 1000001) t(i)",
        "words.txt": WORDS.format(rows=20_000_000),
    }
    if full:
        selects |= {"rows_100m.parquet": ROWS.format(rows=100_000_000), "rows_100m.csv": ROWS.format(rows=100_000_000),
                    "words_1g.txt": WORDS.format(rows=250_000_000)}
    for name, select in selects.items():
        path = folder / name
        if path.exists():
            continue
        options = "(FORMAT csv, HEADER false, QUOTE '', DELIMITER '\\t')" if name.endswith(".txt") else ""
        connection.execute(f"COPY ({select}) TO '{path}.new' {options or '(FORMAT ' + name.split('.')[1] + ')'}")
        path.with_name(name + ".new").rename(path)
