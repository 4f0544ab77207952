set(extra duckdb)
