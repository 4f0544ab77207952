set(extra tests_support sqlite)
