set(extra test_drivers)
