set(extra platform worker_lake worker_sql)
