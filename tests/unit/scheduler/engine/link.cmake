set(extra test_drivers scheduler_dagbag)
