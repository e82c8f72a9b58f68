"""When things run: jobs, the sensor and schedule that start them, and whether those are at work."""
