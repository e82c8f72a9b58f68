"""When things run: jobs, and later schedules, sensors and alerts."""
