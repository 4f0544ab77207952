set(extra platform)  # real zones
