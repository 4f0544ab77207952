set(extra platform)
