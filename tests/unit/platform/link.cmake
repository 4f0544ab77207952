set(extra core_calendar)  # to read and show times
