set(extra platform sqlite)
